import { StringDecoder } from 'node:string_decoder'
import { getExecOutput } from '@actions/exec'
import { nsPerSecond, type RunOptions, type RunOutput } from '../domain/world.ts'
import { childEnvironment } from '../system/child-environment.ts'

/** coreutils' `timeout` exits with this where the time ran out. */
const timedOutCode = 124

/** `World.run` by `@actions/exec`: its output goes nowhere near the log, where the runner would obey it. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunOutput> {
  // @actions/exec cannot stop what it has started; and it would split the command at blanks, throw where it
  // does not exist, and look for it in our own PATH: coreutils' `timeout` and `env` do none of that.
  const limit = options.timeoutNs === undefined ? [] : ['-k', '1', String(options.timeoutNs / nsPerSecond)]
  const lines = lineSplitter(options.onLine)
  const started = process.hrtime.bigint()
  const output = await getExecOutput(
    options.timeoutNs === undefined ? 'env' : 'timeout',
    [...limit, command, ...args],
    {
      cwd: options.cwd ?? process.cwd(),
      env: childEnvironment(process.env, options.env),
      silent: true,
      ignoreReturnCode: true,
      // Without an input stdin would stay open, and a command that reads it would wait for ever.
      input: Buffer.from(options.input ?? ''),
      listeners: { stdout: lines.stdout, stderr: lines.stderr },
    },
  )
  lines.end()
  const elapsedNs = Number(process.hrtime.bigint() - started)
  // Typed as a number, but null where a signal ended the process.
  const exitCode = output.exitCode as number | null
  const timedOut =
    options.timeoutNs !== undefined && exitCode === timedOutCode && elapsedNs >= options.timeoutNs
  return { exitCode: timedOut ? null : exitCode, stdout: output.stdout, stderr: output.stderr, timedOut }
}

/** Both streams cut into lines, each with its unfinished rest; @actions/exec's own splitter loses the last line. */
function lineSplitter(onLine: RunOptions['onLine']) {
  const split = () => {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    const take = (text: string) => {
      const parts = (rest + text).split(/\r?\n/)
      rest = parts.pop() ?? ''
      for (const part of parts) onLine?.(part)
    }
    return {
      data: (chunk: Buffer) => take(decoder.write(chunk)),
      end: () => {
        if (rest !== '') onLine?.(rest)
      },
    }
  }
  const stdout = split()
  const stderr = split()
  return {
    stdout: stdout.data,
    stderr: stderr.data,
    end: () => {
      stdout.end()
      stderr.end()
    },
  }
}
