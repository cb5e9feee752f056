import { cholesky, dot, forward, type Triangle, type Vector } from './triangle.ts'

export interface Sample<X> {
  readonly x: X
  readonly y: number
  /** Standard deviation of the measurement's noise. */
  readonly noise: number
}

/** How the function strays from its mean. One object where hypotheses stray alike, which saves time. */
export interface Straying {
  /** The variance of each kernel; those that are left out have none. */
  readonly variances: readonly number[]
  /** The measurements' noise as a multiple of what they say; 1 where left out. */
  readonly noise?: number
}

/** What the function may be like before anything is measured: a mean, and ways to stray from it. */
export interface Hypothesis<X> {
  /** Up to a constant: the mean is shifted to the samples' level, since only what it says of differences is meant. */
  readonly shape: (x: X) => number
  /** Equally likely ones. */
  readonly strayings: readonly Straying[]
  /** How likely it is, in all its ways, against the other hypotheses before anything was measured. */
  readonly prior: number
  /** Kept in mind however badly it foretells: what is unlike every other hypothesis shows only where it is looked for. */
  readonly doubt?: boolean
}

/**
 * What the doubts share however well the others foretell. On made-up landscapes a tenth and a quarter did alike, none at
 * all left twice as many answers below 85 % of the optimum.
 */
const doubtShare = 0.2
/** A mixture of so many is as good as one of all thousands, and an input's belief costs as much as it has parts. */
const mostParts = 32

/** How the samples vary together under one straying. */
export interface Factor {
  readonly triangle: Triangle
  /** Half the logarithm of the determinant. */
  readonly halfLog: number
}

export function factored(matrix: readonly Vector[]): Factor {
  const triangle = cholesky(matrix)
  return { triangle, halfLog: triangle.reduce((sum, row, i) => sum + Math.log(row[i] ?? 1), 0) }
}

/** A hypothesis in one of its ways, believed in as far as `share`. */
export interface Fit<X> {
  readonly shape: (x: X) => number
  readonly straying: Straying
  readonly factor: Factor
  readonly share: number
  readonly level: number
  /** The samples' residuals, decorrelated. */
  readonly whitened: Float64Array
}

/** The hypotheses with their posterior shares, and what the doubts have for themselves. */
export function likely<X>(
  samples: readonly Sample<X>[],
  hypotheses: readonly Hypothesis<X>[],
  factors: ReadonlyMap<Straying, Factor>,
): Fit<X>[] {
  const residuals = new Float64Array(samples.length)
  const whitened = new Float64Array(samples.length)
  const ways = hypotheses.reduce((sum, { strayings }) => sum + strayings.length, 0)
  const logEvidence = new Float64Array(ways)
  const hypothesisOf = new Int32Array(ways)
  let way = 0
  for (const [i, { shape, strayings, prior }] of hypotheses.entries()) {
    residualsOf(samples, shape, residuals)
    for (const straying of strayings) {
      const { triangle, halfLog } = factors.get(straying) as Factor
      forward(triangle, residuals, whitened)
      logEvidence[way] = Math.log(prior / strayings.length) - dot(whitened, whitened) / 2 - halfLog
      hypothesisOf[way++] = i
    }
  }
  const isDoubt = (at: number): boolean => hypotheses[hypothesisOf[at] ?? 0]?.doubt === true
  const hasDoubts = hypotheses.some(({ doubt }) => doubt)
  const picked = hasDoubts
    ? [...sampled(logEvidence, 1 - doubtShare), ...sampled(logEvidence, doubtShare, isDoubt)]
    : sampled(logEvidence, 1)
  return picked.map(({ at, share }) => {
    const i = hypothesisOf[at] ?? 0
    const { shape, strayings } = hypotheses[i] as Hypothesis<X>
    const straying = strayings[at - hypothesisOf.indexOf(i)] as Straying
    const factor = factors.get(straying) as Factor
    const level = residualsOf(samples, shape, residuals)
    const decorrelated = forward(factor.triangle, residuals, new Float64Array(samples.length))
    return { shape, straying, factor, share, level, whitened: decorrelated }
  })
}

/** What the samples have above a shape at their mean level, which is returned. */
function residualsOf<X>(
  samples: readonly Sample<X>[],
  shape: (x: X) => number,
  residuals: Float64Array,
): number {
  let level = 0
  for (const [i, { x, y }] of samples.entries()) {
    const above = y - shape(x)
    residuals[i] = above
    level += above / samples.length
  }
  for (let i = 0; i < residuals.length; i++) residuals[i] = (residuals[i] ?? 0) - level
  return level
}

/** A systematic sample: of each as many parts as its share is worth, so that many small ones are stood for by a few. */
function sampled(
  logEvidence: Float64Array,
  whole: number,
  counts: (at: number) => boolean = () => true,
): { readonly at: number; readonly share: number }[] {
  const highest = logEvidence.reduce((most, log, at) => (counts(at) ? Math.max(most, log) : most), -Infinity)
  const weights = logEvidence.map((log, at) => (counts(at) ? Math.exp(log - highest) : 0))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const picked: { at: number; share: number }[] = []
  let sum = 0
  let taken = 0
  for (let at = 0; at < weights.length; at++) {
    sum += (weights[at] ?? 0) / total
    const upTo = Math.floor(sum * mostParts + 0.5)
    if (upTo > taken) picked.push({ at, share: (whole * (upTo - taken)) / mostParts })
    taken = upTo
  }
  return picked
}
