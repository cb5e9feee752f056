import type { Constraint } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { batchSizeOf, inferencesOf, type Load, loadKey, loadLabel } from '../domain/load.ts'
import { latencyPercentiles } from '../domain/metric.ts'
import { costNs, loadedOf } from './budget.ts'
import { candidatesOf } from './candidates.ts'
import { loadsFor, type Space } from './space.ts'
import {
  type SearchAnswer,
  type SearchMetrics,
  type SearchPoint,
  type SearchState,
  type Step,
  sameConfiguration,
} from './state.ts'

/** What one configuration can be planned with. */
export interface Capacity {
  readonly configuration: Configuration
  /** The load with the highest throughput whose metrics hold every limit; null where none that was measured is known to. */
  readonly at: { readonly load: Load; readonly metrics: SearchMetrics } | null
  /** The lightest heavier load of the same client batch that breaks a limit; null where none was measured. */
  readonly brokenAt: Load | null
}

/** Limits from above: of latency and memory. What a demand asks of throughput is another question. */
export function capacityLimits(constraints: readonly Constraint[]): Constraint[] {
  return constraints.filter(({ bound }) => bound === 'max')
}

/** True where there is a budget that a capacity is the answer to. */
export function limitsLatency(constraints: readonly Constraint[]): boolean {
  return capacityLimits(constraints).some(({ metric }) => metric.startsWith('latency'))
}

/** The capacity of each measured configuration, in the order of their first measurement. */
export function capacitiesOf(points: readonly SearchPoint[], constraints: readonly Constraint[]): Capacity[] {
  const configurations = new Map(
    points.map(({ configuration }) => [configurationKey(configuration), configuration]),
  )
  return [...configurations.values()].map((configuration) => {
    const { best, broken } = bracket(points, configuration, constraints)
    return { configuration, at: best, brokenAt: broken }
  })
}

/**
 * What a measurement says of the limits from above: it holds all, it breaks one, or too little was measured to tell, as of a
 * percentile that there were too few requests for. What failed is too much.
 */
export function limitsKept(
  metrics: SearchMetrics | null,
  constraints: readonly Constraint[],
): 'held' | 'broken' | 'open' {
  const limits = capacityLimits(constraints)
  if (metrics === null || limits.some((limit) => breaks(metrics, limit))) return 'broken'
  return limits.every(({ metric }) => metrics[metric] != null) ? 'held' : 'open'
}

/** A lower percentile that is above the limit proves that the limited one is. */
function breaks(metrics: SearchMetrics, { metric, limit }: Constraint): boolean {
  const rank = latencyPercentiles.findIndex(({ name }) => name === metric)
  const names = rank < 0 ? [metric] : latencyPercentiles.slice(rank).map(({ name }) => name)
  return names.some((name) => (metrics[name] ?? Number.NEGATIVE_INFINITY) > limit)
}

interface Rung {
  readonly load: Load
  /** null where it failed. */
  readonly metrics: SearchMetrics | null
}

/** What is known of a configuration: the best load that holds, and of its client batch the two that the limit lies between. */
function bracket(
  points: readonly SearchPoint[],
  configuration: Configuration,
  constraints: readonly Constraint[],
) {
  const own = points.filter((point) => sameConfiguration(point.configuration, configuration))
  const measured: Rung[] = candidatesOf(own)
  const answered = new Set(measured.map(({ load }) => loadKey(load)))
  const failed = own.filter(({ metrics, load }) => metrics === null && !answered.has(loadKey(load)))
  const rungs: readonly Rung[] = [...measured, ...failed]
  const keptBy = (kept: ReturnType<typeof limitsKept>) =>
    rungs.filter(({ metrics }) => limitsKept(metrics, constraints) === kept)
  const holding = keptBy('held')
  const best = holding.reduce<Rung | null>(
    (top, rung) => (top === null || throughputOf(rung) > throughputOf(top) ? rung : top),
    null,
  )
  const failing = keptBy('broken')
  // Of a batch of which nothing is known there is nothing to be said, as long as another one broke a limit.
  const told = failing.length === 0 ? rungs : failing
  const batch =
    best === null ? Math.min(...told.map(({ load }) => batchSizeOf(load))) : batchSizeOf(best.load)
  const alike = (some: readonly Rung[]) =>
    some
      .filter(({ load }) => batchSizeOf(load) === batch)
      .toSorted((a, b) => inferencesOf(a.load) - inferencesOf(b.load))
  const held = alike(holding)
  const top = held.at(-1)
  const broken = alike(failing).find(
    ({ load }) => top === undefined || inferencesOf(load) > inferencesOf(top.load),
  )
  return {
    best: best?.metrics == null ? null : { load: best.load, metrics: best.metrics },
    batch,
    held,
    broken: broken?.load ?? null,
    known: new Set(rungs.map(({ load }) => loadKey(load))),
  }
}

function throughputOf({ metrics }: Rung): number {
  return metrics?.inferPerSec ?? 0
}

/** Where twice the load brought no more throughput than this, at most twice as much is left: the rest of what comes waits. */
export const plateauGain = 0.02
/** Loads nearer to each other than this differ by less than what a p99 spreads. */
const closeEnough = 1.1

/** The load that tells most about where a configuration's limit lies: halfway, or the next heavier one; null where that is known. */
export function nextCapacityLoad(
  points: readonly SearchPoint[],
  configuration: Configuration,
  space: Space,
  constraints: readonly Constraint[],
): Load | null {
  const { batch, held, broken, known } = bracket(points, configuration, constraints)
  // What is limited and cannot be measured, such as memory that nobody reports, is told by no load.
  if (held.length === 0 && broken === null && known.size > 0) return null
  const rungs = loadsFor(space, configuration).filter(
    (load) => batchSizeOf(load) === batch && !known.has(loadKey(load)),
  )
  const [top, before] = held.toReversed()
  const low = top === undefined ? 0 : inferencesOf(top.load)
  if (broken === null) {
    const isFlat =
      top !== undefined &&
      low >= fullLoad(configuration, top.load) &&
      before !== undefined &&
      throughputOf(top) <= (1 + plateauGain) * throughputOf(before)
    return isFlat ? null : (rungs.find((load) => inferencesOf(load) > low) ?? null)
  }
  const between = rungs.filter(
    (load) => inferencesOf(load) > low && inferencesOf(load) < inferencesOf(broken),
  )
  if (between.length > 0) return between[Math.floor(between.length / 2)] ?? null
  const middle = top === undefined || space.divisible !== true ? null : halfway(top.load, broken)
  return middle === null || known.has(loadKey(middle)) ? null : middle
}

/**
 * Twice what is executed at once (Model Analyzer's formula): below that, throughput that does not grow may grow again once
 * batches fill. An open loop's throughput lags behind its rate only when there is no more to be had.
 */
function fullLoad({ instanceCount, maxBatchSize, dynamicBatching }: Configuration, { mode }: Load): number {
  return mode === 'requestRate'
    ? 0
    : 2 * (instanceCount ?? 1) * (dynamicBatching ? Math.max(1, maxBatchSize) : 1)
}

function halfway(low: Load, high: Load): Load | null {
  if (low.mode === 'concurrency' && high.mode === 'concurrency') {
    const concurrency = middleOf(low.concurrency, high.concurrency, low.mode)
    return concurrency === null ? null : { ...low, concurrency }
  }
  if (low.mode === 'requestRate' && high.mode === 'requestRate') {
    const requestRate = middleOf(low.requestRate, high.requestRate, low.mode)
    return requestRate === null ? null : { ...low, requestRate }
  }
  return null
}

/** The concurrency or rate between two; null where these are so near to each other that it tells nothing. */
export function middleOf(low: number, high: number, mode: Load['mode']): number | null {
  if (high / low <= closeEnough) return null
  if (mode === 'requestRate') return Number(Math.sqrt(low * high).toPrecision(3))
  const middle = Math.round((low + high) / 2)
  return middle === low || middle === high ? null : middle
}

/**
 * The next measurement after a search: bisects for the capacity of the committed configuration and of the answer's, before
 * and after. null where both are known, where no latency is limited, or where steps or time are used up.
 *
 * @param most measurements for each of the two
 */
export function nextCapacityStep(
  state: SearchState,
  answer: SearchAnswer | null,
  most: number,
): Extract<Step, { kind: 'measure' }> | null {
  const { space, points, constraints, budget } = state
  if (answer === null || !limitsLatency(constraints)) return null
  const loaded = loadedOf(state)
  const wanted = sameConfiguration(answer.configuration, space.committed)
    ? [space.committed]
    : [answer.configuration, space.committed]
  // What is loaded comes first: loading is what costs.
  const ordered = wanted.toSorted(
    (a, b) => Number(sameConfiguration(b, loaded)) - Number(sameConfiguration(a, loaded)),
  )
  for (const configuration of ordered) {
    const made = points.filter(
      (point) => point.purpose === 'capacity' && sameConfiguration(point.configuration, configuration),
    )
    const load = made.length < most ? nextCapacityLoad(points, configuration, space, constraints) : null
    if (load === null) continue
    if (budget.timeLeftNs !== null && costNs(state, { configuration }) > budget.timeLeftNs) return null
    const why = `bisecting for the capacity at ${loadLabel(load)}`
    return { kind: 'measure', configuration, load, purpose: 'capacity', why }
  }
  return null
}
