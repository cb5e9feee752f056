import { spawn } from 'node:child_process'
import { type LaunchedProcess, type LaunchOptions, nsPerMs } from '../domain/world.ts'
import { childEnvironment } from './child-environment.ts'
import { forEachLine } from './lines.ts'
import { killQuietly } from './run-command.ts'

/**
 * Leaves a watchdog behind, then becomes the command, so that the pid is the command's own. The watchdog
 * blocks on descriptor 3, a pipe of which we hold the other end: it closes when we end, also by SIGKILL.
 * Then it sends SIGTERM to the command and after 5 s SIGKILL to the whole group, itself included. Two
 * forks make it a child of init: it counts in nobody's process tree. While it lives, the kernel does
 * not give the group's number ($$) to another process.
 */
const supervisor = `
(
  (
    trap '' TERM INT HUP
    read -r _ <&3
    kill -TERM "$$"
    for second in 1 2 3 4 5; do
      kill -0 "$$" || break
      sleep 1
    done
    kill -KILL "-$$"
  ) >/dev/null 2>&1 </dev/null 3<&3 &
)
exec 3<&-
exec "$@"
`

/** A process that escaped from the group may hold the output open; the log is not waited for longer than this. */
const drainMs = 1000

/** Time for a graceful end when the program is interrupted: GitHub's runner kills 10 s after the first signal. */
const interruptedGraceNs = 5000 * nsPerMs

/** `World.launch` by child_process; see `supervisor` for how it ends with us. An abort stops it, too. */
export function launchProcess(
  command: string,
  args: readonly string[],
  options: LaunchOptions,
  signal: AbortSignal,
  warn: (message: string) => void,
): LaunchedProcess {
  const child = spawn('/bin/sh', ['-c', supervisor, 'sh', command, ...args], {
    cwd: options.cwd,
    env: childEnvironment(process.env, options.env),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const lifeline = child.stdio[3]
  // The watchdog's end is closed by its death: nothing is ever written, so nothing is lost.
  lifeline?.on('error', () => {})
  if (child.stdout !== null) forEachLine(child.stdout, options.onLine)
  if (child.stderr !== null) forEachLine(child.stderr, options.onLine)

  const pid = child.pid ?? 0
  let ended = false
  const exited = new Promise<number | null>((resolve) => {
    const finish = (exitCode: number | null) => {
      ended = true
      signal.removeEventListener('abort', onAbort)
      resolve(exitCode)
    }
    child.on('error', (error) => {
      options.onLine(`${command}: ${error.message}`)
      finish(127)
    })
    child.on('exit', (exitCode) => {
      ended = true
      // What the process leaves behind (python backend stubs, the watchdog) must not outlive it.
      killQuietly(-pid, 'SIGKILL')
      lifeline?.destroy()
      setTimeout(() => finish(exitCode), drainMs).unref()
    })
    child.on('close', finish)
  })

  async function stop(graceNs: number): Promise<void> {
    if (ended || pid === 0) return void (await exited)
    const isGone = await endProcess({
      terminate: () => killQuietly(pid, 'SIGTERM'),
      kill: () => killQuietly(-pid, 'SIGKILL'),
      exited,
      graceMs: graceNs / nsPerMs,
    })
    if (isGone) return
    warn(
      `${command} (process ${pid}) does not end, even by SIGKILL: it hangs in the kernel or a driver. It may still hold its GPU, memory and ports; the machine may need a restart.`,
    )
    // Nothing of it may hold this program back.
    child.unref()
    for (const stream of child.stdio) stream?.destroy()
  }
  const onAbort = () => void stop(interruptedGraceNs)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })

  return { pid, exited, hasExited: () => ended, stop }
}

/** A process that is killed still gives back its memory, of which a server may hold hundreds of GB. */
const unkillableMs = 30_000

/**
 * Ends a process, by force after `graceMs`. False where it is not gone `unkillableMs` after that: nobody waits for it
 * any longer.
 */
export async function endProcess(process: {
  readonly terminate: () => void
  readonly kill: () => void
  readonly exited: Promise<unknown>
  readonly graceMs: number
}): Promise<boolean> {
  process.terminate()
  const killing = setTimeout(process.kill, process.graceMs)
  let givingUp: NodeJS.Timeout | undefined
  const tooLong = new Promise<boolean>((resolve) => {
    givingUp = setTimeout(() => resolve(false), process.graceMs + unkillableMs)
  })
  const isGone = await Promise.race([process.exited.then(() => true), tooLong])
  clearTimeout(killing)
  clearTimeout(givingUp)
  return isGone
}
