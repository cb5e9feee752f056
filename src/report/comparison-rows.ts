import { loadKey, loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Comparison, ConstraintResult, ModelResult, Result } from '../domain/result.ts'
import { gatedScenarios } from '../domain/scenario.ts'
import { changeInWords, signedPercent } from '../domain/words.ts'
import { shortCause } from './attribution-rows.ts'
import { formatChangeInterval, formatConstrained, formatMetric, formatTolerance } from './format.ts'
import { cell, type Footnotes, severity, type Table, type TableRow, withoutEmptyColumns } from './table.ts'

/** Every comparison that decides something or went wrong, worst first, and those that only inform. */
export function comparisonTables(
  result: Result,
  footnotes: Footnotes,
  candidateLabel: string,
): { readonly deciding: Table; readonly informing: Table } {
  const rows = result.models
    .flatMap((model) =>
      model.comparisons.map((comparison) => ({
        model: model.name,
        comparison,
        cause: shortCause(model, comparison),
      })),
    )
    .sort((a, b) => severity[a.comparison.status] - severity[b.comparison.status])
  const table = (informing: boolean): Table =>
    withoutEmptyColumns({
      columns: [
        // First, since a narrow window cuts off the last columns.
        ...(informing ? [] : [{ title: 'Verdict', numeric: false }]),
        { title: 'Model', numeric: false },
        { title: 'Load', numeric: false },
        { title: 'Metric', numeric: false },
        { title: 'Baseline', numeric: true },
        { title: 'Reference', numeric: true },
        { title: candidateLabel, numeric: true },
        { title: 'Change (95 % interval)', numeric: true },
        ...(informing
          ? []
          : [
              { title: 'Tolerated', numeric: true },
              { title: 'Cause', numeric: false },
            ]),
      ],
      rows: rows
        .filter(({ comparison }) => isInforming(comparison) === informing)
        .map(({ model, comparison, cause }) => {
          const row = comparisonRow(model, comparison, footnotes, informing)
          return informing ? row : { ...row, cells: [...row.cells, cell(cause)] }
        }),
    })
  return { deciding: table(false), informing: table(true) }
}

function isInforming(comparison: Comparison): boolean {
  return comparison.status === 'info' || (!comparison.primary && comparison.status === 'pass')
}

function comparisonRow(
  model: string,
  comparison: Comparison,
  footnotes: Footnotes,
  informing: boolean,
): TableRow {
  const { metric, changeRatio, changeInterval, against } = comparison
  const value = (number: number | null) => cell(number === null ? null : formatMetric(metric, number))
  const stored = comparison.baselineValue ?? (against === 'baseline' ? comparison.reference : null)
  const marks = comparisonNotes(comparison).map(footnotes.mark)
  const change = changeRatio === null ? 'not available' : changeInWords(changeRatio)
  const interval = changeInterval === null ? '' : ` (${formatChangeInterval(changeInterval)})`
  return {
    status: comparison.status,
    emphasis: false,
    cells: [
      ...(informing ? [] : [{ text: comparison.status, status: comparison.status, marks }]),
      { text: model, code: true },
      { text: loadLabel(comparison.load) },
      { text: metrics[metric].label },
      value(stored),
      value(against === 'reference' ? comparison.reference : null),
      value(comparison.candidate),
      { text: `${change}${interval}`, ...(informing ? { marks } : {}) },
      ...(informing ? [] : [cell(formatTolerance(metric, comparison.tolerance))]),
    ],
  }
}

function comparisonNotes(comparison: Comparison): string[] {
  const notes = [...comparison.footnotes]
  if (comparison.status === 'inconclusive' && comparison.detectableChange !== null) {
    const repetitions = comparison.repetitions
    const worse = signedPercent(
      metrics[comparison.metric].better === 'lower'
        ? comparison.detectableChange
        : -comparison.detectableChange,
    )
    notes.push(
      `With ${repetitions} repetitions on each side, a change of ${worse} was the smallest that could have been seen.`,
    )
  }
  return notes
}

/** Every budget and constraint at every gated load of the committed configuration, worst first. */
export function constraintTable(result: Result, footnotes: Footnotes): Table {
  const rows = result.models
    .flatMap((model) =>
      model.constraints.map((constraint) => ({
        model: model.name,
        constraint,
        note: constraintNote(model, constraint),
      })),
    )
    .sort((a, b) => severity[a.constraint.status] - severity[b.constraint.status])
  return withoutEmptyColumns({
    columns: [
      { title: 'Verdict', numeric: false },
      { title: 'Model', numeric: false },
      { title: 'Load', numeric: false },
      { title: 'Constraint', numeric: false },
      { title: 'Limit', numeric: true },
      { title: 'Measured', numeric: true },
      { title: '95 % interval', numeric: true },
    ],
    rows: rows.map(({ model, constraint, note }) => constraintRow(model, constraint, note, footnotes)),
  })
}

/** Why there is no value, what kind of value it is, or what it stands in for. */
function constraintNote(
  model: ModelResult,
  { load, metric, standsInFor }: ConstraintResult,
): string | undefined {
  const measured = gatedScenarios(model).find((scenario) => loadKey(scenario.load) === loadKey(load))?.metrics
  if (standsInFor === undefined) return measured?.[metric]?.reason
  const why = measured?.[standsInFor]?.reason ?? `there is no ${metrics[standsInFor].label}`
  return `${metrics[metric].label} judged: ${why}.`
}

function constraintRow(
  model: string,
  constraint: ConstraintResult,
  note: string | undefined,
  footnotes: Footnotes,
): TableRow {
  const { metric, interval, status } = constraint
  const closeCall = 'A close call: the 95 % interval straddles the limit, and the estimate decides.'
  const marks = [...(constraint.close ? [closeCall] : []), ...(note === undefined ? [] : [note])].map(
    footnotes.mark,
  )
  return {
    status,
    emphasis: false,
    cells: [
      { text: status, status, marks },
      { text: model, code: true },
      { text: loadLabel(constraint.load) },
      { text: constraint.name, code: true },
      { text: `${constraint.bound === 'max' ? '≤' : '≥'} ${formatConstrained(metric, constraint.limit)}` },
      { text: constraint.value === null ? 'not available' : formatConstrained(metric, constraint.value) },
      cell(interval === null ? null : formatConstraintInterval(constraint, interval)),
    ],
  }
}

/** An interval of two repetitions that differ spans many powers of ten: its ends tell nothing, and look like a defect. */
const tellingRatio = 1000

function formatConstraintInterval(
  { metric }: ConstraintResult,
  [low, high]: readonly [number, number | null],
): string {
  if (high !== null && low >= 0 && high > tellingRatio * low) return 'too wide to tell'
  const end = high === null ? 'no upper end (too few requests)' : formatConstrained(metric, high)
  return `${formatConstrained(metric, low)} to ${end}`
}
