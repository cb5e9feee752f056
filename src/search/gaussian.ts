import { normalCdf } from '../stats/special.ts'

/** A normal belief about a number. */
export interface Belief {
  readonly mean: number
  readonly sd: number
}

/** Covariance of the unknown function between two inputs. */
export type Kernel<X> = (one: X, other: X) => number

export interface Sample<X> {
  readonly x: X
  readonly y: number
  /** Standard deviation of the measurement's noise. */
  readonly noise: number
}

/** What the function is like before anything is measured: a mean, and covariances to weigh. */
export interface Prior<X> {
  readonly mean: (x: X) => number
  /** Kernels that every hypothesis is a mixture of. */
  readonly kernels: readonly Kernel<X>[]
  /** For each hypothesis the variance that it gives to each kernel. */
  readonly hypotheses: readonly (readonly number[])[]
}

/**
 * The belief about the function at any input after seeing the samples: Gaussian process regression (Rasmussen &
 * Williams 2006, algorithm 2.1) under each hypothesis, averaged by how well the hypothesis foretold the samples.
 * A search has tens of samples, so the cubic cost of the Cholesky factors does not matter.
 */
export function regress<X>(samples: readonly Sample<X>[], prior: Prior<X>): (x: X) => Belief {
  const { mean, kernels, hypotheses } = prior
  const between = samples.map((a) => samples.map((b) => kernels.map((kernel) => kernel(a.x, b.x))))
  const residuals = samples.map(({ x, y }) => y - mean(x))
  const fits = weighed(
    hypotheses.map((variances) => {
      const covariance = between.map((row, i) =>
        row.map((values, j) => dot(variances, values) + (i === j ? (samples[i]?.noise ?? 0) ** 2 : 0)),
      )
      const factor = cholesky(covariance)
      const whitened = forward(factor, residuals)
      let logEvidence = 0
      for (const [i, w] of whitened.entries()) logEvidence -= (w * w) / 2 + Math.log(factor[i]?.[i] ?? 1)
      return { variances, factor, whitened, logEvidence }
    }),
  )
  return (x) => {
    const toSamples = kernels.map((kernel) => covariances(kernel, samples, x))
    const own = kernels.map((kernel) => kernel(x, x))
    let first = 0
    let second = 0
    for (const { variances, factor, whitened, share } of fits) {
      const projected = forward(factor, mixture(toSamples, variances))
      const shift = dot(projected, whitened)
      const variance = Math.max(dot(variances, own) - dot(projected, projected), 0)
      first += share * shift
      second += share * (variance + shift ** 2)
    }
    return { mean: mean(x) + first, sd: Math.sqrt(Math.max(second - first ** 2, 0)) }
  }
}

/** Posterior shares of equally likely hypotheses; one below 1 % is left out, since it hardly shows in an average. */
function weighed<F extends { readonly logEvidence: number }>(fits: readonly F[]): (F & { share: number })[] {
  const highest = Math.max(...fits.map(({ logEvidence }) => logEvidence))
  const likely = fits.filter(({ logEvidence }) => logEvidence > highest + Math.log(0.01))
  const total = likely.reduce((sum, { logEvidence }) => sum + Math.exp(logEvidence - highest), 0)
  return likely.map((fit) => ({ ...fit, share: Math.exp(fit.logEvidence - highest) / total }))
}

type Vector = ArrayLike<number>

/** A plain loop into a typed array: a search spends most of its time here. */
function covariances<X>(kernel: Kernel<X>, samples: readonly Sample<X>[], x: X): Float64Array {
  const values = new Float64Array(samples.length)
  for (let i = 0; i < samples.length; i++) values[i] = kernel((samples[i] as Sample<X>).x, x)
  return values
}

function mixture(parts: readonly Vector[], variances: readonly number[]): Float64Array {
  const sum = new Float64Array(parts[0]?.length ?? 0)
  for (const [k, part] of parts.entries()) {
    const variance = variances[k] ?? 0
    if (variance === 0) continue
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + variance * (part[i] ?? 0)
  }
  return sum
}

function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** The lower triangle L with L·Lᵀ = matrix, row by row. The matrix must be symmetric and positive definite. */
export function cholesky(matrix: readonly Vector[]): Float64Array[] {
  const factor: Float64Array[] = []
  for (const [i, row] of matrix.entries()) {
    const current = new Float64Array(i + 1)
    for (let j = 0; j <= i; j++) {
      const above = j === i ? current : (factor[j] ?? [])
      let sum = row[j] ?? 0
      for (let k = 0; k < j; k++) sum -= (current[k] ?? 0) * (above[k] ?? 0)
      // Rounding can push a pivot of nearly equal samples below 0; the floor keeps the factor finite.
      current[j] = j === i ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (above[j] ?? 1)
    }
    factor.push(current)
  }
  return factor
}

/** Solves L·v = b for a lower triangle L. */
function forward(factor: readonly Vector[], b: Vector): Float64Array {
  const v = new Float64Array(b.length)
  for (let i = 0; i < b.length; i++) {
    const row = factor[i] ?? []
    let sum = b[i] ?? 0
    for (let k = 0; k < i; k++) sum -= (row[k] ?? 0) * (v[k] ?? 0)
    v[i] = sum / (row[i] ?? 1)
  }
  return v
}

/** The mean of max(0, X − floor) for a normal X: expected improvement (Jones, Schonlau, Welch 1998, eq. 15). */
export function expectedExcess(belief: Belief, floor: number): number {
  const above = belief.mean - floor
  if (belief.sd === 0) return Math.max(0, above)
  const z = above / belief.sd
  return above * normalCdf(z) + belief.sd * normalDensity(z)
}

function normalDensity(z: number): number {
  return Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)
}
