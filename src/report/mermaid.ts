import { markdownTable } from 'markdown-table'
import { escapeMarkdown } from './escape.ts'
import { formatNumber } from './format.ts'
import type { Curve, CurveChart } from './sweep-rows.ts'
import type { TrendChart } from './trend-rows.ts'

/** More points than this run into each other at the width of a job summary. */
const maxPoints = 24

/**
 * p99 latency over the loads of the committed configuration, and of the reference where there is one: a mermaid
 * chart, and the same numbers as a table, since it does not render everywhere (mail, mobile). Empty below two loads.
 *
 * `xychart-beta` is the name that every version of mermaid with this chart takes. It has no legend: the table
 * and the sentence say which series is which. Only numbers and fixed words reach the chart's source.
 */
export function latencyChart({ curves }: CurveChart, candidateLabel: string): readonly string[] {
  const committed = curves.find(({ kind }) => kind === 'committed')
  const reference = curves.find(({ kind }) => kind === 'reference')
  if (committed === undefined || committed.points.length < 2) return []
  const points = committed.points.slice(0, maxPoints)
  const p99OfReference = points.map(({ load }) => p99At(reference, load))
  const both = p99OfReference.every((value) => value !== null)
  const highest = Math.max(...points.map(({ p99Ms }) => p99Ms), ...p99OfReference.map((value) => value ?? 0))
  const series = (values: readonly number[]) => `[${values.map((value) => plain(value)).join(', ')}]`
  const chart = [
    '```mermaid',
    'xychart-beta',
    '  title "p99 latency (ms) by load"',
    `  x-axis [${points.map(({ load }) => `"${load.replace(/[^\w .,:/-]/g, ' ')}"`).join(', ')}]`,
    `  y-axis "ms" 0 --> ${plain(highest * 1.1)}`,
    `  bar ${series(points.map(({ p99Ms }) => p99Ms))}`,
    ...(both ? [`  line ${series(p99OfReference)}`] : []),
    '```',
  ].join('\n')
  const rows = points.map(({ load, p99Ms, inferPerSec }, index) => {
    const other = p99OfReference[index] ?? null
    return [
      escapeMarkdown(load),
      ...(reference === undefined ? [] : [other === null ? '–' : formatNumber(other)]),
      formatNumber(p99Ms),
      formatNumber(inferPerSec),
    ]
  })
  const label = escapeMarkdown(candidateLabel)
  const columns = [
    'Load',
    ...(reference === undefined ? [] : ['Reference, p99 (ms)']),
    `${label}, p99 (ms)`,
    'infer/s',
  ]
  const align = columns.map((_, index) => (index === 0 ? 'l' : 'r'))
  return [
    `**p99 latency by load**: bars are ${label}${both ? ', the line is the reference' : ''}.`,
    chart,
    markdownTable([columns, ...rows], { align, alignDelimiters: false }),
  ]
}

/** More runs than this are a smear at the width of a job summary: the newest are shown. */
const maxRuns = 60

/** One series over the newest runs, and the levels it lies about. The title stands above it as escaped text. */
export function trendChart({ title, unit, points, levels }: TrendChart): readonly string[] {
  const first = Math.max(0, points.length - maxRuns)
  const values = points.slice(first).map(({ value }) => value)
  const level = (index: number) => levels.find(({ end }) => index < end)?.value ?? 0
  const shown = values.map((_, index) => level(first + index))
  const [low, high] = [Math.min(...values, ...shown), Math.max(...values, ...shown)]
  const air = (high - low || high) / 10
  const series = (numbers: readonly number[]) => `[${numbers.map(plain).join(', ')}]`
  const chart = [
    '```mermaid',
    'xychart-beta',
    `  x-axis "run" ${first + 1} --> ${Math.max(first + 2, points.length)}`,
    `  y-axis "${unit.replace(/[^\w /]/g, ' ')}" ${plain(Math.max(0, low - air))} --> ${plain(high + air)}`,
    `  line ${series(values)}`,
    `  line ${series(shown)}`,
    '```',
  ].join('\n')
  return [
    `**${escapeMarkdown(title)}** over the runs of the main branch, and the level they lie about.`,
    chart,
  ]
}

function p99At(curve: Curve | undefined, load: string): number | null {
  return curve?.points.find((point) => point.load === load)?.p99Ms ?? null
}

/** Never in exponents, which the chart does not read. */
function plain(value: number): string {
  return value.toFixed(3)
}
