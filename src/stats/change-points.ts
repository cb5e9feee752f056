import { mean, median, robustSdAboutZero } from './robust.ts'
import { normalCdf, normalQuantile, studentTCdf, studentTQuantile } from './special.ts'

/** A step in the level of a series. Indices count the series' values from 0. */
interface ChangePoint {
  /** Where it is most likely: the first value of the new level. */
  readonly index: number
  /** Where it lies with 95 % confidence: after `lastBefore`, and at `firstAfter` at the latest. */
  readonly lastBefore: number
  readonly firstAfter: number
  /** The probability of a step this clear, anywhere between its neighbours, in a series without one. */
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
 * A level lasts at least this long: one wild value, or two, are no new level. What shows in fewer commits is large, and the
 * comparison of a single commit sees it.
 */
const minLength = 4

/**
 * The probability that a step is seen in a series of independent values without one: what leaves one false step in ten series
 * of 200 at most, and finds five percent at three percent of noise within eight values nine times in ten (docs/history.md).
 */
const falseAlarm = 0.055

/**
 * The steps in the level of a series of noisy values: optimal partitioning (Jackson et al. 2005, IEEE Signal Processing
 * Letters 12; the exact search behind PELT, Killick et al. 2012, JASA 107) of the squared distances to the levels.
 *
 * In place of the values stand their normal scores (van der Waerden), so that neither tails nor skewness of the noise raise false
 * alarms. What a step must gain is not an information criterion but a test's critical value: the maximum over all places of the
 * two-sample statistic, whose distribution is `maximumPValue`. The noise comes from differences of neighbours, so steps and
 * slow ramps hardly enter it. Where these show that neighbours resemble each other (ρ of an AR(1) process from the ratio of lag 2
 * to lag 1: Chakar et al. 2017, Bernoulli 23), the long-run variance σ²(1 + ρ)/(1 − ρ) takes the place of σ² (Lavielle &
 * Moulines 2000, Journal of Time Series Analysis 21).
 * @param values in order of time; of what changes by factors, the logarithms
 */
export function segment(values: readonly number[]): Segmentation {
  const n = values.length
  if (n === 0) throw new RangeError('the steps of no values')
  if (n < minSeriesLength) return { levels: [{ start: 0, end: n, level: median(values) }], changePoints: [] }
  const scores = normalScores(values)
  const noise = noiseOf(scores)
  const costs = costOf(scores, noise.variance * noise.inflation)
  const starts = partition(n, costs, criticalGain(n))
  const levels = starts.map((start, index): Level => {
    const end = starts[index + 1] ?? n
    return { start, end, level: median(values.slice(start, end)) }
  })
  const changePoints = levels.slice(1).map((after, index) => {
    const before = levels[index] as Level
    return {
      index: after.start,
      ...locate(values, before, after, noise.inflation),
      pValue: pValueOf(costs, before, after, n),
    }
  })
  return { levels, changePoints }
}

/** The squared distances of values from `start` to before `end` to their mean, in units of the long-run variance. */
type Cost = (start: number, end: number) => number

function costOf(values: readonly number[], variance: number): Cost {
  const sums = new Float64Array(values.length + 1)
  const squares = new Float64Array(values.length + 1)
  for (const [index, value] of values.entries()) {
    sums[index + 1] = (sums[index] as number) + value
    squares[index + 1] = (squares[index] as number) + value ** 2
  }
  return (start, end) => {
    const sum = (sums[end] as number) - (sums[start] as number)
    return ((squares[end] as number) - (squares[start] as number) - sum ** 2 / (end - start)) / variance
  }
}

/** The first indices of the levels, the first of them 0, whose costs and gains to be paid add up to least. */
function partition(n: number, cost: Cost, gain: number): number[] {
  const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY)
  const starts = new Int32Array(n + 1)
  least[0] = -gain
  for (let end = minLength; end <= n; end++) {
    for (let start = 0; start <= end - minLength; start++) {
      const total = (least[start] as number) + cost(start, end) + gain
      if (total < (least[end] as number)) {
        least[end] = total
        starts[end] = start
      }
    }
  }
  const found: number[] = []
  for (let end = n; end > 0; end = starts[end] as number) found.unshift(starts[end] as number)
  return found
}

/**
 * Twice the log likelihood that a place may lie below the best one and still hold the step with 95 % confidence: the
 * likelihood of both sides' random walks falls short of its maximum by more with probability 1 − (1 − e^(−x/2))²
 * (Siegmund 1988, Annals of Statistics 16).
 */
const confidenceDrop = -2 * Math.log(1 - Math.sqrt(0.95))
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
  const own = distances.map(({ before: a, after: b }, index) => (before.start + index < after.start ? a : b))
  // A step of a thousand standard deviations is as clear as can be.
  const sd = Math.max(Math.abs(after.level - before.level) / 1000, robustSdAboutZero(own))
  const weight = (distance: number) => Math.min(largestResidual, Math.abs(distance) / sd) ** 2 / inflation
  // With each place one value more belongs to the level before.
  let distance = 0
  const places = distances.slice(0, -1).map(({ before: a, after: b }, index) => {
    distance += weight(a) - weight(b)
    return { place: before.start + index + 1, distance }
  })
  const best = Math.min(...places.map((each) => each.distance))
  const possible = places.filter((each) => each.distance <= best + confidenceDrop).map(({ place }) => place)
  return {
    lastBefore: Math.min(after.start, ...possible) - 1,
    firstAfter: Math.max(after.start, ...possible),
  }
}

/** How clear the step between two levels is, given its neighbours. */
function pValueOf(cost: Cost, before: Level, after: Level, n: number): number {
  const gain = cost(before.start, after.end) - cost(before.start, before.end) - cost(after.start, after.end)
  const z = -normalQuantile(Math.max(1e-300, studentTCdf(-Math.sqrt(Math.max(0, gain)), degreesOfFreedom(n))))
  return z <= 0 ? 1 : maximumPValue(z, after.end - before.start)
}

/** Of a variance from differences of neighbours, about two thirds of what the values give (von Neumann 1941). */
function degreesOfFreedom(n: number): number {
  return (2 / 3) * (n - 1)
}

const gains = new Map<number, number>()

/** What a step must gain in a series of n values: the square of the t that is exceeded with probability `falseAlarm`. */
function criticalGain(n: number): number {
  const known = gains.get(n)
  if (known !== undefined) return known
  let [low, high] = [1, 8]
  while (high - low > 1e-6) {
    const middle = (low + high) / 2
    if (maximumPValue(middle, n) > falseAlarm) low = middle
    else high = middle
  }
  const t = -studentTQuantile(normalCdf(-high), degreesOfFreedom(n))
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

/** A tenth of the scores' own: a series without noise, such as memory in whole pages, is not known any better. */
const minSd = 0.1
/** Beyond this a series cannot be told from a level that moves all the time. */
const maxRho = 0.9
/**
 * Errors of ρ in units of its standard deviation: one that chance explains counts as none, else hardly any real step would be seen;
 * one beyond that is rather larger, since the variance grows faster above ρ than it falls below.
 */
const rhoErrors = { ignored: 1.75, added: 0.5 } as const

/** Differences beyond so many standard deviations are left out: steps would pass for noise with a memory. */
const largestDifference = 3

/**
 * σ², and (1 + ρ)/(1 − ρ), by which the variance of a mean of many values is larger than of independent ones: from the mean squares of
 * differences at lag 1, 2σ²(1 − ρ), and at lag 2, 2σ²(1 − ρ²).
 */
function noiseOf(values: readonly number[]): { readonly variance: number; readonly inflation: number } {
  const meanSquare = (lag: number) => {
    const differences = values.slice(lag).map((value, index) => value - (values[index] as number))
    const limit = largestDifference * Math.max(minSd * Math.SQRT2, robustSdAboutZero(differences))
    return mean(differences.filter((each) => Math.abs(each) <= limit).map((each) => each ** 2))
  }
  const [one, two] = [meanSquare(1), meanSquare(2)]
  const error = 1 / Math.sqrt(values.length)
  const seen = one === 0 ? 0 : two / one - 1
  const rho = seen < rhoErrors.ignored * error ? 0 : Math.min(maxRho, seen + rhoErrors.added * error)
  return { variance: Math.max(minSd ** 2, one / 2 / (1 - rho)), inflation: (1 + rho) / (1 - rho) }
}
