import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GateError, messageOf } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'

const prefix = 'triton-perf-gate-models.'

/**
 * A temporary twin of a model repository: folders of its own, and in them links to the files. What a server or
 * a model writes beside its files (Python's `__pycache__`, an engine cache) then stays out of the user's
 * repository. The python backend's stub ignores PYTHONDONTWRITEBYTECODE, so nothing less does.
 */
export function linkRepository(world: World, repository: string): string {
  let twin: string | null = null
  try {
    twin = mkdtempSync(join(temporaryFolder(world), `${prefix}${processIdentity()}.`))
    linkFolder(repository, twin, [])
    return twin
  } catch (error) {
    if (twin !== null) rmSync(twin, { recursive: true, force: true })
    throw new GateError('environment', `the model repository could not be linked: ${messageOf(error)}`, {
      hint: `The server is given links to the files of ${repository}, in ${temporaryFolder(world)}.`,
      cause: error,
    })
  }
}

/** Removes the twins of gates that were killed. */
export function removeStaleTwins(world: World): void {
  const folder = temporaryFolder(world)
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(prefix))) {
    const owner = name.slice(prefix.length).replace(/\.[^.]*$/, '')
    if (stateOf(owner) === 'dead') rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function temporaryFolder(world: World): string {
  return world.env.RUNNER_TEMP || tmpdir()
}

function linkFolder(from: string, to: string, above: readonly string[]): void {
  const real = realpathSync(from)
  // A link to a folder above it has no end; Triton itself reads only the model's own folders.
  if (above.includes(real)) return
  for (const name of readdirSync(from)) {
    if (name === '__pycache__') continue
    const [source, target] = [join(real, name), join(to, name)]
    if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === true) {
      mkdirSync(target)
      linkFolder(source, target, [...above, real])
    } else {
      symlinkSync(source, target)
    }
  }
}
