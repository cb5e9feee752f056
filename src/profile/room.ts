import type { Measurements } from '../domain/measurements.ts'
import type { MetricName } from '../domain/metric.ts'

/** Allocators take more than what a reading shows, and a full machine disturbs every side of it. */
const usableShare = 0.9

/**
 * How many servers of the measured models the memory of GPUs and host holds beside each other, by the most that one of them
 * took; infinite where that is not known.
 */
export function serversThatFit({ environment, models, reference }: Measurements): number {
  const scenarios = [...models, ...(reference?.models ?? [])].flatMap((model) => model.scenarios)
  const most = (metric: MetricName) =>
    Math.max(0, ...scenarios.map(({ metrics }) => metrics[metric]?.value ?? 0))
  const gpuBytes = environment.gpus.reduce((sum, { memoryTotalBytes }) => sum + memoryTotalBytes, 0)
  const holds = (bytes: number, each: number) =>
    each === 0 ? Number.POSITIVE_INFINITY : Math.floor((usableShare * bytes) / each)
  return Math.min(
    holds(gpuBytes, most('gpuMemoryBytes')),
    holds(environment.host.memoryTotalBytes, most('serverMemoryBytes')),
  )
}
