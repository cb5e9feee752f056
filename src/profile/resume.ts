import { settingsHash } from '../config/conditions.ts'
import type { Config } from '../config/config.ts'
import { sentTo } from '../domain/conditions.ts'
import { type Environment, foreign } from '../domain/environment.ts'
import { GateError } from '../domain/error.ts'
import type { Measurements } from '../domain/measurements.ts'
import { gatedScenarios, type ModelMeasurement } from '../domain/scenario.ts'
import type { SearchSummary, SweepProgress } from '../domain/sweep.ts'
import { countInWords } from '../domain/words.ts'
import { closureHash, type ModelRepository } from '../repository/repository.ts'
import type { ModelSides } from './context.ts'
import type { SweepState } from './sweep-loop.ts'

/** What this run measures, as far as earlier measurements must agree with it. */
export interface Resuming {
  readonly config: Pick<Config, 'gate' | 'triton' | 'settingsFor'>
  readonly environment: Environment
  readonly candidate: ModelRepository
  readonly reference: { readonly repository: ModelRepository } | null
  /** Whether the history still clears a model that was measured alone. */
  readonly isCleared: (candidate: ModelMeasurement) => boolean
  readonly progress: (message: string) => void
}

/**
 * What of an earlier run this one goes on with, by model: those whose gated loads were done, and whose files and
 * settings are the same on every side. The others are measured afresh.
 *
 * @throws GateError `environment` where it was measured elsewhere: numbers of two machines are not one landscape
 */
export function resumed(previous: Measurements, run: Resuming): Map<string, ModelSides> {
  const differences = foreign(previous.environment, run.environment)
  if (differences.length > 0) {
    throw new GateError(
      'environment',
      `what is to be resumed was measured in another environment (${differences.join('; ')})`,
      { hint: 'Resume it where it began, or leave out --resume to start afresh, which overwrites it.' },
    )
  }
  const kept = new Map<string, ModelSides>()
  for (const candidate of previous.models) {
    const { name } = candidate
    const reference = previous.reference?.models.find((model) => model.name === name) ?? null
    const sent = sentTo(name, previous.environment)
    const why = unfit(candidate, reference, sent, run)
    const attribution = previous.attributions?.find((each) => each.model === name)
    if (why === null)
      kept.set(name, {
        candidate: withoutEnd(candidate),
        reference,
        ...(attribution === undefined ? {} : { attribution }),
      })
    run.progress(`${name}: ${why === null ? words(candidate) : `measured afresh, since ${why}`}`)
  }
  return kept
}

function unfit(
  candidate: ModelMeasurement,
  reference: ModelMeasurement | null,
  sent: string | undefined,
  { config, environment, candidate: repository, reference: other, isCleared }: Resuming,
): string | null {
  const { name, sweep } = candidate
  if (sweep === undefined || candidate.status === 'failed') return 'its gated loads were not done'
  if (candidate.settingsHash !== settingsHash(config, name)) return 'its settings have changed'
  if (sent !== sentTo(name, environment)) return 'its input data have changed'
  if (!repository.models.has(name) || candidate.contentHash !== closureHash(repository, name))
    return 'its files have changed'
  if (sweepScenarios(candidate).length !== sweep.points.length) return 'its file is not of one piece'
  // It has no reference to be the same: the history spoke for it, and must do so again.
  if (candidate.screening === 'cleared')
    return isCleared(candidate) ? null : 'its history does not clear it here'
  const hash = other?.repository.models.has(name) === true ? closureHash(other.repository, name) : null
  if ((reference?.contentHash ?? null) !== hash) return 'its reference is another one'
  return null
}

/** As it was before its sweep ended, in an answer or by being given up. */
function withoutEnd(candidate: ModelMeasurement): ModelMeasurement {
  const warnings = candidate.warnings.filter((warning) => !warning.startsWith(givenUp))
  return { ...candidate, warnings, search: null }
}

/** How the warning begins that says why a sweep ended without an answer. */
export const givenUp = 'the sweep was given up: '

function words({ sweep }: ModelMeasurement): string {
  return `resumed after ${countInWords(sweep?.points.length ?? 0, 'measurement')} of its sweep`
}

/** A model's measurement with its sweep as far as that has come, in place of what it had of one. */
export function withSweep(
  candidate: ModelMeasurement,
  { progress, scenarios }: SweepState,
  search: SearchSummary | null,
): ModelMeasurement {
  return {
    ...candidate,
    sweep: progress,
    scenarios: [...gatedScenarios(candidate), ...scenarios],
    search,
  }
}

export function sweepScenarios({ scenarios }: ModelMeasurement): ModelMeasurement['scenarios'] {
  return scenarios.filter(({ role }) => role === 'sweep')
}

/** Nothing measured yet. */
export function sweepBegin(spentBeforeNs: number): SweepProgress {
  return { points: [], spentBeforeNs, spentNs: 0, loads: 0, loadingNs: 0, measuringNs: 0 }
}
