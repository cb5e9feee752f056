import { mean } from '../../src/stats/robust.ts'
import { studentTQuantile } from '../../src/stats/special.ts'

// What other gates decide with, written from their documentation. Each gives a number that grows with the evidence for a change
// for the worse, and fails a report above a threshold.

/**
 * github-action-benchmark: the new value over the one of the last commit, `alert-threshold` (default 200 %), bigger is worse
 * here (README, "Alert comment on commit").
 */
export function ratioToPrevious(history: readonly number[], value: number): number {
  return value / (history.at(-1) as number)
}

export const ratioThreshold = 2

/**
 * Bencher's t-test threshold: how many standard deviations of a prediction the new value lies above the mean of the last (at
 * most 64) ones: mean + t(q, n − 1)·s·√(1 + 1/n) is its upper boundary ("Thresholds", t-test; corrected in v0.6.3).
 */
export function predictionScore(history: readonly number[], value: number): number {
  const past = history.slice(-64)
  const centre = mean(past)
  const variance = past.reduce((sum, each) => sum + (each - centre) ** 2, 0) / (past.length - 1)
  return (value - centre) / Math.sqrt(variance * (1 + 1 / past.length))
}

/** At its usual upper boundary of 0.99. */
export function predictionThreshold(points: number): number {
  return studentTQuantile(0.99, points - 1)
}

/**
 * Mann–Whitney's U over all requests of both sides, as a z-value: how often a request of the candidate is slower than one of
 * the reference (Mann & Whitney 1947; normal approximation without ties).
 * @param reference ascending
 * @param candidate ascending
 */
export function mannWhitney(reference: Float64Array, candidate: Float64Array): number {
  let [faster, u] = [0, 0]
  for (const value of candidate) {
    while (faster < reference.length && (reference[faster] as number) < value) faster++
    u += faster
  }
  const [m, n] = [reference.length, candidate.length]
  return (u - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12)
}

/** One-sided 1 %, the level of a whole report. */
export const mannWhitneyThreshold = 2.3263478740408408
