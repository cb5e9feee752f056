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

/** What the function may be like before anything is measured: a mean, and how it strays from that. */
export interface Hypothesis<X> {
  readonly mean: (x: X) => number
  /** The variance that it gives to each kernel; the same array where hypotheses stray alike, which saves time. */
  readonly variances: readonly number[]
  /** Kept in mind however badly it foretells: what is unlike every other hypothesis shows only where it is looked for. */
  readonly doubt?: boolean
}

/**
 * What the doubts share however well the others foretell. On made-up landscapes a tenth and a quarter did alike, none at
 * all left twice as many answers below 85 % of the optimum.
 */
const doubtShare = 0.2

/**
 * The belief about the function at any input after seeing the samples: Gaussian process regression (Rasmussen &
 * Williams 2006, algorithm 2.1) under each hypothesis, averaged by how well the hypothesis foretold the samples.
 * A search has tens of samples, so the cubic cost of the Cholesky factors does not matter.
 */
export function regress<X>(
  samples: readonly Sample<X>[],
  kernels: readonly Kernel<X>[],
  hypotheses: readonly Hypothesis<X>[],
): (x: X) => Belief {
  const between = samples.map((a) => samples.map((b) => kernels.map((kernel) => kernel(a.x, b.x))))
  const factors = new Map(
    [...new Set(hypotheses.map(({ variances }) => variances))].map((variances) => [
      variances,
      cholesky(
        between.map((row, i) =>
          row.map((values, j) => dot(variances, values) + (i === j ? (samples[i]?.noise ?? 0) ** 2 : 0)),
        ),
      ),
    ]),
  )
  const fits = weighed(
    hypotheses.map((hypothesis) => {
      const factor = factors.get(hypothesis.variances) ?? []
      const whitened = forward(
        factor,
        samples.map(({ x, y }) => y - hypothesis.mean(x)),
        new Float64Array(samples.length),
      )
      let logEvidence = 0
      for (const [i, w] of whitened.entries()) logEvidence -= (w * w) / 2 + Math.log(factor[i]?.[i] ?? 1)
      return { ...hypothesis, whitened, logEvidence }
    }),
  )
  const groups = grouped(fits)
  // Hypotheses that differ in how they stray have a mean in common, which is worked out once for each input.
  const means = [...new Set(fits.map(({ mean }) => mean))]
  const indexed = groups.map(([variances, group]) => ({
    variances,
    group: group.map(({ mean, whitened, share }) => ({ at: means.indexOf(mean), whitened, share })),
  }))
  // Room that every input uses again: a search asks for some thousand beliefs at each step.
  const values = new Float64Array(means.length)
  const own = new Float64Array(kernels.length)
  const toSamples = kernels.map(() => new Float64Array(samples.length))
  const projected = new Float64Array(samples.length)
  return (x) => {
    for (let i = 0; i < means.length; i++) values[i] = (means[i] as Hypothesis<X>['mean'])(x)
    for (let k = 0; k < kernels.length; k++) {
      const kernel = kernels[k] as Kernel<X>
      own[k] = kernel(x, x)
      const row = toSamples[k] as Float64Array
      for (let i = 0; i < samples.length; i++) row[i] = kernel((samples[i] as Sample<X>).x, x)
    }
    let first = 0
    let second = 0
    for (const { variances, group } of indexed) {
      mixture(toSamples, variances, projected)
      forward(factors.get(variances) ?? [], projected, projected)
      const variance = Math.max(dot(variances, own) - dot(projected, projected), 0)
      for (const { at, whitened, share } of group) {
        const value = (values[at] ?? 0) + dot(projected, whitened)
        first += share * value
        second += share * (variance + value ** 2)
      }
    }
    return { mean: first, sd: Math.sqrt(Math.max(second - first ** 2, 0)) }
  }
}

function grouped<F extends { readonly variances: readonly number[] }>(fits: readonly F[]) {
  const groups = new Map<readonly number[], F[]>()
  for (const fit of fits) groups.set(fit.variances, [...(groups.get(fit.variances) ?? []), fit])
  return [...groups]
}

interface Fit {
  readonly logEvidence: number
  readonly doubt?: boolean
}

/** Posterior shares of hypotheses that were equally likely before, and what the doubts have for themselves. */
function weighed<F extends Fit>(fits: readonly F[]): (F & { share: number })[] {
  const doubts = fits.filter(({ doubt }) => doubt === true)
  if (doubts.length === 0) return shared(fits, 1)
  return [...shared(fits, 1 - doubtShare), ...shared(doubts, doubtShare)]
}

/** One below 1 % is left out, since it hardly shows in an average. */
function shared<F extends Fit>(fits: readonly F[], whole: number): (F & { share: number })[] {
  const highest = Math.max(...fits.map(({ logEvidence }) => logEvidence))
  const likely = fits.filter(({ logEvidence }) => logEvidence > highest + Math.log(0.01))
  const total = likely.reduce((sum, { logEvidence }) => sum + Math.exp(logEvidence - highest), 0)
  return likely.map((fit) => ({ ...fit, share: (whole * Math.exp(fit.logEvidence - highest)) / total }))
}

type Vector = ArrayLike<number>

function mixture(parts: readonly Vector[], variances: readonly number[], sum: Float64Array): void {
  sum.fill(0)
  for (let k = 0; k < parts.length; k++) {
    const variance = variances[k] ?? 0
    const part = parts[k] as Vector
    if (variance !== 0)
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + variance * (part[i] ?? 0)
  }
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

/** Solves L·v = b for a lower triangle L, into `v`, which may be b itself. */
function forward(factor: readonly Vector[], b: Vector, v: Float64Array): Float64Array {
  for (let i = 0; i < b.length; i++) {
    const row = factor[i] as Vector
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
