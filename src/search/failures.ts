import { inferencesOf } from '../domain/load.ts'
import { type Place, type SearchPoint, sameConfiguration } from './state.ts'

/**
 * What may make a configuration too big to load: its instances (each holds the weights), its batches (each holds
 * activations), or both together. Every size grows with both, so failing is monotone whichever is the cause.
 */
const sizes: readonly Size[] = [
  ({ configuration }) => log2(configuration.instanceCount),
  ({ configuration }) => log2(configuration.maxBatchSize),
  ({ configuration }) => log2(configuration.instanceCount) + log2(configuration.maxBatchSize),
  ({ configuration }) => log2(configuration.instanceCount) + log2(configuration.maxBatchSize) / 3,
]
/** What may be too much load: what is outstanding or sent in all, or for each instance. */
const loadSizes: readonly Size[] = [
  ({ load }) => Math.log2(inferencesOf(load)),
  ({ configuration, load }) => Math.log2(inferencesOf(load)) - log2(configuration.instanceCount),
]

type Size = (place: Place) => number

/**
 * How likely a place is to work, from what failed and what did not, 0 to 1: by each size that explains all failures,
 * the limit lies anywhere between the largest that worked and the smallest that failed; the mean over these.
 */
export function chanceOfWorking(points: readonly SearchPoint[]): (place: Place) => number {
  const working = points.filter(({ metrics }) => metrics !== null)
  const failed = points.filter(({ metrics }) => metrics === null)
  // A configuration that answers at another load has loaded: that load was too much, not the configuration.
  const overloads = failed
    .filter((point) => working.some((other) => sameConfiguration(other.configuration, point.configuration)))
    .map(({ load }) => inferencesOf(load))
  // Where that is known to happen it explains the failures under as much load elsewhere too.
  const tooMuch = Math.min(...overloads)
  const isOverload = ({ load }: Place): boolean => inferencesOf(load) >= tooMuch
  const bears = chanceBy(loadSizes, working, failed.filter(isOverload))
  const loads = chanceBy(
    [...sizes, ...loadSizes.slice(0, 1)],
    working,
    failed.filter((point) => !isOverload(point)),
  )
  return (place) => bears(place) * loads(place)
}

function chanceBy(
  causes: readonly Size[],
  working: readonly SearchPoint[],
  failed: readonly SearchPoint[],
): (place: Place) => number {
  const explanations = causes.flatMap((size) => {
    const largest = Math.max(...working.map(size))
    const smallest = Math.min(...failed.map(size))
    return largest < smallest ? [{ size, largest, smallest }] : []
  })
  // What is as large and works tells that it was not the size; then other failures may have the same cause, but beyond what works.
  const refuted = failed.filter((point) => working.some((other) => atLeast(other, point)))
  const tooLarge = failed.filter(
    (point) =>
      !refuted.includes(point) && (refuted.length === 0 || working.some((other) => atLeast(point, other))),
  )
  const lasting = lastingFailures(failed, working)
  return (place) => {
    if (failed.length === 0) return 1
    // Failures that no size explains say little about what is not beyond them.
    if (explanations.length === 0) {
      if (tooLarge.some((point) => atLeast(place, point))) return 0
      // Whatever it fails of, more load does not cure it.
      if (lasting.some((point) => isAsLoaded(place, point))) return 0
      return working.some((point) => atLeast(point, place)) ? 1 : 0.5
    }
    const chances = explanations.map(({ size, largest, smallest }) => {
      if (largest === Number.NEGATIVE_INFINITY) return size(place) < smallest ? 0.5 : 0
      return Math.min(1, Math.max(0, (smallest - size(place)) / (smallest - largest)))
    })
    return chances.reduce((sum, chance) => sum + chance, 0) / chances.length
  }
}

/** The failures but for those whose configuration has answered under as much load: that was not too much for it. */
export function lastingFailures<Failure extends Place>(
  failed: readonly Failure[],
  working: readonly Place[],
): Failure[] {
  return failed.filter((point) => !working.some((other) => isAsLoaded(other, point)))
}

/** The same configuration under no less load. */
export function isAsLoaded(one: Place, other: Place): boolean {
  return sameConfiguration(one.configuration, other.configuration) && atLeast(one, other)
}

/** Nowhere smaller than the other. */
function atLeast(one: Place, other: Place): boolean {
  return (
    log2(one.configuration.instanceCount) >= log2(other.configuration.instanceCount) &&
    log2(one.configuration.maxBatchSize) >= log2(other.configuration.maxBatchSize) &&
    inferencesOf(one.load) >= inferencesOf(other.load)
  )
}

function log2(count: number | null): number {
  return Math.log2(Math.max(1, count ?? 1))
}
