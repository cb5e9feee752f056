import type { HistoryPoint } from '../domain/measurements.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { Trend, TrendOfSeries } from '../domain/result.ts'
import { minSeriesLength, type Segmentation, segment } from '../stats/change-points.ts'
import { benjaminiHochberg } from '../stats/false-discovery.ts'
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
 * The steps in the level of every series. A series begins anew at an accepted step: what was before is no measure any more.
 * @param since the steps after this commit alone; all where it is null, or unknown to the series
 */
export function examineSeries(history: readonly HistoryPoint[], since: string | null): ExaminedSeries[] {
  return [...seriesIn(history).values()].flatMap((whole) => {
    const { metric } = whole[0]
    // A metric of a newer version cannot be told from a wrong one: it is nobody's trend here.
    return isMetric(metric) ? [examine(sinceAccepted(whole), metric, since)] : []
  })
}

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(metrics, name)
}

function sinceAccepted(series: Series): Series {
  return series.slice(
    Math.max(
      0,
      series.findLastIndex(({ accepted }) => accepted !== undefined),
    ),
  ) as unknown as Series
}

function examine(series: Series, metric: MetricName, since: string | null): ExaminedSeries {
  const segmentation = segment(series.map(({ value }) => Math.log(value)))
  const start =
    since === null
      ? 0
      : Math.max(
          0,
          series.findLastIndex(({ commit }) => commit === since),
        )
  const { levels } = segmentation
  const first = levels.find(({ end }) => end > start) ?? levels[0]
  const last = levels.at(-1)
  const shifts = shiftsAfter(start, series, segmentation)
  return {
    series,
    metric,
    pValue: Math.min(1, ...shifts.map(({ pValue }) => pValue)),
    trend: {
      model: series[0].model,
      load: series[0].load,
      metric,
      changeRatio: Math.exp((last?.level ?? 0) - (first?.level ?? 0)),
      shifts,
      points: series.map(({ commit, createdAt, value }) => ({ commit, createdAt, value })),
      levels: levels.map(({ start: from, end, level }) => ({ start: from, end, value: Math.exp(level) })),
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
