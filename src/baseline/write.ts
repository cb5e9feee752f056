import { isOtherwise, matchMeasured } from '../domain/conditions.ts'
import { incomparable } from '../domain/environment.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import {
  type AcceptedStep,
  type Baseline,
  type BaselineModel,
  baselineSchemaVersion,
  type HistoryPoint,
  type Measurements,
  maxBaselineBytes,
  maxHistoryPoints,
} from '../domain/measurements.ts'
import { latencyPercentiles, type MetricName } from '../domain/metric.ts'
import {
  failureProblem,
  gatedScenarios,
  highestMemory,
  type ModelMeasurement,
  positives,
  type Repetition,
  type Scenario,
  validRepetitions,
} from '../domain/scenario.ts'
import { pairedEstimate } from '../stats/paired.ts'
import { geometricMean } from '../stats/robust.ts'
import { notShown, stepsIn } from './accepted-before.ts'
import { configHash } from './migrate.ts'

/** A spread is known well from far fewer commits; 200 are a year of four a week, for the trend in the report. */
const maxPointsPerSeries = 200
/** For all that is neither models nor history, and for the reasons of accepted steps that are marked afterwards. */
const spareBytes = 4 * 2 ** 20

export type NextBaseline =
  | { readonly status: 'written'; readonly baseline: Baseline }
  | { readonly status: 'refused'; readonly why: string }

/**
 * The baseline that this run leaves behind: its committed configurations, and the history carried on.
 *
 * All or nothing: a baseline without a model whose measurement went wrong would let the next pull request
 * pass that model as a new one. The previous baseline stays in force instead.
 * @param maxFailureRatio `gate.max_failure_ratio`: a baseline of a model that fails would be beaten by any that works less
 */
export function baselineFrom(
  measurements: Measurements,
  previous: Baseline | null,
  runId: string | null,
  maxFailureRatio: number,
): NextBaseline {
  const why = unfit(measurements, maxFailureRatio)
  if (why !== null) return { status: 'refused', why }
  const { tool, createdAt, commit, environment } = measurements
  const models = measurements.models.map(gatedOnly)
  const added = models.flatMap((model) => points(model, commit, createdAt))
  const roomBytes = maxBaselineBytes - spareBytes - bytesOf(models)
  if (bytesOf(added) > roomBytes) {
    const why = `its ${models.length} models alone need more than the ${maxBaselineBytes} bytes that are allowed`
    return { status: 'refused', why }
  }
  const kept = carriedOn(previous, measurements, added)
  const history = withinBounds(kept, added, roomBytes)
  return {
    status: 'written',
    baseline: {
      kind: 'baseline',
      schemaVersion: baselineSchemaVersion,
      tool,
      createdAt,
      commit,
      runId,
      environment,
      models,
      history,
      acceptedBefore: notShown(acceptedUntil(previous, measurements, kept), history),
    },
  }
}

/** Why these measurements must not become a baseline; null where they may. */
function unfit(measurements: Measurements, maxFailureRatio: number): string | null {
  if (!measurements.complete) return 'the measurement was stopped before its end'
  if (measurements.models.length === 0) return 'no model was measured'
  for (const model of measurements.models) {
    if (model.status === 'failed') return `${model.name} failed: ${model.error?.message ?? 'no reason given'}`
    const gated = gatedScenarios(model)
    if (gated.length === 0) return `${model.name} has no measurement of its committed configuration`
    for (const scenario of gated) {
      const at = `${model.name} at ${loadLabel(scenario.load)}`
      if (scenario.status === 'failed') return `${at} failed: ${scenario.error ?? 'no reason given'}`
      const failing = failureProblem(scenario, maxFailureRatio)
      if (failing !== null) return `${at}: ${failing}`
      const valid = validRepetitions(scenario)
      if (valid.length === 0) return `${at} has no valid repetition`
      if (valid.some(({ client }) => client.saturated)) return `${at}: the load generator was saturated`
      if (timedMetrics(valid).length < 2)
        return `${at} has no latency percentile and throughput in every repetition`
    }
  }
  return null
}

/**
 * What the next run compares with, and what the sweep found best. Blocks pair only with blocks of the same moment, so
 * they are of no use later.
 */
function gatedOnly(model: ModelMeasurement): BaselineModel {
  const scenarios = gatedScenarios(model).map((scenario) => ({
    ...scenario,
    repetitions: validRepetitions(scenario).map((repetition) => ({ ...repetition, blocks: [] })),
  }))
  const { sweep: _, ...kept } = model
  return { ...kept, scenarios, configHash: configHash(model.configText) }
}

/** This commit's value of each gated metric, one point each. */
function points(model: ModelMeasurement, commit: string | null, createdAt: string): HistoryPoint[] {
  return model.scenarios.flatMap((scenario) =>
    gatedMetrics(scenario).map(({ metric, value, spread }) => ({
      commit,
      createdAt,
      model: model.name,
      load: loadKey(scenario.load),
      metric,
      value,
      spread,
    })),
  )
}

/** The highest latency percentile that every repetition has, and throughput if every one has it. */
function timedMetrics(repetitions: readonly Repetition[]): MetricName[] {
  const everywhere = (metric: MetricName) => positives(repetitions, metric) !== null
  const latency = latencyPercentiles.map(({ name }) => name).find(everywhere)
  return [
    ...(latency === undefined ? [] : [latency]),
    ...(everywhere('inferPerSec') ? (['inferPerSec'] as const) : []),
  ]
}

type Point = Pick<HistoryPoint, 'value' | 'spread'> & { readonly metric: MetricName }

/** The numbers a comparison uses: geometric means over repetitions, and the highest memory where there is a GPU. */
function gatedMetrics(scenario: Scenario): Point[] {
  const repetitions = validRepetitions(scenario)
  const memory = highestMemory(repetitions) ?? 0
  return [
    ...timedMetrics(repetitions).map((metric) => {
      const values = positives(repetitions, metric) ?? []
      return { metric, value: geometricMean(values), spread: spreadOf(values) }
    }),
    ...(memory > 0 ? [{ metric: 'gpuMemoryBytes' as const, value: memory, spread: null }] : []),
  ]
}

function spreadOf(values: readonly number[]): number | null {
  if (values.length < 2) return null
  return pairedEstimate(values.map(Math.log), 0).standardError * Math.sqrt(values.length)
}

const seriesOf = ({ model, load, metric }: HistoryPoint) => JSON.stringify([model, load, metric])

function isOfItsKind(previous: Baseline, { environment }: Measurements): boolean {
  return incomparable(previous.environment, environment).length === 0
}

/** Earlier points of the same machine class and Triton, oldest first; a commit measured again replaces itself. */
function carriedOn(
  previous: Baseline | null,
  current: Measurements,
  added: readonly HistoryPoint[],
): HistoryPoint[] {
  if (previous === null || !isOfItsKind(previous, current)) return []
  const renewed = new Set(added.map((point) => `${point.commit} ${seriesOf(point)}`))
  const anew = begunAnew(previous, current)
  return previous.history.filter(
    (point) =>
      !anew.has(point.model) && (point.commit === null || !renewed.has(`${point.commit} ${seriesOf(point)}`)),
  )
}

/**
 * Models that are measured in another way than before, or may be: their old numbers are no part of the new series. Nor are those of a model
 * that the run before did not measure, since nobody knows with which settings and data it was measured earlier.
 */
function begunAnew(previous: Baseline, current: Measurements): ReadonlySet<string> {
  const names = current.models.map(({ name }) => name)
  return new Set(names.filter((name) => isOtherwise(matchMeasured(name, previous, current))))
}

/** What was accepted up to here. A point that was measured again is judged again; one of another machine cannot be. */
function acceptedUntil(
  previous: Baseline | null,
  current: Measurements,
  kept: readonly HistoryPoint[],
): AcceptedStep[] {
  if (previous === null) return []
  if (!isOfItsKind(previous, current)) return [...previous.acceptedBefore, ...stepsIn(previous.history)]
  const anew = begunAnew(previous, current)
  const left = previous.history.filter(({ model }) => anew.has(model))
  return [...previous.acceptedBefore, ...stepsIn([...left, ...kept])]
}

/** The new points after the earlier ones, as many as find room: the oldest go first. */
function withinBounds(
  kept: readonly HistoryPoint[],
  added: readonly HistoryPoint[],
  roomBytes: number,
): HistoryPoint[] {
  const counts = new Map<string, number>()
  const newestFirst = [...kept, ...added].reverse().filter((point) => {
    const count = (counts.get(seriesOf(point)) ?? 0) + 1
    counts.set(seriesOf(point), count)
    return count <= maxPointsPerSeries
  })
  let bytes = 0
  const full = newestFirst.findIndex((point) => {
    bytes += bytesOf(point)
    return bytes > roomBytes
  })
  return newestFirst.slice(0, full < 0 ? maxHistoryPoints : Math.min(maxHistoryPoints, full)).reverse()
}

/** As it stands in the file, with the comma after it. */
function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1
}
