import { loadLabel } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { ModelResult } from '../domain/result.ts'
import type { Scenario } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import {
  composingBar,
  composingCells,
  composingColumns,
  composingMetricCell,
  composingSides,
} from './composing-rows.ts'
import { formatMetric } from './format.ts'
import { sidesByLoad } from './sides.ts'
import { type Cell, cell, type Footnotes, type Table, type TableRow, withoutEmptyColumns } from './table.ts'

/** The parts of an average request, in the order in which it passes through them. */
const parts = [
  'serverQueueNs',
  'serverComputeInputNs',
  'serverComputeInferNs',
  'serverComputeOutputNs',
  'networkOverheadNs',
] as const satisfies readonly MetricName[]

/** Only open loops have these; the columns go where no row has one. */
const ofSends = ['serviceP50Ns', 'serviceP99Ns', 'sendLagP99Ns'] as const satisfies readonly MetricName[]

/** Only decoupled models have these; the columns go where no row has one. */
const ofResponses = [
  'timeToFirstResponseP50Ns',
  'timeToFirstResponseP99Ns',
  'interResponseP50Ns',
  'interResponseP99Ns',
  'responsesPerSec',
] as const satisfies readonly MetricName[]

const columns = [
  ...parts,
  'latencyAvgNs',
  'executedBatchSize',
  ...ofSends,
  ...ofResponses,
] as const satisfies readonly MetricName[]

/** One bar of the chart: an average request of one side under one load, in ms. */
export interface BreakdownBar {
  readonly load: string
  readonly side: string
  readonly segments: readonly { readonly label: string; readonly ms: number; readonly text: string }[]
  readonly totalText: string
}

export const segmentLabels: readonly string[] = parts.map((part) => metrics[part].label)

export interface Breakdown {
  readonly table: Table
  readonly bars: readonly BreakdownBar[]
}

/**
 * Where the time of an average request goes, per gated load, with the reference's line above the candidate's. Below them
 * stand the composing models, so that a change of one of them shows from the model that needs it.
 */
export function breakdown(model: ModelResult, footnotes: Footnotes, candidateLabel: string): Breakdown {
  const loads = sidesByLoad(model, candidateLabel).map((sides) => ({
    sides,
    composing: composingSides(sides),
  }))
  const cached = loads.some(({ composing }) => composing.some((each) => each.composing.cacheHitCount > 0))
  const table = withoutEmptyColumns({
    columns: [
      { title: 'Load', numeric: false },
      { title: 'Model', numeric: false },
      { title: 'Side', numeric: false },
      ...composingColumns.map((title) => ({ title, numeric: true })),
      ...columns.map((name) => ({ title: capitalise(metrics[name].label), numeric: true })),
      { title: 'Cache hits', numeric: true },
    ],
    rows: loads.flatMap(({ sides, composing }) => [
      ...sides.map(({ label, scenario }) =>
        informing([
          { text: loadLabel(scenario.load) },
          composing.length === 0 ? cell(null) : { text: model.name, code: true },
          { text: label },
          ...composingColumns.map(() => cell(null)),
          ...columns.map((name) => metricCell(scenario, name, footnotes)),
          cell(null),
        ]),
      ),
      ...composing.map((each) =>
        informing([
          { text: each.load },
          { text: each.composing.model, code: true },
          { text: each.side },
          ...composingCells(each),
          ...columns.map((name) => composingMetricCell(each, name)),
          cell(cached ? String(each.composing.cacheHitCount) : null),
        ]),
      ),
    ]),
  })
  const bars = loads.flatMap(({ sides, composing }) => [
    ...sides.flatMap(({ label, scenario }) => bar(label, scenario)),
    ...composing.flatMap(composingBar),
  ])
  return { table, bars }
}

function informing(cells: readonly Cell[]): TableRow {
  return { status: null, emphasis: false, cells }
}

/** The value, or that it is not available with the reason as a footnote. */
function metricCell(scenario: Scenario, name: MetricName, footnotes: Footnotes): Cell {
  const metric = scenario.metrics[name]
  // null: this machine has no such reading. The column goes if no row has one.
  if (metric === undefined || metric === null) return { text: '–' }
  const marks = metric.reason === undefined ? [] : [footnotes.mark(metric.reason)]
  return { text: metric.value === null ? 'not available' : formatMetric(name, metric.value), marks }
}

function bar(side: string, scenario: Scenario): readonly BreakdownBar[] {
  // Client and server measure with clocks of their own: a difference near zero may come out below it.
  const segments = parts.flatMap((part) => {
    const value = scenario.metrics[part]?.value
    return value === undefined || value === null
      ? []
      : [{ label: metrics[part].label, ms: Math.max(0, value / nsPerMs), text: formatMetric(part, value) }]
  })
  if (segments.length === 0) return []
  const total = segments.reduce((sum, { ms }) => sum + ms, 0)
  return [
    {
      load: loadLabel(scenario.load),
      side,
      segments,
      totalText: formatMetric('latencyAvgNs', total * nsPerMs),
    },
  ]
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
