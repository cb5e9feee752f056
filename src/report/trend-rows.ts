import { loadKeyLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Result, Trend, TrendOfSeries } from '../domain/result.ts'
import { changeInWords, countInWords } from '../domain/words.ts'
import { formatDate, formatMetric } from './format.ts'
import type { Table, TableRow } from './table.ts'
import { shortCommit } from './verdict-rows.ts'

/** What the main branch's history shows, and whether it is bad news. */
export interface TrendSection {
  /** One sentence: what was looked at, and what was found. */
  readonly summary: string
  /** Empty where nothing crept. */
  readonly table: Table
  readonly charts: readonly TrendChart[]
}

/** The values of one series run by run, in the metric's shown unit, with the levels they lie about. */
export interface TrendChart {
  readonly title: string
  readonly unit: string
  readonly points: readonly { readonly value: number; readonly text: string }[]
  readonly levels: readonly {
    readonly start: number
    readonly end: number
    readonly value: number
    readonly text: string
  }[]
  /** The oldest run and the newest. */
  readonly ends: readonly [string, string]
}

export const stepLegend = 'A step lies after the first of its two commits, and at the second at the latest.'

/** Steps named in a cell; a slow ramp has many, of which the last ones are those that can still be found. */
const maxSteps = 4

/** The trend that a result carries; null where its history is too short. */
export function trendSection({ trend }: Pick<Result, 'trend'>): TrendSection | null {
  if (trend === undefined) return null
  return {
    summary: summaryOf(trend) + (trend.crept.length === 0 ? '' : ` ${stepLegend}`),
    table: trendTable(trend.crept, trend.since),
    charts: trend.crept.map(chartOf),
  }
}

function summaryOf({ since, until, series, tooShort, crept, notListed }: Trend): string {
  const window = since === null ? 'in the history of the main branch' : `since ${shortCommit(since)}`
  const short = tooShort === 0 ? '' : `; ${tooShort} more have too few runs`
  const looked = `${series} series looked at, up to ${runName(until)}${short}`
  if (crept.length === 0) return `Nothing has crept ${window} (${looked}).`
  const more = notListed === 0 ? '' : `, of which the worst ${crept.length} are listed`
  const count = crept.length + notListed
  return `${count} of the main branch's series ${count === 1 ? 'has' : 'have'} become worse ${window} in steps that no single comparison fails${more} (${looked}).`
}

/** One row for each series: the whole change, and the steps with the commits between which each lies. */
export function trendTable(trends: readonly TrendOfSeries[], since: string | null): Table {
  return {
    columns: [
      { title: 'Model', numeric: false },
      { title: 'Load', numeric: false },
      { title: 'Metric', numeric: false },
      { title: 'Runs', numeric: true },
      { title: 'Level now', numeric: true },
      { title: since === null ? 'Change' : `Change since ${shortCommit(since)}`, numeric: true },
      { title: 'Steps', numeric: false },
    ],
    rows: trends.map(trendRow),
  }
}

function trendRow({ model, load, metric, changeRatio, shifts, points, levels }: TrendOfSeries): TableRow {
  const now = levels.at(-1)
  const steps = shifts
    .slice(-maxSteps)
    .map(
      ({ changeRatio: ratio, lastBefore, firstAfter }) =>
        `${changeInWords(ratio)}: ${runName(lastBefore)} … ${runName(firstAfter)}`,
    )
  const earlier = shifts.length - steps.length
  const text = [...(earlier === 0 ? [] : [`${countInWords(earlier, 'earlier step')}`]), ...steps].join('; ')
  const worse = metrics[metric].better === 'lower' ? changeRatio > 1 : changeRatio < 1
  return {
    status: null,
    emphasis: false,
    cells: [
      { text: model, code: true },
      { text: loadKeyLabel(load) },
      { text: metrics[metric].label },
      { text: String(points.length) },
      { text: now === undefined ? '–' : formatMetric(metric, now.value) },
      {
        text: shifts.length === 0 ? 'none seen' : changeInWords(changeRatio),
        ...(shifts.length > 0 ? { status: worse ? ('inconclusive' as const) : ('info' as const) } : {}),
      },
      { text: text === '' ? '–' : text },
    ],
  }
}

/** `3f9d1c0`, or the day of a run whose commit nobody knows. */
function runName({ commit, createdAt }: Trend['until']): string {
  return commit === null ? `the run of ${formatDate(createdAt)}` : shortCommit(commit)
}

/** ns as ms and bytes as MiB, as everywhere in the report. */
const units = { ns: ['ms', 1e6], bytes: ['MiB', 1024 ** 2] } as const

function chartOf({ model, load, metric, points, levels }: TrendOfSeries): TrendChart {
  const { unit, label } = metrics[metric]
  const run = (point: (typeof points)[number] | undefined) =>
    point === undefined
      ? ''
      : [shortCommit(point.commit ?? ''), formatDate(point.createdAt)].filter(Boolean).join(', ')
  const [name, size] = unit === 'ns' || unit === 'bytes' ? units[unit] : [unit, 1]
  return {
    title: `${model}, ${loadKeyLabel(load)}: ${label}`,
    unit: name,
    points: points.map((point) => ({
      value: point.value / size,
      text: `${runName(point)}, ${formatDate(point.createdAt)}: ${formatMetric(metric, point.value)}`,
    })),
    levels: levels.map(({ start, end, value }) => ({
      start,
      end,
      value: value / size,
      text: formatMetric(metric, value),
    })),
    ends: [run(points[0]), run(points.at(-1))],
  }
}
