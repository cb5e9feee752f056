import {
  type Factor,
  type Fit,
  factored,
  type Hypothesis,
  likely,
  type Sample,
  type Straying,
} from './hypotheses.ts'
import { dot, forward, type Vector } from './triangle.ts'

/** A normal belief about a number. */
export interface Belief {
  readonly mean: number
  readonly sd: number
}

/**
 * A belief made of several normal ones, with the mean and the standard deviation of the whole. The arrays are overwritten by the
 * next belief of the same regression.
 */
export interface Mixture extends Belief {
  readonly means: Float64Array
  readonly sds: Float64Array
  /** They add up to 1. */
  readonly shares: Float64Array
}

/** What is believed of a function at an input. */
export interface Regression<X> {
  (x: X): Mixture
  /** Of its value at `one` less that at `other`: in what is unknown of both alike they do not differ. */
  readonly difference: (one: X, other: X) => Mixture
}

/** Covariance of the unknown function between two inputs. */
export type Kernel<X> = (one: X, other: X) => number

/** Several at once: all that is asked of one sample is worked out from there. */
export interface Kernels<X> {
  readonly count: number
  /** Writes the covariances of `one` with `other`, one for each kernel. */
  readonly from: (one: X) => (other: X, into: Float64Array) => void
}

/**
 * The belief about the function after seeing the samples: Gaussian process regression (Rasmussen &
 * Williams 2006, algorithm 2.1) under each hypothesis, weighed by how well the hypothesis foretold the samples.
 * A search has tens of samples, so the cubic cost of the Cholesky factors does not matter.
 */
export function regress<X>(
  samples: readonly Sample<X>[],
  kernels: Kernels<X>,
  hypotheses: readonly Hypothesis<X>[],
): Regression<X> {
  const from = samples.map(({ x }) => kernels.from(x))
  const between = from.map((covariances) =>
    samples.map(({ x }) => {
      const row = new Float64Array(kernels.count)
      covariances(x, row)
      return row
    }),
  )
  const factorOf = (straying: Straying) =>
    factored(
      between.map((row, i) =>
        row.map(
          (values, j) => dot(straying.variances, values) + (i === j ? variance(samples[i], straying) : 0),
        ),
      ),
    )
  const factors = new Map(
    [...new Set(hypotheses.flatMap(({ strayings }) => strayings))].map((one) => [one, factorOf(one)]),
  )
  const groups = grouped(likely(samples, hypotheses, factors))
  const parts = groups.flatMap(({ fits }) => fits)
  const shares = Float64Array.from(parts, ({ share }) => share)
  // Hypotheses that differ in how they stray have a shape in common, which is worked out once for each input.
  const shapes = [...new Set(parts.map(({ shape }) => shape))]
  const shapeAt = new Map(shapes.map((shape, i) => [shape, i]))
  const indexed = groups.map(({ straying, factor, fits }) => ({
    variances: straying.variances,
    factor,
    fits: fits.map((fit) => ({ ...fit, at: shapeAt.get(fit.shape) ?? 0 })),
  }))
  // Room that every input uses again: a search asks for some thousand beliefs at each step.
  const means = new Float64Array(shares.length)
  const sds = new Float64Array(shares.length)
  const values = new Float64Array(shapes.length)
  const own = new Float64Array(kernels.count)
  const row = new Float64Array(kernels.count)
  const toSamples = Array.from({ length: kernels.count }, () => new Float64Array(samples.length))
  const projected = new Float64Array(samples.length)
  /** From the shapes' values, the variances in `own` and the covariances with the samples in `toSamples`. */
  const believed = (levels: 0 | 1): Mixture => {
    let part = 0
    for (const { variances, factor, fits } of indexed) {
      mixture(toSamples, variances, projected)
      forward(factor.triangle, projected, projected)
      const sd = Math.sqrt(Math.max(dot(variances, own) - dot(projected, projected), 0))
      for (const { at, level, whitened } of fits) {
        means[part] = levels * level + (values[at] ?? 0) + dot(projected, whitened)
        sds[part++] = sd
      }
    }
    return summarised(means, sds, shares)
  }
  const believedAt = (x: X): Mixture => {
    for (const [i, shape] of shapes.entries()) values[i] = shape(x)
    kernels.from(x)(x, own)
    for (const [i, covariances] of from.entries()) {
      covariances(x, row)
      for (let k = 0; k < row.length; k++) (toSamples[k] as Float64Array)[i] = row[k] ?? 0
    }
    return believed(1)
  }
  const difference = (one: X, other: X): Mixture => {
    for (const [i, shape] of shapes.entries()) values[i] = shape(one) - shape(other)
    own.fill(0)
    const pairs = [
      [one, one, 1],
      [other, other, 1],
      [one, other, -2],
    ] as const
    for (const [a, b, times] of pairs) {
      kernels.from(a)(b, row)
      for (let k = 0; k < row.length; k++) own[k] = (own[k] ?? 0) + times * (row[k] ?? 0)
    }
    for (const [i, covariances] of from.entries()) {
      for (const [x, sign] of [
        [one, 1],
        [other, -1],
      ] as const) {
        covariances(x, row)
        for (let k = 0; k < row.length; k++) {
          const toSample = toSamples[k] as Float64Array
          toSample[i] = (sign === 1 ? 0 : (toSample[i] ?? 0)) + sign * (row[k] ?? 0)
        }
      }
    }
    return believed(0)
  }
  return Object.assign(believedAt, { difference })
}

function mixture(parts: readonly Vector[], variances: readonly number[], sum: Float64Array): void {
  sum.fill(0)
  for (let k = 0; k < parts.length; k++) {
    const variance = variances[k] ?? 0
    const part = parts[k] as Vector
    if (variance !== 0)
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + variance * (part[i] ?? 0)
  }
}

function summarised(means: Float64Array, sds: Float64Array, shares: Float64Array): Mixture {
  let first = 0
  let second = 0
  for (let i = 0; i < shares.length; i++) {
    const [share, mean, sd] = [shares[i] ?? 0, means[i] ?? 0, sds[i] ?? 0]
    first += share * mean
    second += share * (sd ** 2 + mean ** 2)
  }
  return { mean: first, sd: Math.sqrt(Math.max(second - first ** 2, 0)), means, sds, shares }
}

function variance(sample: Sample<unknown> | undefined, { noise = 1 }: Straying): number {
  return (noise * (sample?.noise ?? 0)) ** 2
}

function grouped<X>(fits: readonly Fit<X>[]) {
  const groups = new Map<Straying, { straying: Straying; factor: Factor; fits: Fit<X>[] }>()
  for (const fit of fits) {
    const group = groups.get(fit.straying) ?? { straying: fit.straying, factor: fit.factor, fits: [] }
    groups.set(fit.straying, group)
    group.fits.push(fit)
  }
  return [...groups.values()]
}

/** One kernel after the other, where there is nothing to be shared between them. */
export function kernelsOf<X>(kernels: readonly Kernel<X>[]): Kernels<X> {
  return {
    count: kernels.length,
    from: (one) => (other, into) => {
      for (const [k, kernel] of kernels.entries()) into[k] = kernel(one, other)
    },
  }
}
