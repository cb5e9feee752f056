import { metricNames } from '../domain/metric.ts'
import { mean } from '../stats/robust.ts'
import { type Place, placeKey, type SearchMetrics, type SearchPoint } from './state.ts'

/** A measured place with the mean of its measurements. */
export interface Candidate extends Place {
  readonly metrics: SearchMetrics
  /** How often it was measured with success. */
  readonly measurements: number
  /** Mean of the confirmations alone, which were not selected for looking good; null where there is none. */
  readonly confirmed: SearchMetrics | null
  readonly confirmations: number
}

/** The measured places in the order of their first measurement; the failed ones are left out. */
export function candidatesOf(points: readonly SearchPoint[]): Candidate[] {
  return [...byPlace(points).values()].flatMap((group) => {
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
const defaultSpread = 0.05

/** The default counts as much as this many repeated pairs: enough that one lucky pair does not make all noise vanish. */
const defaultWeight = 2

/**
 * Relative standard deviation of a single measurement: pooled over the log ratios of all places measured more than
 * once, in throughput and p99, and the default.
 */
export function spreadOf(points: readonly SearchPoint[]): number {
  let squares = defaultWeight * defaultSpread ** 2
  let freedom = defaultWeight
  for (const group of byPlace(points).values()) {
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

function byPlace(points: readonly SearchPoint[]): Map<string, SearchPoint[]> {
  const groups = new Map<string, SearchPoint[]>()
  for (const point of points) {
    const key = placeKey(point)
    groups.set(key, [...(groups.get(key) ?? []), point])
  }
  return groups
}

export function meanMetrics(measured: readonly SearchMetrics[]): SearchMetrics {
  const means: Partial<Record<(typeof metricNames)[number], number>> = {}
  for (const name of metricNames) {
    const values = measured.flatMap((metrics) => metrics[name] ?? [])
    if (values.length > 0) means[name] = mean(values)
  }
  return means
}
