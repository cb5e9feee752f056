import { normalCdf, normalQuantile, studentTCdf, studentTQuantile } from './special.ts'

/**
 * A level lasts at least this long: one wild value, or two, are no new level. What shows in fewer commits is large, and the
 * comparison of a single commit sees it.
 */
export const minLength = 4

/** How clear a step is, by what it gains in units of the long-run variance: the probability of as much anywhere in the series. */
export function pValueOf(gain: number, n: number): number {
  const z = -normalQuantile(Math.max(1e-300, studentTCdf(-Math.sqrt(gain), n - 2)))
  return z <= 0 ? 1 : maximumPValue(z, n)
}

/**
 * The probability that a single step is seen in a series of n independent values without one. The longer the series, the more often one
 * that is none makes others beside it: so, false steps are about 0.07 in a series of any length (docs/history.md).
 */
function falseAlarm(n: number): number {
  return 0.1 * Math.min(1, (20 / n) ** 0.4)
}

const gains = new Map<number, number>()

/** What a step must gain in a series of n values: the square of the t that is exceeded with probability `falseAlarm`. */
export function criticalGain(n: number): number {
  const known = gains.get(n)
  if (known !== undefined) return known
  let [low, high] = [1, 8]
  while (high - low > 1e-6) {
    const middle = (low + high) / 2
    if (maximumPValue(middle, n) > falseAlarm(n)) low = middle
    else high = middle
  }
  const t = -studentTQuantile(normalCdf(-high), n - 2)
  gains.set(n, t ** 2)
  return t ** 2
}

/**
 * The probability that the two-sided z of "before against after" exceeds `z` at any of the places of n independent normal values,
 * levels of fewer than `minLength` values left out. Between places z is an Ornstein–Uhlenbeck process in ln(k/(n − k)), seen at
 * n places only (James, James & Siegmund 1987, Biometrika 74; ν of Siegmund & Yakir 2007, The Statistics of Gene Mapping).
 */
export function maximumPValue(z: number, n: number): number {
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
  let sum = 0
  for (let k = minLength; k < n - minLength; k++) {
    const step = n / (k * (n - k))
    sum += step * overshoot(z * Math.sqrt(step))
  }
  return Math.min(1, z * density * sum + 2 * normalCdf(-z))
}

/** What is lost between two places: ν(x), from 1 at 0. */
function overshoot(x: number): number {
  const half = x / 2
  const density = Math.exp(-0.5 * half * half) / Math.sqrt(2 * Math.PI)
  return ((2 / x) * (normalCdf(half) - 0.5)) / (half * normalCdf(half) + density)
}
