import { isBetterThanMemory, minVariance, remembers, rhoBeside } from './noise-memory.ts'
import { mean, sumOf } from './robust.ts'
import { criticalGain, minLength } from './step-test.ts'

/** The squared distances of values from `start` to before `end` to their mean. */
export type Squares = (start: number, end: number) => number

interface Steps {
  /** The first indices of the levels, the first of them 0. */
  readonly starts: readonly number[]
  /** σ² of one score, and (1 + ρ)/(1 − ρ), by which the variance of a mean of many is larger than of independent ones. */
  readonly variance: number
  readonly inflation: number
  readonly squares: Squares
}

/** Beyond this a series cannot be told from a level that moves all the time. */
const maxRho = 0.9
/**
 * In units of the standard deviation of an estimated ρ: it is rather larger than it seems, since the steps took a part of it, and since
 * the variance grows faster above ρ than it falls below.
 */
const rhoErrorsAdded = 1
/** A ρ that rises by less changes nothing. */
const leastRise = 0.01

/**
 * The levels of a series and its noise: independent if that explains it, else with the smallest memory that agrees with what the levels
 * leave.
 * @param scores in order of time
 */
export function findSteps(scores: readonly number[]): Steps {
  const n = scores.length
  const squares = squaresOf(scores)
  const ofNeighbours = meanSquareOfDifferences(scores) / 2
  const independent = Math.max(minVariance, Math.min(ofNeighbours, varianceBesideOneStep(n, squares)))
  let steps = {
    starts: partition(n, squares, criticalGain(n) * independent),
    variance: independent,
    inflation: 1,
  }
  const residual = sumOf(steps.starts, (start, index) => squares(start, steps.starts[index + 1] ?? n))
  const isIndependent =
    isBetterThanMemory(scores, steps.starts.length, residual) && !remembers(scores, steps.starts)
  if (isIndependent) return { ...steps, squares }
  for (let rho = 0; steps.starts.length > 1; ) {
    const next = Math.min(
      maxRho,
      Math.max(0, rhoBeside(scores, steps.starts)) + rhoErrorsAdded / Math.sqrt(n),
    )
    if (next <= rho + leastRise) break
    rho = next
    // Differences of neighbours have the variance 2σ²(1 − ρ).
    const [variance, inflation] = [Math.max(minVariance, ofNeighbours / (1 - rho)), (1 + rho) / (1 - rho)]
    steps = { starts: partition(n, squares, criticalGain(n) * variance * inflation), variance, inflation }
  }
  return { ...steps, squares }
}

function squaresOf(values: readonly number[]): Squares {
  const sums = new Float64Array(values.length + 1)
  const squares = new Float64Array(values.length + 1)
  for (const [index, value] of values.entries()) {
    sums[index + 1] = (sums[index] as number) + value
    squares[index + 1] = (squares[index] as number) + value ** 2
  }
  return (start, end) => {
    const sum = (sums[end] as number) - (sums[start] as number)
    return Math.max(0, (squares[end] as number) - (squares[start] as number) - sum ** 2 / (end - start))
  }
}

/** The first indices of the levels whose squares and gains to be paid add up to least. */
function partition(n: number, squares: Squares, gain: number): number[] {
  const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY)
  const starts = new Int32Array(n + 1)
  least[0] = -gain
  for (let end = minLength; end <= n; end++) {
    for (let start = 0; start <= end - minLength; start++) {
      const total = (least[start] as number) + squares(start, end) + gain
      if (total < (least[end] as number)) {
        least[end] = total
        starts[end] = start
      }
    }
  }
  const found: number[] = []
  for (let end = n; end > 0; end = starts[end] as number) found.unshift(starts[end] as number)
  return found
}

/** The residual variance of the best single step: exact where there is one or none, too large where there are more. */
function varianceBesideOneStep(n: number, squares: Squares): number {
  let least = Number.POSITIVE_INFINITY
  for (let place = minLength; place <= n - minLength; place++)
    least = Math.min(least, squares(0, place) + squares(place, n))
  return least / (n - 2)
}

/** Steps and slow ramps hardly enter it. */
function meanSquareOfDifferences(values: readonly number[]): number {
  return mean(values.slice(1).map((value, index) => (value - (values[index] as number)) ** 2))
}
