import { resolve } from 'node:path'
import { runGate } from '../gate.ts'
import { headCommit } from '../git/reference.ts'
import { openAsked, openHistory } from './asked-baseline.ts'
import { configFrom, type GateOptions, repositoryFrom } from './gate-options.ts'
import { printResult } from './print-result.ts'
import { openResumed } from './resumed.ts'
import { type ReferenceOptions, referenceFor } from './run-reference.ts'
import { type Shell, worldOf } from './shell.ts'

interface RunOptions extends GateOptions, ReferenceOptions {
  readonly history?: string
}

/** `run`: the whole gate. */
export async function run(shell: Shell, options: RunOptions): Promise<number> {
  const config = await configFrom(shell, options)
  const modelRepository = repositoryFrom(shell, config)
  const baseline = await openAsked(shell, options.baseline)
  const world = worldOf(shell)
  const result = await runGate(world, {
    config,
    modelRepository,
    mode: 'gate',
    baseline,
    recent: await openHistory(shell, options.history, config),
    reference: await referenceFor(world, shell.cwd, modelRepository, config, options),
    outputDirectory: resolve(shell.cwd, options.output),
    resume: await openResumed(shell, options),
    commit: await headCommit(world, modelRepository),
    runId: null,
  })
  return printResult(shell, result, options)
}
