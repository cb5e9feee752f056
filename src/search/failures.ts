import type { Configuration } from '../domain/configuration.ts'
import { inferencesOf } from '../domain/load.ts'
import { type Place, type SearchPoint, sameConfiguration } from './state.ts'

/**
 * What may make a configuration too big to load: its instances (each holds the weights), its batches (each holds
 * activations), or both together. Every size grows with both, so failing is monotone whichever is the cause.
 */
const sizes: readonly ((configuration: Configuration) => number)[] = [
  (configuration) => log2(configuration.instanceCount),
  (configuration) => log2(configuration.maxBatchSize),
  (configuration) => log2(configuration.instanceCount) + log2(configuration.maxBatchSize),
  (configuration) => log2(configuration.instanceCount) + log2(configuration.maxBatchSize) / 3,
]

/**
 * How likely a place is to work, from what failed and what did not, 0 to 1: by each size that explains all failures,
 * the limit lies anywhere between the largest that worked and the smallest that failed; the mean over these.
 * What is nowhere smaller than a failure, or at a load beyond one that failed, does not work.
 */
export function chanceOfWorking(points: readonly SearchPoint[]): (place: Place) => number {
  const working = points.filter(({ metrics }) => metrics !== null)
  const failed = points.filter(({ metrics }) => metrics === null)
  // A configuration that answers at another load has loaded: that load was too much, not the configuration.
  const overloaded = failed.filter((point) =>
    working.some((other) => sameConfiguration(other.configuration, point.configuration)),
  )
  const unloadable = failed.filter((point) => !overloaded.includes(point))
  const explanations = sizes.flatMap((size) => {
    const largest = Math.max(...working.map(({ configuration }) => size(configuration)))
    const smallest = Math.min(...unloadable.map(({ configuration }) => size(configuration)))
    return largest < smallest ? [{ size, largest, smallest }] : []
  })
  return ({ configuration, load }) => {
    if (
      overloaded.some(
        (point) =>
          atLeast(configuration, point.configuration) && inferencesOf(load) >= inferencesOf(point.load),
      )
    )
      return 0
    if (unloadable.length === 0 || working.some((point) => atLeast(point.configuration, configuration)))
      return 1
    if (unloadable.some((point) => atLeast(configuration, point.configuration))) return 0
    // Failures that no size explains say little about what is not beyond them.
    if (explanations.length === 0) return 0.5
    const chances = explanations.map(({ size, largest, smallest }) => {
      if (largest === Number.NEGATIVE_INFINITY) return size(configuration) < smallest ? 0.5 : 0
      return Math.min(1, Math.max(0, (smallest - size(configuration)) / (smallest - largest)))
    })
    return chances.reduce((sum, chance) => sum + chance, 0) / chances.length
  }
}

function atLeast(one: Configuration, other: Configuration): boolean {
  return (
    log2(one.instanceCount) >= log2(other.instanceCount) && log2(one.maxBatchSize) >= log2(other.maxBatchSize)
  )
}

function log2(count: number | null): number {
  return Math.log2(Math.max(1, count ?? 1))
}
