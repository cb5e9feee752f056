import { median, robustSdAboutZero, sumOf } from './robust.ts'
import { normalQuantile } from './special.ts'
import { findSteps, type Squares } from './step-search.ts'
import { pValueOf } from './step-test.ts'

/** A step in the level of a series. Indices count the series' values from 0. */
interface ChangePoint {
  /** Where it is most likely: the first value of the new level. */
  readonly index: number
  /** Where it lies with 95 % confidence: after `lastBefore`, and at `firstAfter` at the latest. */
  readonly lastBefore: number
  readonly firstAfter: number
  /** The probability of a step this clear, anywhere in a series without one. */
  readonly pValue: number
}

/** Values from one step to the next, and the level they lie about. */
interface Level {
  readonly start: number
  /** The first index after it. */
  readonly end: number
  readonly level: number
}

export interface Segmentation {
  /** At least one. */
  readonly levels: readonly Level[]
  /** One fewer: between each two levels. */
  readonly changePoints: readonly ChangePoint[]
}

/** With fewer values neither the noise nor its memory is known. */
export const minSeriesLength = 12

/**
 * The steps in the level of a series of noisy values: optimal partitioning (Jackson et al. 2005, IEEE Signal Processing
 * Letters 12; the exact search behind PELT, Killick et al. 2012, JASA 107) of the squared distances to the levels.
 *
 * In place of the values stand their normal scores (van der Waerden), so that neither tails nor skewness of the noise raise false
 * alarms. What a step must gain is not an information criterion but a test's critical value: the maximum over all places of the
 * two-sample statistic, whose distribution is `maximumPValue`.
 *
 * First the noise is taken to be independent. The steps found so stand if they explain the series better than noise does whose
 * neighbours resemble each other, an AR(1) process about one level. Else the long-run variance σ²(1 + ρ)/(1 − ρ) takes the place of
 * σ² (Lavielle & Moulines 2000, Journal of Time Series Analysis 21), ρ from what the steps leave, until both agree.
 * @param values in order of time; of what changes by factors, the logarithms
 */
export function segment(values: readonly number[]): Segmentation {
  const n = values.length
  if (n === 0) throw new RangeError('the steps of no values')
  if (n < minSeriesLength) return { levels: [{ start: 0, end: n, level: median(values) }], changePoints: [] }
  const { starts, variance, inflation, squares } = findSteps(normalScores(values))
  const levels = starts.map((start, index): Level => {
    const end = starts[index + 1] ?? n
    return { start, end, level: median(values.slice(start, end)) }
  })
  const changePoints = levels.slice(1).map((after, index) => {
    const before = levels[index] as Level
    return {
      index: after.start,
      ...locate(values, before, after, inflation),
      pValue: pValueOf(gainOf(index + 1, levels, squares) / (variance * inflation), n),
    }
  })
  return { levels, changePoints }
}

/**
 * Twice the log likelihood that a place may lie below the best one and still hold the step with 95 % confidence: the
 * likelihood of both sides' random walks falls short of its maximum by more with probability 1 − (1 − e^(−x/2))²
 * (Siegmund 1988, Annals of Statistics 16).
 */
const confidenceDrop = -2 * Math.log(1 - Math.sqrt(0.95))
/** By calibration: that both levels and the noise are themselves known from these values only makes up for a quarter more among 28. */
const dropOfFew = 7
/** What a value may say at most for a place, in standard deviations: one wild one does not carry the step away. */
const largestResidual = 4

/** The places between two levels that may hold the step, by the values themselves, which know sizes better than their ranks. */
function locate(
  values: readonly number[],
  before: Level,
  after: Level,
  inflation: number,
): Pick<ChangePoint, 'lastBefore' | 'firstAfter'> {
  const distances = values
    .slice(before.start, after.end)
    .map((value) => ({ before: value - before.level, after: value - after.level }))
  const own = distances.map(({ before: a, after: b }, index) =>
    Math.abs(before.start + index < after.start ? a : b),
  )
  // A step of a thousand standard deviations is as clear as can be.
  const least = Math.abs(after.level - before.level) / 1000
  const limit = largestResidual * Math.max(least, robustSdAboutZero(own))
  const sd = Math.max(least, Math.sqrt(sumOf(own, (each) => Math.min(limit, each) ** 2) / (own.length - 2)))
  const weight = (distance: number) => Math.min(largestResidual, Math.abs(distance) / sd) ** 2 / inflation
  // With each place one value more belongs to the level before.
  let distance = 0
  const places = distances.slice(0, -1).map(({ before: a, after: b }, index) => {
    distance += weight(a) - weight(b)
    return { place: before.start + index + 1, distance }
  })
  const best = Math.min(...places.map((each) => each.distance))
  const drop = confidenceDrop * (1 + dropOfFew / distances.length)
  const possible = places.filter((each) => each.distance <= best + drop).map(({ place }) => place)
  return {
    lastBefore: Math.min(after.start, ...possible) - 1,
    firstAfter: Math.max(after.start, ...possible),
  }
}

/**
 * What the step to a level gains: what is lost without it, or half of what is lost without it and the step before or after it. A few high
 * values in a row make two steps, each of which alone would seem as clear as both of them are together.
 */
function gainOf(index: number, levels: readonly Level[], squares: Squares): number {
  const lostWithin = (from: number, to: number) => {
    const [first, last] = [levels[from], levels[to]]
    if (first === undefined || last === undefined) return Number.POSITIVE_INFINITY
    const apart = sumOf(levels.slice(from, to + 1), ({ start, end }) => squares(start, end))
    return Math.max(0, squares(first.start, last.end) - apart)
  }
  return Math.min(
    lostWithin(index - 1, index),
    lostWithin(index - 1, index + 1) / 2,
    lostWithin(index - 2, index) / 2,
  )
}

/** Where each value would stand among as many of a normal distribution (Blom 1958); equal values share their mean rank. */
function normalScores(values: readonly number[]): number[] {
  const n = values.length
  const order = Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number))
  const scores = new Array<number>(n)
  for (let first = 0; first < n; ) {
    let next = first + 1
    while (next < n && values[order[next] as number] === values[order[first] as number]) next++
    const score = normalQuantile(((first + 1 + next) / 2 - 0.375) / (n + 0.25))
    for (; first < next; first++) scores[order[first] as number] = score
  }
  return scores
}
