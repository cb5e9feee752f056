import { minRequestsForPercentile } from '../domain/metric.ts'
import type { MetricValue } from '../domain/scenario.ts'
import { orderStatisticInterval, quantile } from '../stats/quantile.ts'

/**
 * A percentile with its 95 % interval, or null and why.
 * @param sorted ascending, ns
 * @param what the samples in words, for the reason
 */
export function percentileValue(sorted: Float64Array, percentile: number, what: string): MetricValue {
  const n = sorted.length
  const needed = minRequestsForPercentile(percentile)
  if (n < needed) {
    const reason = `p${Number((percentile * 100).toPrecision(3))} needs at least ${needed} ${what}, there were ${n}`
    return { value: null, interval: null, n, unit: 'ns', reason }
  }
  return {
    value: quantile(sorted, percentile),
    interval: orderStatisticInterval(sorted, percentile),
    n,
    unit: 'ns',
  }
}
