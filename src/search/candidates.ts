import { inferencesOf } from '../domain/load.ts'
import { metricNames } from '../domain/metric.ts'
import { mean } from '../stats/robust.ts'
import { type Place, placeKey, type SearchMetrics, type SearchPoint } from './state.ts'

/** A measured place with the mean of its measurements. */
export interface Candidate extends Place {
  readonly metrics: SearchMetrics
  /** How often it was measured with success. */
  readonly measurements: number
  /** How often it was tried: more than that where it failed as well. */
  readonly tries: number
  /** Mean of the confirmations alone, which were not selected for looking good; null where there is none. */
  readonly confirmed: SearchMetrics | null
  readonly confirmations: number
}

/** Whether what was measured also failed, before or after. */
export function hasFailed({ tries, measurements }: Pick<Candidate, 'tries' | 'measurements'>): boolean {
  return tries > measurements
}

/** The measured places in the order of their first measurement; the failed ones are left out. */
export function candidatesOf(points: readonly SearchPoint[]): Candidate[] {
  return groupsBy(points, placeKey).flatMap((group) => {
    const [first] = group
    const measured = group.flatMap(({ metrics }) => metrics ?? [])
    if (first === undefined || measured.length === 0) return []
    const { configuration, load } = first
    const confirmed = measured.slice(1)
    return [
      {
        configuration,
        load,
        metrics: meanMetrics(measured),
        measurements: measured.length,
        tries: group.length,
        confirmed: confirmed.length === 0 ? null : meanMetrics(confirmed),
        confirmations: confirmed.length,
      },
    ]
  })
}

/**
 * Spread of one measurement where nothing was measured twice: throughput and p99 of text_recognition on a quiet
 * machine spread by 4.6 % and 6.0 % from server to server.
 */
export const defaultSpread = 0.05

/** The default counts as much as this many repeated pairs: enough that one lucky pair does not make all noise vanish. */
const defaultWeight = 2

/** What counts as the same number: no server repeats itself so closely, and a recorded one may be rounded. */
const sameLog = 1e-4
/** Fewer places than this may agree by chance. */
const leastAlike = 3
/** Of measurements without noise, as on a recorded landscape: what a few digits leave out. */
export const exactSpread = 1e-3

/**
 * True where the measurements have no noise: a repeated one gave the same number, or none was repeated and p99 is everywhere
 * the same multiple of what Little's law makes of the throughput.
 */
function isExact(points: readonly SearchPoint[]): boolean {
  const repeated = groupsBy(points, placeKey).filter(
    (group) => group.filter(({ metrics }) => metrics !== null).length > 1,
  )
  if (repeated.length > 0) {
    return repeated.every((group) => alike(group.flatMap(({ metrics }) => metrics?.inferPerSec ?? [])))
  }
  const stretches = points.flatMap(({ metrics, load }) => {
    const { inferPerSec, latencyP99Ns } = metrics ?? {}
    return load.mode === 'concurrency' && inferPerSec && latencyP99Ns
      ? [(inferPerSec * latencyP99Ns) / inferencesOf(load)]
      : []
  })
  return stretches.length >= leastAlike && alike(stretches)
}

function alike(values: readonly number[]): boolean {
  return Math.max(...values) <= Math.min(...values) * (1 + sameLog)
}

/**
 * Relative standard deviation of a single measurement: pooled over the log ratios of all places measured more than
 * once, in throughput and p99, and the default.
 */
export function spreadOf(points: readonly SearchPoint[]): number {
  if (isExact(points)) return exactSpread
  let squares = defaultWeight * defaultSpread ** 2
  let freedom = defaultWeight
  for (const group of groupsBy(points, placeKey)) {
    const repeated = (['inferPerSec', 'latencyP99Ns'] as const).map((metric) =>
      group.flatMap(({ metrics }) => (metrics?.[metric] ? [Math.log(metrics[metric])] : [])),
    )
    for (const logs of repeated) {
      if (logs.length < 2) continue
      const centre = mean(logs)
      // The two metrics of one measurement tell much the same, so each counts half.
      squares += logs.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 2
      freedom += (logs.length - 1) / 2
    }
  }
  return Math.sqrt(squares / freedom)
}

/** The candidates with the relative standard deviation of their means. */
export function withNoise(
  candidates: readonly Candidate[],
  spread: number,
): (Candidate & { readonly noise: number })[] {
  return candidates.map((candidate) => ({ ...candidate, noise: spread / Math.sqrt(candidate.measurements) }))
}

/** The points of each place, in the order of their first one. */
export function groupsBy<Point>(
  points: readonly Point[],
  keyOf: (point: Point) => string,
): readonly (readonly Point[])[] {
  const groups = new Map<string, Point[]>()
  for (const point of points) {
    const key = keyOf(point)
    groups.set(key, [...(groups.get(key) ?? []), point])
  }
  return [...groups.values()]
}

function meanMetrics(measured: readonly SearchMetrics[]): SearchMetrics {
  const means: Partial<Record<(typeof metricNames)[number], number>> = {}
  for (const name of metricNames) {
    const values = measured.flatMap((metrics) => metrics[name] ?? [])
    if (values.length > 0) means[name] = mean(values)
  }
  return means
}

/** Of several models that were measured at once, the mean of each; null without any measurement. */
export function meansByModel(measured: readonly (readonly SearchMetrics[])[]): SearchMetrics[] | null {
  const [first] = measured
  return first?.map((_, index) => meanMetrics(measured.map((each) => each[index] ?? {}))) ?? null
}
