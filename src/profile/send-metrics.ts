import type { MetricName } from '../domain/metric.ts'
import type { Metrics } from '../domain/scenario.ts'
import type { Window } from '../load/generator.ts'
import { mergeSends } from '../load/send-times.ts'
import { percentileValue } from './percentile-value.ts'

const percentiles = [
  { name: 'serviceP50Ns', of: 'serviceNs', percentile: 0.5 },
  { name: 'serviceP99Ns', of: 'serviceNs', percentile: 0.99 },
  { name: 'sendLagP99Ns', of: 'lagNs', percentile: 0.99 },
] as const satisfies readonly { name: MetricName; of: 'serviceNs' | 'lagNs'; percentile: number }[]

/**
 * The two parts of an open loop's latency, over all requests of the windows together; nothing in a closed loop. Service
 * time and lag are information: what a caller waits for is both.
 */
export function sendPercentiles(windows: readonly Window[]): Metrics {
  const sends = mergeSends(windows)
  if (sends === undefined) return {}
  return Object.fromEntries(
    percentiles.map(({ name, of, percentile }) => [name, percentileValue(sends[of], percentile, 'requests')]),
  )
}

/** The same as they stand in a repetition. */
export function sendMetrics(windows: readonly Window[]): Partial<Record<MetricName, number | null>> {
  const values = Object.entries(sendPercentiles(windows))
  return Object.fromEntries(values.map(([name, value]) => [name, value?.value ?? null]))
}

/** The metrics that only open loops have. */
export const sendMetricNames: ReadonlySet<MetricName> = new Set(percentiles.map(({ name }) => name))
