import type { MetricName } from '../domain/metric.ts'
import type { Metrics, MetricValue } from '../domain/scenario.ts'
import type { Window } from '../load/generator.ts'
import { mergeResponses, type ResponseReport } from '../load/response-times.ts'
import { percentileValue } from './percentile-value.ts'

const percentiles = [
  { name: 'timeToFirstResponseP50Ns', of: 'firstNs', percentile: 0.5 },
  { name: 'timeToFirstResponseP99Ns', of: 'firstNs', percentile: 0.99 },
  { name: 'interResponseP50Ns', of: 'gapsNs', percentile: 0.5 },
  { name: 'interResponseP99Ns', of: 'gapsNs', percentile: 0.99 },
] as const satisfies readonly {
  name: MetricName
  of: 'firstNs' | 'gapsNs'
  percentile: number
}[]

/** Of a decoupled model's responses in one repetition; nothing for any other model. */
export function responseMetrics(windows: readonly Window[]): Partial<Record<MetricName, number | null>> {
  const responses = mergeResponses(windows)
  if (responses === undefined) return {}
  const durationNs = windows.reduce((sum, window) => sum + window.durationNs, 0)
  return {
    ...Object.fromEntries(
      percentiles.map(({ name, of, percentile }) => [name, percentileOf(responses, of, percentile).value]),
    ),
    responsesPerSec: durationNs === 0 ? 0 : (responses.count * 1e9) / durationNs,
  }
}

/** The percentiles over all responses of a scenario together; nothing for a model that is not decoupled. */
export function pooledResponsePercentiles(windows: readonly Window[]): Metrics {
  const responses = mergeResponses(windows)
  if (responses === undefined) return {}
  return Object.fromEntries(
    percentiles.map(({ name, of, percentile }) => [name, percentileOf(responses, of, percentile)]),
  )
}

function percentileOf(responses: ResponseReport, of: 'firstNs' | 'gapsNs', percentile: number): MetricValue {
  const what = of === 'firstNs' ? 'requests with a response' : 'responses after a first one'
  return percentileValue(responses[of], percentile, what)
}

/** The metrics that only decoupled models have. */
export const responseMetricNames: ReadonlySet<MetricName> = new Set([
  ...percentiles.map(({ name }) => name),
  'responsesPerSec',
])
