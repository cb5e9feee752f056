import { loadLabel } from '../domain/load.ts'
import type { MetricName } from '../domain/metric.ts'
import type { Comparison, ConstraintResult } from '../domain/result.ts'
import {
  gatedScenarios,
  highestMemory,
  type ModelMeasurement,
  type Scenario,
  validRepetitions,
} from '../domain/scenario.ts'
import { closingLevels, interimLevels, type Levels } from '../stats/looks.ts'
import { acceptanceOf, settleAccepted, withAcceptedNote } from './accepted.ts'
import { draftsAgainstBaseline } from './against-baseline.ts'
import { draftsAgainstHistory } from './against-history.ts'
import { draftsAgainstReference } from './against-reference.ts'
import { isSettled, judgeConstraints } from './constraints.ts'
import { type Draft, onSide, problemDrafts, typical } from './draft.ts'
import { withFailures } from './failures.ts'
import { informationRows } from './information.ts'
import { type Family, judge } from './judge.ts'
import { draftMemory } from './memory.ts'
import {
  type CompareInput,
  modelState,
  type Opponent,
  opponentFor,
  opponentOf,
  scenarioAt,
  storedModel,
} from './sides.ts'
import { scenarioProblem } from './validity.ts'

export interface ComparedModel {
  readonly name: string
  readonly comparisons: Comparison[]
  readonly constraints: ConstraintResult[]
}

/**
 * Measurements and what they are compared with → a status for every comparison and constraint. Pure: the
 * same input gives the same output, whenever and wherever.
 */
export function compareModels(input: CompareInput): { readonly models: ComparedModel[] } {
  const drafted = input.measurements.models.map((model) => {
    const opponent = opponentFor(input, model)
    const state = modelState(model, opponent, input.measurements)
    const scenarios = state.kind === 'comparable' ? gatedScenarios(model) : []
    return {
      model,
      drafts: scenarios.map((scenario) =>
        draftScenario(input, opponent, model, scenario, (pairs) =>
          closingLevels(model.looks ?? [], pairs, model.screening === 'undecided'),
        ),
      ),
    }
  })
  // One family over the whole report, so that a report of fifty models fails by chance no more often than one of two.
  const judged = judgeTogether(drafted.map(({ drafts }) => drafts.flatMap(({ deciding }) => deciding)))
  let next = 0
  const models = drafted.map(({ model, drafts }) => ({
    name: model.name,
    comparisons: drafts.flatMap(({ deciding, informing }) => {
      const decided = judged.slice(next, next + deciding.length)
      next += deciding.length
      return [...decided, ...informing()]
    }),
    constraints:
      model.status === 'measured' ? judgeConstraints(input.config.settingsFor(model.name), model) : [],
  }))
  return { models }
}

/** What is known while a model is measured beside its reference. */
type UnderWay = Omit<CompareInput, 'mode' | 'baseline' | 'baselineStatus'> &
  Partial<Pick<CompareInput, 'baseline'>>

/** As its report will have it. Of a baseline only what it tells of accepted steps is asked here. */
function asReport(input: UnderWay): CompareInput {
  return { baseline: null, ...input, baselineStatus: { status: 'notRequested' }, mode: 'gate' }
}

/**
 * Whether a model that is still being measured beside its reference needs no more repetitions: every comparison passes or
 * fails at the share of the errors that look number `look` may spend, and no budget is a close call. The whole
 * report's family is taken, so that nothing is decided here that the report would take back.
 */
export function isDecided(input: UnderWay, look: number, family: Family): boolean {
  const whole = asReport(input)
  const opponent = opponentOf(whole)
  return input.measurements.models.every((model) => {
    if (modelState(model, opponent, input.measurements).kind !== 'comparable') return false
    const levels = () => interimLevels(look)
    const drafts = gatedScenarios(model).map((scenario) =>
      draftScenario(whole, opponent, model, scenario, levels),
    )
    const judged = judge(
      drafts.flatMap(({ deciding }) => deciding),
      family,
    )
    const budgets = judgeConstraints(input.config.settingsFor(model.name), model)
    return (
      judged.length > 0 &&
      judged.every(({ status }) => ['pass', 'fail', 'accepted'].includes(status)) &&
      budgets.every(isSettled)
    )
  })
}

/**
 * The comparisons that are confirmed to be worse of a model whose measurement has ended; null where there is none. Judged with the
 * largest family that the report can have, so that what is said here the report says too.
 */
export function regressionsOf(input: UnderWay, family: Family): Comparison[] | null {
  const whole = asReport(input)
  const opponent = opponentOf(whole)
  const [model] = input.measurements.models
  if (model === undefined) return null
  const state = modelState(model, opponent, input.measurements)
  if (state.kind === 'failed') return state.regressed ? [] : null
  if (state.kind !== 'comparable') return null
  const drafts = gatedScenarios(model).flatMap(
    (scenario) =>
      draftScenario(whole, opponent, model, scenario, (pairs) =>
        closingLevels(model.looks ?? [], pairs, model.screening === 'undecided'),
      ).deciding,
  )
  const failing = judge(drafts, family).filter(({ status }) => status === 'fail')
  return failing.length === 0 ? null : failing
}

/** The drafts of every model in one family, of which those without a test are no part; statuses in the order given. */
function judgeTogether(ofModels: readonly (readonly Draft[])[]): Comparison[] {
  const tests = ofModels.map((drafts) => drafts.filter(({ test }) => test !== null).length)
  const drafts = ofModels.flat()
  const judged = judge(drafts, {
    comparisons: tests.reduce((sum, count) => sum + count, 0),
    models: tests.filter((count) => count > 0).length,
  })
  return judged.map((row, index) => withAcceptedNote(row, drafts[index]?.acceptance ?? null))
}

interface ScenarioDrafts {
  readonly deciding: readonly Draft[]
  /** Made when asked for: a look at what is decided has no use for them. */
  readonly informing: () => readonly Comparison[]
}

function draftScenario(
  input: CompareInput,
  opponent: Opponent,
  { name, screening }: Pick<ModelMeasurement, 'name' | 'screening'>,
  candidate: Scenario,
  levelsAt: (pairs: number) => Levels,
): ScenarioDrafts {
  if (opponent.kind === 'none') return { deciding: [], informing: () => [] }
  const reference = scenarioAt(
    opponent.models.find((each) => each.name === name),
    candidate.load,
  )
  const problem = problemOf(input, opponent, reference, candidate)
  if (problem !== null)
    return { deciding: problemDrafts(candidate.load, opponent.kind, problem), informing: () => [] }
  // A load that the other side was never asked for has nothing to be compared with; the verdict notes it.
  if (reference === undefined) return { deciding: [], informing: () => [] }
  const settings = input.config.settingsFor(name)
  const baselineScenario = scenarioAt(storedModel(input, name), candidate.load)
  const baselineValue = (metric: MetricName) => storedValue(baselineScenario, metric)
  const againstStored = screening === 'cleared' ? draftsAgainstHistory : draftsAgainstBaseline
  const [latency, ...others] =
    opponent.kind === 'reference'
      ? draftsAgainstReference(settings, reference, candidate, baselineValue, levelsAt)
      : againstStored(settings, name, reference, candidate, opponent.history)
  const memory = draftMemory(settings, opponent.kind, reference, candidate, baselineValue('gpuMemoryBytes'))
  const deciding = [
    withFailures(latency, reference, candidate),
    ...others,
    ...(memory === null ? [] : [memory]),
  ].map((draft): Draft => {
    const acceptance = acceptanceOf(input, name, candidate.load, draft.row.metric)
    return {
      ...draft,
      row: draft.test === null ? settleAccepted(draft.row, acceptance) : draft.row,
      acceptance,
    }
  })
  const decided = new Set(deciding.map(({ row }) => row.metric))
  const informing = () => informationRows(opponent.kind, reference, candidate, decided, baselineValue)
  return { deciding, informing }
}

function problemOf(
  { config }: CompareInput,
  opponent: Exclude<Opponent, { kind: 'none' }>,
  reference: Scenario | undefined,
  candidate: Scenario,
): string | null {
  const limit = config.gate.maxFailureRatio
  const own = scenarioProblem(candidate, limit)
  if (own !== null) return own
  if (reference !== undefined) {
    const other = scenarioProblem(reference, limit)
    return other === null ? null : onSide(opponent.name, candidate.load, other)
  }
  // Both sides of one run get the same loads: one that the reference lacks was lost.
  return opponent.kind === 'reference'
    ? `${loadLabel(candidate.load)} was not measured on ${opponent.name}`
    : null
}

/** The baseline artifact's own number, shown also where the reference decided. */
function storedValue(scenario: Scenario | undefined, metric: MetricName): number | null {
  if (scenario === undefined) return null
  const repetitions = validRepetitions(scenario)
  return metric === 'gpuMemoryBytes' ? highestMemory(repetitions) : typical(repetitions, metric)
}
