import type { RunOptions, RunOutput, World } from '../../src/domain/world.ts'

type Answer = Partial<RunOutput> | undefined
/** What a command answers; undefined = there is no such command (127). */
export type Commands = (
  command: string,
  args: readonly string[],
  options: RunOptions,
) => Answer | Promise<Answer>

export interface FakeWorld extends World {
  /** The commands that were run, each as one line. */
  readonly ran: string[]
  readonly said: string[]
}

/** A world whose commands are answered by a function and whose time passes only in sleep. */
export function fakeWorld(env: World['env'], commands: Commands): FakeWorld {
  let nowNs = 0
  const ran: string[] = []
  const said: string[] = []
  return {
    nowNs: () => nowNs,
    date: () => '2026-01-01T00:00:00.000Z',
    sleep: async (durationNs) => {
      nowNs += durationNs
      await new Promise(setImmediate)
    },
    signal: new AbortController().signal,
    env,
    run: async (command, args, options = {}) => {
      ran.push([command, ...args].join(' '))
      const answer = await commands(command, args, options)
      const output = {
        exitCode: answer === undefined ? 127 : 0,
        stdout: '',
        stderr: '',
        timedOut: false,
        ...answer,
      }
      for (const line of `${output.stdout}${output.stderr}`.split('\n')) options.onLine?.(line)
      return output
    },
    launch: () => {
      throw new Error('nothing is launched here')
    },
    progress: (message) => said.push(message),
    loadWorker: new URL('file:///unused'),
    ran,
    said,
  }
}
