import { type MetricName, metricNames } from './metric.ts'
import type { Metrics } from './scenario.ts'

/**
 * Of several measurements of one configuration at one load. Means have no interval of one of them; a value that one of them has
 * too few requests for is not to be had of all together either.
 *
 * @param means where they are known already
 */
export function meanOfMetrics(
  measured: readonly Metrics[],
  means?: Readonly<Partial<Record<MetricName, number | null>>>,
): Metrics {
  const [only] = measured
  if (measured.length <= 1) return only ?? {}
  const entries = metricNames.flatMap((name) => {
    const values = measured.flatMap((metrics) => metrics[name] ?? [])
    const [first] = values
    if (first === undefined || (means !== undefined && means[name] == null)) return []
    const n = values.reduce((sum, each) => sum + each.n, 0)
    const lacking = values.find((each) => each.value === null)
    if (lacking !== undefined) return [[name, { ...lacking, n }]]
    const value = means?.[name] ?? values.reduce((sum, each) => sum + (each.value ?? 0), 0) / values.length
    return [[name, { ...first, value, interval: null, n }]]
  })
  return Object.fromEntries(entries) as Metrics
}
