import type { HistoryPoint } from '../domain/measurements.ts'
import { segment } from '../stats/change-points.ts'
import { mean, robustSdAboutZero } from '../stats/robust.ts'

/** One model's metric at one load, in the words of the history. */
export type SeriesName = Pick<HistoryPoint, 'model' | 'load' | 'metric'>

/** The points of one series, oldest first. */
export type Series = readonly [HistoryPoint, ...HistoryPoint[]]

/** Fewer points than ten give no spread worth trusting (nine steps from commit to commit). */
export const minHistoryPoints = 10

/**
 * Runs up to this many apart tell how far two runs lie apart. More pairs than neighbours alone give, so that the spread is known
 * better: with ten runs of skewed noise a report of 30 unchanged comparisons fails in 1.7 % of the runs in place of 2.7 %.
 */
const maxLag = 3

/**
 * A median of few differences is often far too small, and the false alarms come from there: it is widened, as scales of
 * small samples are (Croux & Rousseeuw 1992, COMPSTAT). By calibration: it takes that 1.7 % below 1 % (docs/statistics.md).
 */
const smallSample = (runs: number) => 1 + 2 / runs

const known = new WeakMap<readonly HistoryPoint[], ReadonlyMap<string, Series>>()

/** The history by series, in the order of their first points. A history is taken apart once: reports have thousands of rows. */
export function seriesIn(history: readonly HistoryPoint[]): ReadonlyMap<string, Series> {
  const before = known.get(history)
  if (before !== undefined) return before
  const series = new Map<string, [HistoryPoint, ...HistoryPoint[]]>()
  for (const point of history) {
    const key = seriesKey(point)
    const points = series.get(key)
    if (points === undefined) series.set(key, [point])
    else points.push(point)
  }
  known.set(history, series)
  return series
}

export function seriesKey({ model, load, metric }: SeriesName): string {
  return JSON.stringify([model, load, metric])
}

/** What the history says of how far two runs of the same thing lie apart. */
export interface RunSpread {
  /** Standard deviation of the log ratio of two runs. */
  readonly sd: number
  /** Runs that it was learnt from. */
  readonly runs: number
}

const spreads = new WeakMap<Series, RunSpread | null>()

/**
 * The spread from run to run, by the differences of runs that are near each other (robust: a wild run hardly moves it). Steps that a
 * review accepted, and those in which the level is seen to change, are changes and no noise: differences across them are left out,
 * and where enough runs came after the last of them, so is all that was before. Null of fewer than ten runs,
 * or where a change lies between any two of them.
 */
export function runSpread(series: Series): RunSpread | null {
  const before = spreads.get(series)
  if (before !== undefined) return before
  const spread = learn(series)
  spreads.set(series, spread)
  return spread
}

/** Where the level changes: at accepted steps, and where the history shows it. */
function cutsIn(series: Series, logs: readonly number[]): ReadonlySet<number> {
  return new Set([
    ...series.flatMap(({ accepted }, index) => (accepted === undefined ? [] : [index])),
    ...segment(logs).changePoints.map(({ index }) => index),
  ])
}

/** The level that the runs since the last change lie about, on the log scale, and how far. */
export interface CurrentLevel {
  readonly level: number
  /** Standard deviation of one run about it. */
  readonly sd: number
  readonly runs: number
}

/** Null of fewer than ten runs since the last change. */
export function currentLevel(series: Series): CurrentLevel | null {
  const logs = series.map(({ value }) => Math.log(value))
  const since = logs.slice(Math.max(0, ...cutsIn(series, logs)))
  if (since.length < minHistoryPoints) return null
  const level = mean(since)
  // About the level, so that runs which resemble their neighbours do not look quiet.
  return { level, sd: robustSdAboutZero(since.map((log) => log - level)), runs: since.length }
}

function learn(series: Series): RunSpread | null {
  if (series.length < minHistoryPoints) return null
  const logs = series.map(({ value }) => Math.log(value))
  const cuts = cutsIn(series, logs)
  const last = Math.max(0, ...cuts)
  const start = series.length - last >= minHistoryPoints ? last : 0
  const differences = logs.slice(start).flatMap((log, index) => {
    const later = logs.slice(start + index + 1, start + index + 1 + maxLag)
    const cut = later.findIndex((_, lag) => cuts.has(start + index + 1 + lag))
    return (cut < 0 ? later : later.slice(0, cut)).map((other) => other - log)
  })
  if (differences.length === 0) return null
  const runs = series.length - start
  return { sd: smallSample(runs) * robustSdAboutZero(differences), runs }
}
