import type { ModelSettings } from '../config/config.ts'
import { type MetricName, metrics } from '../domain/metric.ts'

// Tests work on "worse": the log ratio candidate / reference, turned so that more is worse for every metric.

/** ln(candidate / reference) as a change for the worse. */
export function worseLog(metric: MetricName, logRatio: number): number {
  return metrics[metric].better === 'lower' ? logRatio : -logRatio
}

/** candidate / reference from a change for the worse. */
export function ratioOfWorse(metric: MetricName, worse: number): number {
  return Math.exp(worseLog(metric, worse))
}

/** How far `worse` is from no change, as the ratio the user reads: 0.05 for 5 % more latency or 5 % less throughput. */
export function shareOfWorse(metric: MetricName, worse: number): number {
  return Math.abs(ratioOfWorse(metric, worse) - 1)
}

/** The tolerance as a change for the worse; infinite where throughput may fall by all of itself. */
export function toleratedWorse(metric: MetricName, tolerance: number): number {
  if (metrics[metric].better === 'lower') return Math.log1p(tolerance)
  return tolerance >= 1 ? Number.POSITIVE_INFINITY : -Math.log1p(-tolerance)
}

/** The configuration names a tolerance for every metric that is gated; one that it does not name may not get worse at all. */
function configured(
  settings: ModelSettings,
  metric: MetricName,
): { readonly ratio: number; readonly absolute: number } {
  return settings.tolerance[metric] ?? { ratio: 0, absolute: 0 }
}

/**
 * The tolerated change for the worse as a share of the reference. `absolute` widens a relative tolerance that is
 * below it: 0.1 ms of a 0.5 ms latency is clock noise, not 20 %.
 */
export function toleranceOf(settings: ModelSettings, metric: MetricName, reference: number): number {
  const { ratio, absolute } = configured(settings, metric)
  return reference > 0 ? Math.max(ratio, absolute / reference) : ratio
}

/** The most GPU memory that is tolerated: relative and absolute part add up, as two parts of the same growth. */
export function memoryLimitBytes(settings: ModelSettings, referenceBytes: number): number {
  const { ratio, absolute } = configured(settings, 'gpuMemoryBytes')
  return referenceBytes * (1 + ratio) + absolute
}
