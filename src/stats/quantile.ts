import { binomialCdf } from './special.ts'

/**
 * The p-quantile by nearest rank: the smallest value with at least p·n values at or below it. Always a
 * value that was measured; no interpolation, so that a p99 is a latency some request had. Null of no values.
 * @param sorted ascending
 * @param p 0 < p ≤ 1
 */
export function quantile(sorted: ArrayLike<number>, p: number): number | null {
  if (!(p > 0 && p <= 1)) throw new RangeError(`a quantile needs 0 < p ≤ 1, got ${p}`)
  return sorted.length === 0 ? null : at(sorted, nearestRank(sorted.length, p))
}

/**
 * Two-sided distribution-free interval of the p-quantile between two order statistics: each end is missed
 * with probability (1 − confidence)/2 at most, by the exact binomial distribution of the number of values
 * below the quantile (David & Nagaraja, Order Statistics, 7.1).
 *
 * The upper end is null where n is too small for one (below 368 for p99 at 95 %, since 0.99^n > 0.025);
 * all is null where there is no lower end either (below 6 for the median).
 * @param sorted ascending
 */
export function orderStatisticInterval(
  sorted: ArrayLike<number>,
  p: number,
  confidence = 0.95,
): [number, number | null] | null {
  const n = sorted.length
  const miss = (1 - confidence) / 2
  // The count of values below the quantile is binomial (n, p). The lower rank is the largest r with P(count < r) ≤ miss.
  const lower = firstRank(n, (rank) => binomialCdf(rank, n, p) > miss)
  // The upper rank is the smallest r with P(count ≥ r) ≤ miss; the factor forgives the rounding of 1 − P.
  const upper = firstRank(n, (rank) => rank > 0 && 1 - binomialCdf(rank - 1, n, p) <= miss * (1 + 1e-9))
  if (lower === 0) return null
  return [at(sorted, lower), upper > n ? null : at(sorted, upper)]
}

function nearestRank(n: number, p: number): number {
  // 0.07 · 100 is 7.000000000000001 in binary: forgive the rounding, not more.
  return Math.max(1, Math.ceil(p * n - n * 1e-12))
}

/** The smallest rank from 0 to n for which the monotone condition holds, n + 1 where none does. */
function firstRank(n: number, holds: (rank: number) => boolean): number {
  let low = 0
  let high = n + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function at(sorted: ArrayLike<number>, rank: number): number {
  const value = sorted[rank - 1]
  if (value === undefined) throw new RangeError(`no value at rank ${rank} of ${sorted.length}`)
  return value
}
