import type { HistoryPoint } from '../domain/measurements.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { Trend, TrendOfSeries } from '../domain/result.ts'
import { minSeriesLength, type Segmentation, segment } from '../stats/change-points.ts'
import { benjaminiHochberg } from '../stats/false-discovery.ts'
import { sumOf } from '../stats/robust.ts'
import { type Series, seriesIn } from './series.ts'
import { shareOfWorse, worseLog } from './worse.ts'

/** Of the series that a report calls crept, a share of this at most has not. */
const falseDiscoveries = 0.05
/** Creep below 1 % is a fifth of the default tolerance: nobody acts on it. */
const minCreep = 0.01
/** More than a person reads, and 200 points each are a megabyte. */
const maxListed = 50

/** One series with the steps in its level. */
export interface ExaminedSeries {
  readonly series: Series
  readonly metric: MetricName
  /** Since the given commit, else over the whole window. */
  readonly trend: TrendOfSeries
  /** The probability that a series without any step shows one as clear; 1 where none is seen. */
  readonly pValue: number
}

/**
 * The steps in the level of every series. A series begins anew at an accepted step: what was before is no measure any more, but for
 * what crept between `since` and that step, which nobody accepted.
 * @param since the steps after this commit alone; all where it is null, or unknown to the series
 */
export function examineSeries(history: readonly HistoryPoint[], since: string | null): ExaminedSeries[] {
  return [...seriesIn(history).values()].flatMap((whole) => {
    const { metric } = whole[0]
    // A metric of a newer version cannot be told from a wrong one: it is nobody's trend here.
    return isMetric(metric) ? [examine(whole, metric, since)] : []
  })
}

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(metrics, name)
}

/** The parts between accepted steps: the newest alone, or from the one on that holds the run at `since`. */
function partsOf(whole: Series, since: number): Series[] {
  const cuts = whole.flatMap(({ accepted }, index) => (accepted === undefined || index === 0 ? [] : [index]))
  const starts = [0, ...cuts]
  const first = since < 0 ? starts.length - 1 : starts.findLastIndex((start) => start <= since)
  return starts.map((start, part) => whole.slice(start, starts[part + 1]) as unknown as Series).slice(first)
}

function examine(whole: Series, metric: MetricName, since: string | null): ExaminedSeries {
  const at = since === null ? -1 : whole.findLastIndex(({ commit }) => commit === since)
  const parts = partsOf(whole, at)
  const series = parts.flat() as unknown as Series
  let offset = 0
  const examined = parts.map((part, index) => {
    const segmentation = segment(part.map(({ value }) => Math.log(value)))
    const start = index === 0 && at >= 0 ? at - (whole.length - series.length) : 0
    const { levels } = segmentation
    const first = levels.find(({ end }) => end > start) ?? levels[0]
    const before = offset
    offset += part.length
    return {
      change: (levels.at(-1)?.level ?? 0) - (first?.level ?? 0),
      shifts: shiftsAfter(start, part, segmentation),
      levels: levels.map(({ start: from, end, level }) => ({
        start: before + from,
        end: before + end,
        value: Math.exp(level),
      })),
    }
  })
  const shifts = examined.flatMap((part) => part.shifts)
  return {
    series,
    metric,
    // Each part had a chance of its own.
    pValue: Math.min(1, parts.length * Math.min(1, ...shifts.map(({ pValue }) => pValue))),
    trend: {
      model: series[0].model,
      load: series[0].load,
      metric,
      changeRatio: Math.exp(sumOf(examined, ({ change }) => change)),
      shifts,
      points: series.map(({ commit, createdAt, value }) => ({ commit, createdAt, value })),
      levels: examined.flatMap(({ levels }) => levels),
    },
  }
}

function shiftsAfter(
  start: number,
  series: Series,
  { levels, changePoints }: Segmentation,
): TrendOfSeries['shifts'] {
  const run = (index: number) => {
    const { commit, createdAt } = series[index] ?? series[0]
    return { commit, createdAt }
  }
  return changePoints.flatMap(({ index, lastBefore, firstAfter, pValue }, order) =>
    index <= start
      ? []
      : [
          {
            lastBefore: run(lastBefore),
            firstAfter: run(firstAfter),
            changeRatio: Math.exp((levels[order + 1]?.level ?? 0) - (levels[order]?.level ?? 0)),
            pValue,
          },
        ],
  )
}

/**
 * What no single comparison sees: series whose level has become worse in the main branch's own history, each step too small
 * or too slow to fail. Null where there is no history long enough.
 */
export function trendOf(history: readonly HistoryPoint[], since: string | null): Trend | null {
  const all = examineSeries(history, since)
  const long = all.filter(({ series }) => series.length >= minSeriesLength)
  const newest = history.at(-1)
  if (long.length === 0 || newest === undefined) return null
  const adjusted = benjaminiHochberg(long.map(({ pValue }) => pValue))
  const crept = long
    .filter(
      ({ metric, trend }, index) =>
        (adjusted[index] ?? 1) <= falseDiscoveries && creep(metric, trend) >= minCreep,
    )
    .sort((a, b) => creep(b.metric, b.trend) - creep(a.metric, a.trend))
    .map(({ trend }) => trend)
  const known = since !== null && history.some(({ commit }) => commit === since)
  return {
    since: known ? since : null,
    until: { commit: newest.commit, createdAt: newest.createdAt },
    series: long.length,
    tooShort: all.length - long.length,
    crept: crept.slice(0, maxListed),
    notListed: Math.max(0, crept.length - maxListed),
  }
}

/** The change for the worse as a share; 0 for the better. */
function creep(metric: MetricName, { changeRatio }: TrendOfSeries): number {
  const worse = worseLog(metric, Math.log(changeRatio))
  return worse <= 0 ? 0 : shareOfWorse(metric, worse)
}
