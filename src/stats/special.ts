/**
 * The distribution functions the tests need. Checked against SciPy to 1e-9 (special.test.ts); the
 * formulas are in Abramowitz & Stegun (A&S), Handbook of Mathematical Functions.
 */

const maxIterations = 100_000
/** Below this a change of the continued fraction no longer changes a double. */
const precision = 1e-16
/** Keeps Lentz's method from dividing by zero (Lentz 1976, Thompson & Barnett 1986). */
const tiny = 1e-300

/** Lanczos' coefficients for g = 7 and 9 terms (Godfrey 2001): relative error below 2e-15 for x > 0. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`logGamma needs x > 0, got ${x}`)
  // Γ(x + 1) = x Γ(x): the approximation holds from 1/2 on.
  if (x < 0.5) return logGamma(x + 1) - Math.log(x)
  const shifted = x - 1
  const t = shifted + 7.5
  let sum: number = lanczos[0]
  for (let index = 1; index < lanczos.length; index++) sum += (lanczos[index] as number) / (shifted + index)
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** I_x(a, b), the regularised incomplete beta function, for 0 ≤ x ≤ 1 and a, b > 0 (A&S 26.5.8). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (!(x >= 0 && x <= 1 && a > 0 && b > 0)) {
    throw new RangeError(`incompleteBeta needs 0 ≤ x ≤ 1 and a, b > 0, got ${x}, ${a}, ${b}`)
  }
  if (x === 0 || x === 1) return x
  // The fraction converges fast only left of the mean; right of it I_x(a, b) = 1 − I_{1−x}(b, a).
  if (x > (a + 1) / (a + b + 2)) return 1 - betaFraction(1 - x, b, a, Math.log1p(-x), Math.log(x))
  return betaFraction(x, a, b, Math.log(x), Math.log1p(-x))
}

function betaFraction(x: number, a: number, b: number, logX: number, logRest: number): number {
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * logX + b * logRest - Math.log(a)
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= maxIterations; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < precision * 4) return Math.exp(logFront) * fraction
  }
  throw new RangeError(`incompleteBeta did not converge for ${x}, ${a}, ${b}`)
}

/** P(X ≤ k) of a binomial variable: n trials, each a success with probability p (A&S 26.5.24). */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0
  if (k >= n) return 1
  return incompleteBeta(1 - p, n - Math.floor(k), Math.floor(k) + 1)
}

/** P(Z ≤ z) of a standard normal variable. */
export function normalCdf(z: number): number {
  if (z > 0) return 1 - normalCdf(-z)
  const x = -z
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
  // Far out the continued fraction of Mills' ratio (A&S 26.2.14) keeps the relative precision ...
  if (x >= 3) {
    let fraction = x
    for (let term = 200; term >= 1; term--) fraction = x + term / fraction
    return density / fraction
  }
  // ... near the middle the power series (A&S 26.2.11) converges.
  let term = x
  let sum = x
  for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
    term *= (x * x) / k
    sum += term
  }
  return 0.5 - density * sum
}

/** P(T ≤ t) of Student's t; infinitely many degrees of freedom give the normal distribution (A&S 26.7.1). */
export function studentTCdf(t: number, degreesOfFreedom: number): number {
  if (!(degreesOfFreedom > 0)) throw new RangeError(`needs degrees of freedom > 0, got ${degreesOfFreedom}`)
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return normalCdf(t)
  if (t > 0) return 1 - studentTCdf(-t, degreesOfFreedom)
  const square = t * t
  const sum = degreesOfFreedom + square
  if (sum === Number.POSITIVE_INFINITY) return 0
  // Of the two forms the one whose argument does not round to 1.
  return square < degreesOfFreedom
    ? 0.5 * (1 - incompleteBeta(square / sum, 0.5, degreesOfFreedom / 2))
    : 0.5 * incompleteBeta(degreesOfFreedom / sum, degreesOfFreedom / 2, 0.5)
}

/** Quantiles by degrees of freedom and p: a report asks for the same few, thousands of times. */
const knownQuantiles = new Map<number, Map<number, number>>()
/** Far more than any report asks for; whoever asks for more pays for it in time only. */
const maxKnownQuantiles = 1000

/** The t with P(T ≤ t) = p. */
export function studentTQuantile(p: number, degreesOfFreedom: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`a quantile needs 0 < p < 1, got ${p}`)
  const known = knownQuantiles.get(degreesOfFreedom) ?? new Map<number, number>()
  const quantile = known.get(p) ?? solveQuantile(p, degreesOfFreedom)
  if (known.size < maxKnownQuantiles && knownQuantiles.size < maxKnownQuantiles) {
    knownQuantiles.set(degreesOfFreedom, known.set(p, quantile))
  }
  return quantile
}

function solveQuantile(p: number, degreesOfFreedom: number): number {
  // Solved in the lower tail, where the distribution function keeps its relative precision.
  if (p > 0.5) return -solveQuantile(1 - p, degreesOfFreedom)
  if (p === 0.5) return 0
  let low = -1
  let high = 0
  while (studentTCdf(low, degreesOfFreedom) > p) {
    high = low
    low *= 2
  }
  while (high - low > 1e-15 * Math.max(1, -low)) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (studentTCdf(middle, degreesOfFreedom) > p) high = middle
    else low = middle
  }
  return (low + high) / 2
}

/** The z with P(Z ≤ z) = p. */
export function normalQuantile(p: number): number {
  return studentTQuantile(p, Number.POSITIVE_INFINITY)
}
