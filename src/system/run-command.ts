import { spawn } from 'node:child_process'
import { nsPerMs, type RunOptions, type RunOutput } from '../domain/world.ts'
import { childEnvironment } from './child-environment.ts'
import { forEachLine } from './lines.ts'

/** What can be killed is gone by then. */
const unkillableMs = 2000

/**
 * `World.run` by child_process: no shell, a process group of its own, the environment cleaned by
 * childEnvironment plus `options.env`. The signal ends commands that run when it aborts; one begun
 * later runs to its end, since cleaning up after an interruption needs commands too.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunOutput> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: childEnvironment(process.env, options.env),
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let timedOut = false
    const killGroup = () => {
      if (child.pid !== undefined) killQuietly(-child.pid, 'SIGKILL')
    }
    const timer =
      options.timeoutNs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true
            killGroup()
            // A process that hangs in its driver does not even die of SIGKILL: nobody waits for it any longer.
            setTimeout(() => finish(null, ''), unkillableMs).unref()
          }, options.timeoutNs / nsPerMs)
    signal.addEventListener('abort', killGroup, { once: true })

    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    if (options.onLine !== undefined) {
      forEachLine(child.stdout, options.onLine)
      forEachLine(child.stderr, options.onLine)
    }
    // A command may end without reading its input (EPIPE); its exit code tells how it went.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')

    const finish = (exitCode: number | null, extra: string) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', killGroup)
      const text = Buffer.concat(stderr).toString('utf8') + extra
      resolve({ exitCode, stdout: Buffer.concat(stdout).toString('utf8'), stderr: text, timedOut })
    }
    // ENOENT is also what a missing `cwd` gives; 127 and 126 are what a shell would say.
    child.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ENOENT' ? 127 : 126, error.message),
    )
    child.on('close', (exitCode) => finish(exitCode, ''))
  })
}

/** Sends a signal to a process, or to a group where `pid` is negative; one that is gone already is no error. */
export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
