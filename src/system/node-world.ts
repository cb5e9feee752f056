import { setMaxListeners } from 'node:events'
import { nsPerMs, type World } from '../domain/world.ts'
import { launchProcess } from './launch.ts'
import { runCommand } from './run-command.ts'

export interface NodeWorldOptions {
  /** Another way to run commands, e.g. one that logs them for the action. */
  readonly run?: World['run']
  readonly progress: World['progress']
  readonly loadWorker: URL
  readonly signal: AbortSignal
}

/** The real world. Its clock begins now. */
export function createNodeWorld({ run, progress, loadWorker, signal }: NodeWorldOptions): World {
  const startNs = process.hrtime.bigint()
  // Every server, thread and command that is alive listens: more than ten are no leak, as which Node 20 reports them to the user.
  setMaxListeners(0, signal)
  return {
    nowNs: () => Number(process.hrtime.bigint() - startNs),
    date: () => new Date().toISOString(),
    sleep: (durationNs, sleepSignal = signal) => sleep(durationNs, sleepSignal),
    signal,
    env: process.env,
    run: run ?? ((command, args, options = {}) => runCommand(command, args, options, signal)),
    launch: (command, args, options) => launchProcess(command, args, options, signal, progress),
    progress,
    loadWorker,
  }
}

function sleep(durationNs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, durationNs / nsPerMs)
    signal.addEventListener('abort', finish, { once: true })
  })
}
