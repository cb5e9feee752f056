import type { Candidate } from './candidates.ts'
import type { Space } from './space.ts'
import { type Place, sameConfiguration } from './state.ts'
import type { Observation } from './surrogate.ts'

/** Below this share of a request's time on the server, hardly any request finds its instances busy. */
const idleQueueShare = 0.05
/** Executed batches this far below the maximum are limited by what arrives, not by max_batch_size. */
const smallBatchShare = 0.6
/** What is implied is trusted like a measurement of this relative spread. */
const impliedNoise = 0.1

/**
 * What ModelStatistics imply without measuring: where hardly anything queues, one step more instances changes nothing
 * at that load; where executed batches stay well below max_batch_size, a step larger does not either.
 */
export function impliedObservations(candidates: readonly Candidate[], space: Space): Observation[] {
  return candidates.flatMap((candidate) => {
    const implied: Place[] = []
    const queue = queueShare(candidate)
    if (queue !== null && queue < idleQueueShare) implied.push(...nextUp(candidate, space, 'instanceCount'))
    const executed = candidate.metrics.executedBatchSize
    const { maxBatchSize, dynamicBatching } = candidate.configuration
    if (dynamicBatching && executed != null && executed < smallBatchShare * maxBatchSize) {
      implied.push(...nextUp(candidate, space, 'maxBatchSize'))
    }
    const { gpuMemoryBytes: _, gpuDeviceMemoryBytes: __, ...metrics } = candidate.metrics
    return implied.map((place) => ({ ...place, metrics, noise: impliedNoise }))
  })
}

/** Time in the queue as a share of the request's time on the server; null where the server did not say. */
function queueShare({ metrics }: Pick<Candidate, 'metrics'>): number | null {
  const queue = metrics.serverQueueNs
  if (queue == null) return null
  const compute = [metrics.serverComputeInputNs, metrics.serverComputeInferNs, metrics.serverComputeOutputNs]
  const total = compute.reduce((sum: number, value) => sum + (value ?? 0), queue)
  return total > 0 ? queue / total : null
}

/** The same place with the next larger value of one dimension, where the space has it. */
function nextUp(place: Place, space: Space, dimension: 'instanceCount' | 'maxBatchSize'): Place[] {
  const { configuration, load } = place
  const larger = space.configurations
    .filter(
      (other) =>
        (other[dimension] ?? 0) > (configuration[dimension] ?? 0) &&
        other.dynamicBatching === configuration.dynamicBatching &&
        (dimension === 'instanceCount'
          ? other.maxBatchSize === configuration.maxBatchSize
          : other.instanceCount === configuration.instanceCount),
    )
    .filter((other) => sameConfiguration({ ...other, [dimension]: configuration[dimension] }, configuration))
    .sort((a, b) => (a[dimension] ?? 0) - (b[dimension] ?? 0))
  return larger.slice(0, 1).map((next) => ({ configuration: next, load }))
}
