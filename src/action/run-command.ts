import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getExecOutput } from '@actions/exec'
import { nsPerSecond, type RunOptions, type RunOutput } from '../domain/world.ts'
import { childEnvironment } from '../system/child-environment.ts'
import { lineSplitter } from '../system/lines.ts'

/** coreutils' `timeout` exits with this where the time ran out. */
const timedOutCode = 124

/** Becomes the command, its input read from the file that stands as `$0`. Words are passed on, never parsed. */
const withInput = 'exec "$@" <"$0"'

/**
 * `World.run` by `@actions/exec`; its output goes nowhere near the log, where the runner would obey it.
 *
 * @actions/exec by itself leaves stdin open (a command that reads it waits for ever), dies of EPIPE where
 * it is given an input that the command does not read, throws where the command does not exist, and cannot
 * stop what it has started: hence `sh` for the input and coreutils' `timeout` for the end.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunOutput> {
  const { timeoutNs, input } = options
  const folder = input === undefined ? null : mkdtempSync(join(tmpdir(), 'triton-perf-gate-input-'))
  const inputFile = folder === null ? '/dev/null' : join(folder, 'input')
  if (folder !== null) writeFileSync(inputFile, input ?? '', { mode: 0o600 })
  const limit = timeoutNs === undefined ? [] : ['timeout', '-k', '1', String(timeoutNs / nsPerSecond)]
  // @actions/exec's own splitter loses the last line.
  const onLine = (line: string) => options.onLine?.(line)
  const [stdout, stderr] = [lineSplitter(onLine), lineSplitter(onLine)]
  const started = process.hrtime.bigint()
  try {
    const output = await getExecOutput('/bin/sh', ['-c', withInput, inputFile, ...limit, command, ...args], {
      cwd: options.cwd ?? process.cwd(),
      env: childEnvironment(process.env, options.env),
      silent: true,
      ignoreReturnCode: true,
      listeners: { stdout: stdout.add, stderr: stderr.add },
    })
    stdout.end()
    stderr.end()
    const elapsedNs = Number(process.hrtime.bigint() - started)
    // Typed as a number, but null where a signal ended the process.
    const exitCode = output.exitCode as number | null
    const timedOut = timeoutNs !== undefined && exitCode === timedOutCode && elapsedNs >= timeoutNs
    return { exitCode: timedOut ? null : exitCode, stdout: output.stdout, stderr: output.stderr, timedOut }
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true })
  }
}
