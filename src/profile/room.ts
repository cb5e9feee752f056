import type { Measurements } from '../domain/measurements.ts'
import type { MetricName } from '../domain/metric.ts'
import type { ProfileContext } from './profile.ts'

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

/** So many configurations are gone back to within the default twenty measurements; and all servers have to be stopped. */
const mostSweepServers = 8

/** Other configurations may hold twice the instances and batches of the committed one, by which room is told here. */
const growth = 2

/**
 * How many servers a sweep may have beside each other, so that a configuration that is measured again need not be loaded again: one on
 * a GPU, whose memory is read with one alive, and in containers, which take about as long to start as that would save. Two, one of them for
 * the committed configuration, where a model needs others: of these only what differs is loaded over what is there.
 */
export function sweepServers(
  { gpu, launcher }: Pick<ProfileContext, 'gpu' | 'launcher'>,
  gated: Measurements,
  needsOthers: boolean,
): number {
  const isCheap = launcher.mode === 'embedded' || launcher.mode === 'local'
  if (gpu !== null || !isCheap) return 1
  return Math.max(1, Math.min(needsOthers ? 2 : mostSweepServers, Math.floor(serversThatFit(gated) / growth)))
}
