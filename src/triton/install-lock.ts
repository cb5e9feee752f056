import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { nsPerSecond, type World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import { readTextIfAny } from '../system/read-text.ts'

const pollNs = nsPerSecond / 2
const saySomethingNs = 10 * nsPerSecond

/**
 * Waits until no living process of this machine holds the lock file, then takes it; gives the function
 * that releases it. The lock spares work and is not what makes installing safe: everyone builds in a
 * folder of their own and renames it. So a lock from another machine on a shared disk, or from a dead
 * process, is simply taken over, and two who do so at once do no harm.
 */
export async function takeLock(world: World, path: string): Promise<() => void> {
  const me = processIdentity()
  let lastSaidNs = Number.NEGATIVE_INFINITY
  while (!world.signal.aborted && !tryTake(path, me)) {
    const owner = readTextIfAny(path)
    if (owner === null) continue // released meanwhile
    if (stateOf(owner) !== 'alive') {
      rmSync(path, { force: true })
      continue
    }
    if (world.nowNs() - lastSaidNs >= saySomethingNs) {
      world.progress(`another run is installing the embedded Triton (${path}), waiting for it`)
      lastSaidNs = world.nowNs()
    }
    await world.sleep(pollNs)
  }
  return () => {
    if (readTextIfAny(path) === me) rmSync(path, { force: true })
  }
}

/** A link appears with its content or not at all, so that no half-written lock is ever read. */
function tryTake(path: string, me: string): boolean {
  const draft = `${path}.${me}`
  writeFileSync(draft, me)
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
