import { batchSizeOf } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { Place, SearchMetrics } from './state.ts'

/** A place as numbers, each in octaves except the flag. `eff…` is what the load lets the configuration use. */
export interface Features {
  readonly outstanding: number
  readonly instances: number
  readonly batch: number
  readonly delay: number
  readonly preferred: number
  readonly dynamic: number
  readonly effInstances: number
  readonly effBatch: number
  readonly clientBatch: number
  /** Counts, not octaves: what is outstanding, what of it executes, and what the configuration would let execute. */
  readonly inFlight: number
  readonly busy: number
  readonly executed: number
  readonly instanceCount: number
  readonly maxBatchSize: number
}

export type FeaturesOf = (place: Place) => Features

/** An execution on a GPU is seldom longer; only before anything was measured. */
const guessedLatencyNs = 10 * nsPerMs

/**
 * An open loop as the closed loop that it is before anything queues: by Little's law as many requests are under way as come
 * in while one is answered by an idle server, for which the shortest latency seen stands.
 */
export function featuresOf(observations: readonly { readonly metrics: SearchMetrics }[]): FeaturesOf {
  const latencies = observations.flatMap(
    ({ metrics: { latencyAvgNs, latencyP50Ns, latencyP99Ns } }) =>
      latencyAvgNs ?? latencyP50Ns ?? latencyP99Ns ?? [],
  )
  const idleNs = latencies.length === 0 ? guessedLatencyNs : Math.min(...latencies)
  return (place) => features(place, idleNs)
}

function features({ configuration, load }: Place, idleNs: number): Features {
  const clientBatch = batchSizeOf(load)
  const requests = load.mode === 'concurrency' ? load.concurrency : (load.requestRate * idleNs) / nsPerSecond
  const instances = configuration.instanceCount ?? 1
  const batch = Math.max(1, configuration.maxBatchSize)
  // A queue that is not batched runs requests as they come, and no batch holds more than is outstanding.
  const largest = configuration.dynamicBatching
    ? Math.max(clientBatch, Math.min(batch, (requests * clientBatch) / Math.min(instances, requests)))
    : clientBatch
  const busy = Math.min(instances, Math.max(1, requests))
  return {
    outstanding: Math.log2(requests * clientBatch),
    instances: Math.log2(instances),
    batch: Math.log2(batch),
    delay: Math.log2(1 + (configuration.maxQueueDelayMicroseconds ?? 0) / 100),
    preferred: Math.log2(1 + Math.max(0, ...(configuration.preferredBatchSizes ?? []))),
    dynamic: configuration.dynamicBatching ? 1 : 0,
    effInstances: Math.log2(busy),
    effBatch: Math.log2(largest),
    clientBatch: Math.log2(clientBatch),
    inFlight: requests * clientBatch,
    busy,
    executed: largest,
    instanceCount: instances,
    maxBatchSize: batch,
  }
}
