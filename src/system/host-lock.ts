import { createConnection, createServer } from 'node:net'
import { GateError } from '../domain/error.ts'
import { nsPerSecond, type World } from '../domain/world.ts'

/** Two runs that end and begin beside each other lose no more than this. */
const pollNs = nsPerSecond
const saySomethingNs = 15 * nsPerSecond
const answerMs = 500

export interface HostLock {
  readonly release: () => Promise<void>
}

/**
 * Waits until no other run on this host holds the lock, then takes it.
 *
 * The lock is an abstract Unix socket (unix(7)): the kernel lets one process bind a name and frees it when that process
 * is gone, however it went, so that no lock is ever stale and none is left to clean up. It needs no folder that all
 * users of the host may write to. It is seen within one network namespace: not by a job in a container of its own.
 *
 * @param name what is locked, the same for all runs
 * @param what the same in words, for messages
 * @throws GateError `environment` after `waitNs`, `interrupted` when a signal asks to stop
 */
export async function takeHostLock(
  world: World,
  { name, what, waitNs }: { readonly name: string; readonly what: string; readonly waitNs: number },
): Promise<HostLock> {
  const path = `\0triton-perf-gate/${name}`
  const startNs = world.nowNs()
  const about = `process ${process.pid}, since ${world.date()}`
  let saidNs = Number.NEGATIVE_INFINITY
  for (;;) {
    const lock = await bind(path, about)
    if (lock !== null) return lock
    const now = world.nowNs()
    if (world.signal.aborted) {
      throw new GateError('interrupted', `interrupted while waiting for ${what}`)
    }
    if (now - startNs >= waitNs) throw stillHeld(what, await holderOf(path), waitNs)
    if (now - saidNs >= saySomethingNs) {
      world.progress(`${what} is measured on by another run (${await holderOf(path)}), waiting for it`)
      saidNs = now
    }
    await world.sleep(Math.min(pollNs, startNs + waitNs - now))
  }
}

function stillHeld(what: string, holder: string, waitNs: number): GateError {
  const waited = `${Math.round(waitNs / nsPerSecond)} s`
  return new GateError(
    'environment',
    `${what} is still measured on by another run (${holder}) after ${waited}`,
    {
      hint: 'Two runs on one device would measure each other. Wait longer (gate.exclusive_wait), give each runner its own GPUs (gpus), or end that process if it hangs.',
    },
  )
}

/** null where another process has the name. Whoever connects is told about the holder. */
function bind(path: string, about: string): Promise<HostLock | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}) // gone before it had its answer
      socket.end(about)
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null)
      else reject(new GateError('environment', `the lock of this host cannot be taken: ${error.message}`))
    })
    server.listen({ path }, () => {
      // Ends with the program; it must not keep it.
      server.unref()
      resolve({ release: () => new Promise((done) => server.close(() => done())) })
    })
  })
}

/** Who holds it, in its own words. */
function holderOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = createConnection({ path })
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text === '' ? 'it does not say which process' : text.slice(0, 200))
    }
    const timer = setTimeout(finish, answerMs)
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('end', finish)
    socket.on('error', finish)
  })
}
