import { resolve } from 'node:path'
import { runGate } from '../gate.ts'
import { headCommit } from '../git/reference.ts'
import { configFrom, type GateOptions, repositoryFrom } from './gate-options.ts'
import { printResult } from './print-result.ts'
import { type ReplayOptions, refuseReplayFlags, replay } from './replay.ts'
import { openResumed } from './resumed.ts'
import { type Shell, worldOf } from './shell.ts'

/** `search`: the sweep alone; nothing is compared, but budgets are judged on what is committed. */
export async function search(
  shell: Shell,
  options: Omit<GateOptions, 'searchMode'> & ReplayOptions,
): Promise<number> {
  if (options.replay !== undefined) return replay(shell, options.replay, options)
  refuseReplayFlags(options)
  const loaded = await configFrom(shell, options)
  const modelRepository = repositoryFrom(shell, loaded)
  const world = worldOf(shell)
  // One repetition of the gated loads: enough to judge the budgets by, and the time goes to the sweep.
  const config = { ...loaded, gate: { ...loaded.gate, repetitions: 1 } }
  const result = await runGate(world, {
    config,
    modelRepository,
    mode: 'baseline',
    command: 'search',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory: resolve(shell.cwd, options.output),
    resume: await openResumed(shell, options),
    commit: await headCommit(world, modelRepository),
    runId: null,
  })
  return printResult(shell, result, options)
}
