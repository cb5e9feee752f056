import { mean } from './robust.ts'
import { studentTCdf, studentTQuantile } from './special.ts'

/** A mean with its uncertainty, by Student's t; infinite degrees of freedom stand for a known spread. */
export interface Estimate {
  readonly mean: number
  readonly standardError: number
  readonly degreesOfFreedom: number
}

/**
 * The mean of paired differences (here: log ratios of one repetition pair each).
 *
 * A handful of pairs can agree by luck; their spread is taken to be at least `sdFloor`, so that a tiny
 * sample spread, or none at all, never makes a small change look certain.
 * @param differences at least two
 */
export function pairedEstimate(differences: readonly number[], sdFloor: number): Estimate {
  const n = differences.length
  if (n < 2) throw new RangeError(`a spread needs two pairs, got ${n}`)
  const centre = mean(differences)
  const squares = differences.reduce((sum, difference) => sum + (difference - centre) ** 2, 0)
  const sd = Math.max(sdFloor, Math.sqrt(squares / (n - 1)))
  return { mean: centre, standardError: sd / Math.sqrt(n), degreesOfFreedom: n - 1 }
}

/** One-sided p-value of "the true mean is above `bound`"; 1 for an infinite bound. */
export function pValueAbove(estimate: Estimate, bound: number): number {
  if (bound === Number.POSITIVE_INFINITY) return 1
  return studentTCdf((bound - estimate.mean) / estimate.standardError, estimate.degreesOfFreedom)
}

/** Two-sided interval of the true mean. */
export function confidenceInterval(estimate: Estimate, confidence: number): [number, number] {
  const half = studentTQuantile((1 + confidence) / 2, estimate.degreesOfFreedom) * estimate.standardError
  return [estimate.mean - half, estimate.mean + half]
}

/** The true mean is below this with the given (one-sided) confidence. */
export function upperBound(estimate: Estimate, confidence: number): number {
  return estimate.mean + studentTQuantile(confidence, estimate.degreesOfFreedom) * estimate.standardError
}

/**
 * The smallest true mean that a one-sided test at `alpha` would find with probability `power`:
 * (t₁₋α + t_power)·SE, the usual approximation of the noncentral t (Chow et al., Sample Size Calculations, 3.1).
 */
export function detectableMean(estimate: Estimate, alpha: number, power: number): number {
  const { degreesOfFreedom, standardError } = estimate
  const tAlpha = -studentTQuantile(alpha, degreesOfFreedom)
  return (tAlpha + studentTQuantile(power, degreesOfFreedom)) * standardError
}
