import { failedRequests } from '../domain/scenario.ts'
import type { Loaded } from './repetition.ts'
import { describeFailures, isSilent, type Sample, sumFailures } from './sample.ts'

/**
 * The samples of models that were under load at once, each with what went wrong with the others: beside a model that fails
 * its requests, no other was measured under the load that was asked for.
 *
 * @param maxFailureRatio failed of all requests of a model, 0 to 1
 */
export function withNeighbours(
  asked: readonly Loaded[],
  samples: readonly Sample[],
  maxFailureRatio: number,
): Sample[] {
  const troubles = samples.map((sample, index) => ({
    index,
    trouble: troubleOf(asked[index]?.model.name ?? '', sample, maxFailureRatio),
  }))
  return samples.map((sample, own) => {
    const neighbours = troubles.flatMap(({ index, trouble }) =>
      index === own || trouble === null ? [] : [trouble],
    )
    return neighbours.length === 0 ? sample : { ...sample, neighbours }
  })
}

function troubleOf(model: string, sample: Sample, maxFailureRatio: number): string | null {
  if (isSilent(sample)) return `neighbour_failed: ${model} answered not one request`
  const failures = sumFailures(sample.windows)
  const failed = failedRequests({ failures })
  const all = failed + sample.windows.reduce((sum, { latenciesNs }) => sum + latenciesNs.length, 0)
  if (failed <= maxFailureRatio * all) return null
  return `neighbour_failed: ${failed} of ${all} requests to ${model} failed (${describeFailures(failures)})`
}
