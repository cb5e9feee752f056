import { resolve } from 'node:path'
import { GateError } from '../domain/error.ts'
import { runGate } from '../gate.ts'
import type { GateRequest } from '../gate-request.ts'
import { headCommit } from '../git/reference.ts'
import { openAsked } from './asked-baseline.ts'
import { configFrom, type GateOptions, repositoryFrom } from './gate-options.ts'
import { printResult } from './print-result.ts'
import { openResumed } from './resumed.ts'
import { type Shell, worldOf } from './shell.ts'

export interface RunOptions extends GateOptions {
  readonly baseline?: string
  readonly history?: string
  readonly reference?: string
  readonly referenceRepository?: string
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
    recent: await openAsked(shell, options.history, '--history'),
    reference: referenceOf(shell, options),
    outputDirectory: resolve(shell.cwd, options.output),
    resume: await openResumed(shell, options),
    commit: await headCommit(world, modelRepository),
    runId: null,
  })
  return printResult(shell, result, options)
}

function referenceOf(shell: Shell, options: RunOptions): GateRequest['reference'] {
  const { reference, referenceRepository } = options
  if (reference !== undefined && referenceRepository !== undefined) {
    throw new GateError('usage', '--reference and --reference-repository exclude each other', {
      hint: 'Name a git commit with the first, or a folder with the second.',
    })
  }
  if (reference !== undefined) return { kind: 'git', ref: reference }
  if (referenceRepository !== undefined)
    return { kind: 'repository', path: resolve(shell.cwd, referenceRepository) }
  return null
}
