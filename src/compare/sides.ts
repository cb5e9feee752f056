import type { Config } from '../config/config.ts'
import { isOtherwise, type Measured, matchMeasured, type Otherwise } from '../domain/conditions.ts'
import { GateError } from '../domain/error.ts'
import { loadKey } from '../domain/load.ts'
import type { Baseline, HistoryPoint, Measurements } from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
import { gatedScenarios, type ModelMeasurement, type Scenario } from '../domain/scenario.ts'

/** All that a judgement depends on. */
export interface CompareInput {
  readonly measurements: Measurements
  /** The baseline as read, whatever its status. */
  readonly baseline: Baseline | null
  readonly baselineStatus: BaselineStatus
  /** The main branch's newest baseline of the same kind of machine, where the one to compare with is older: the last release's. */
  readonly recent?: Baseline | null
  /** What became of the search for it; left out where nobody asked. */
  readonly recentStatus?: BaselineStatus
  readonly config: Config
  /** `baseline` judges budgets and the measurement itself; it compares with nothing. */
  readonly mode: 'gate' | 'baseline'
}

/** What the candidate is compared with. */
export type Opponent =
  | { readonly kind: 'reference'; readonly name: string; readonly models: readonly ModelMeasurement[] }
  | {
      readonly kind: 'baseline'
      readonly name: string
      readonly models: readonly ModelMeasurement[]
      readonly environment: Measured['environment']
      readonly history: readonly HistoryPoint[]
    }
  | { readonly kind: 'none' }

/** The reference measured in this run where there is one, else a baseline that fits this machine. */
export function opponentOf(input: CompareInput): Opponent {
  const { reference } = input.measurements
  if (input.mode === 'baseline') return { kind: 'none' }
  if (reference !== null) return { kind: 'reference', name: reference.description, models: reference.models }
  return storedOpponent(input)
}

/** The same for one model: one that the history cleared was never measured beside the reference. */
export function opponentFor(input: CompareInput, model: Pick<ModelMeasurement, 'screening'>): Opponent {
  return input.mode === 'gate' && model.screening === 'cleared' ? storedOpponent(input) : opponentOf(input)
}

function storedOpponent(input: CompareInput): Opponent {
  const baseline = usableBaseline(input)
  if (baseline === null) return { kind: 'none' }
  const { models, environment, history } = baseline
  return { kind: 'baseline', name: 'the baseline', models, environment, history }
}

/** The baseline, if its numbers mean something on this machine. */
export function usableBaseline({ baseline, baselineStatus }: CompareInput): Baseline | null {
  if (baselineStatus.status !== 'found') return null
  if (baseline === null)
    throw new GateError('internal', 'a baseline was found but not handed to the comparison')
  return baseline
}

/** What the baseline has of a model, if its numbers mean the same as those of this run. */
export function storedModel(input: CompareInput, name: string): ModelMeasurement | undefined {
  const baseline = usableBaseline(input)
  const stored = baseline?.models.find((model) => model.name === name)
  if (baseline === null || stored === undefined) return undefined
  return isOtherwise(matchMeasured(name, baseline, input.measurements)) ? undefined : stored
}

/** The main branch's newest baseline, if its numbers mean something on this machine. */
export function usableRecent({ recent = null, recentStatus }: CompareInput): Baseline | null {
  return recentStatus === undefined || recentStatus.status === 'found' ? recent : null
}

/** How a model of the candidate stands to the opponent. */
export type ModelState =
  /** Both sides loaded: its scenarios are compared. */
  | {
      readonly kind: 'comparable'
      readonly candidate: ModelMeasurement
      readonly reference: ModelMeasurement
    }
  /** Loaded, and the opponent does not have it, or there is no opponent: budgets only. */
  | { readonly kind: 'alone'; readonly candidate: ModelMeasurement }
  /** Loaded, where the opponent's did not: nothing to compare with, though there should be. */
  | {
      readonly kind: 'referenceFailed'
      readonly candidate: ModelMeasurement
      readonly reference: ModelMeasurement
    }
  /** The baseline's numbers mean something else, or may, since they were measured with other settings or data. */
  | { readonly kind: 'otherwise'; readonly candidate: ModelMeasurement; readonly match: Otherwise }
  /** Did not load; `regressed` where it does on the other side. */
  | { readonly kind: 'failed'; readonly candidate: ModelMeasurement; readonly regressed: boolean }

/** @param current what the candidate is a model of */
export function modelState(candidate: ModelMeasurement, opponent: Opponent, current: Measured): ModelState {
  const reference =
    opponent.kind === 'none' ? undefined : opponent.models.find(({ name }) => name === candidate.name)
  if (candidate.status === 'failed') {
    return { kind: 'failed', candidate, regressed: reference?.status === 'measured' }
  }
  if (reference === undefined) return { kind: 'alone', candidate }
  // Both sides of a run have the same; a file need not.
  if (opponent.kind === 'baseline') {
    const match = matchMeasured(candidate.name, opponent, current)
    if (isOtherwise(match)) return { kind: 'otherwise', candidate, match }
  }
  return { kind: reference.status === 'failed' ? 'referenceFailed' : 'comparable', candidate, reference }
}

/** The same model's scenario at the same load. */
export function scenarioAt(
  model: ModelMeasurement | undefined,
  load: Scenario['load'],
): Scenario | undefined {
  return model && gatedScenarios(model).find((scenario) => loadKey(scenario.load) === loadKey(load))
}
