import { type Fit, factored, type Hypothesis, likely, type Sample, type Straying } from './hypotheses.ts'
import { dot, forward, type Triangle, type Vector } from './triangle.ts'

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

/** Covariance of the unknown function between two inputs. */
export type Kernel<X> = (one: X, other: X) => number

/** Writes the covariances of one input with `other`, one for each kernel. */
type Covariances<X> = (other: X, into: Float64Array) => void

/** Several at once: all that is asked of one input is worked out from there. */
export interface Kernels<X> {
  readonly count: number
  readonly from: (one: X) => Covariances<X>
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
  const strayings = new Set(hypotheses.flatMap((each) => each.strayings))
  const factors = new Map([...strayings].map((one) => [one, factorOf(one)]))
  return new Regression(kernels, from, likely(samples, hypotheses, factors))
}

/** What is believed of a function, at any input. */
export class Regression<X> {
  readonly #kernels: Kernels<X>
  /** The covariances of each sample with an input. */
  readonly #from: readonly Covariances<X>[]
  readonly #groups: readonly Group[]
  readonly #shares: Float64Array
  /** Hypotheses that differ in how they stray have a shape in common, which is worked out once for each input. */
  readonly #shapes: readonly ((x: X) => number)[]
  readonly #room: Room

  constructor(kernels: Kernels<X>, from: readonly Covariances<X>[], fits: readonly Fit<X>[]) {
    const shapes = [...new Set(fits.map(({ shape }) => shape))]
    const groups = grouped(fits, shapes)
    this.#kernels = kernels
    this.#from = from
    this.#groups = groups
    this.#shares = Float64Array.from(groups.flatMap(({ parts }) => parts.map(({ share }) => share)))
    this.#shapes = shapes
    this.#room = makeRoom(fits.length, shapes.length, kernels.count, from.length)
  }

  /** Of its value at an input. */
  at(x: X): Mixture {
    const { values, own, row, toSamples } = this.#room
    for (const [i, shape] of this.#shapes.entries()) values[i] = shape(x)
    this.#kernels.from(x)(x, own)
    for (const [i, covariances] of this.#from.entries()) {
      covariances(x, row)
      for (let k = 0; k < row.length; k++) (toSamples[k] as Float64Array)[i] = row[k] ?? 0
    }
    return this.#believed(1)
  }

  /** Of its value at `one` less that at `other`: in what is unknown of both alike they do not differ. */
  difference(one: X, other: X): Mixture {
    const { values, own, row, otherRow, toSamples } = this.#room
    for (const [i, shape] of this.#shapes.entries()) values[i] = shape(one) - shape(other)
    const fromOne = this.#kernels.from(one)
    fromOne(one, own)
    fromOne(other, row)
    this.#kernels.from(other)(other, otherRow)
    for (let k = 0; k < own.length; k++) own[k] = (own[k] ?? 0) + (otherRow[k] ?? 0) - 2 * (row[k] ?? 0)
    for (const [i, covariances] of this.#from.entries()) {
      covariances(one, row)
      covariances(other, otherRow)
      for (let k = 0; k < row.length; k++) {
        const toSample = toSamples[k] as Float64Array
        toSample[i] = (row[k] ?? 0) - (otherRow[k] ?? 0)
      }
    }
    return this.#believed(0)
  }

  /** From the shapes' values, the variances in `own` and the covariances with the samples in `toSamples`. */
  #believed(levels: 0 | 1): Mixture {
    const { means, sds, values, own, toSamples, projected } = this.#room
    let at = 0
    for (const { variances, triangle, parts } of this.#groups) {
      mixture(toSamples, variances, projected)
      forward(triangle, projected, projected)
      const sd = Math.sqrt(Math.max(dot(variances, own) - dot(projected, projected), 0))
      for (const { shapeAt, level, whitened } of parts) {
        means[at] = levels * level + (values[shapeAt] ?? 0) + dot(projected, whitened)
        sds[at++] = sd
      }
    }
    return summarised(means, sds, this.#shares)
  }
}

/** What every input uses again: a search asks for some thousand beliefs at each step. */
function makeRoom(parts: number, shapes: number, kernels: number, samples: number) {
  return {
    means: new Float64Array(parts),
    sds: new Float64Array(parts),
    values: new Float64Array(shapes),
    own: new Float64Array(kernels),
    row: new Float64Array(kernels),
    otherRow: new Float64Array(kernels),
    toSamples: Array.from({ length: kernels }, () => new Float64Array(samples)),
    projected: new Float64Array(samples),
  }
}

type Room = ReturnType<typeof makeRoom>

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

/** Hypotheses that stray alike, and so have the covariances in common. */
interface Group {
  readonly variances: readonly number[]
  readonly triangle: Triangle
  readonly parts: readonly Part[]
}

interface Part extends Pick<Fit<unknown>, 'share' | 'level' | 'whitened'> {
  /** The place of its shape among all. */
  readonly shapeAt: number
}

function grouped<X>(fits: readonly Fit<X>[], shapes: readonly Fit<X>['shape'][]): Group[] {
  const groups = new Map<Straying, Group & { readonly parts: Part[] }>()
  for (const { straying, factor, shape, share, level, whitened } of fits) {
    const { variances } = straying
    const group = groups.get(straying) ?? { variances, triangle: factor.triangle, parts: [] }
    groups.set(straying, group)
    group.parts.push({ share, level, whitened, shapeAt: shapes.indexOf(shape) })
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
