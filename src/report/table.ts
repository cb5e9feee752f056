import { type Outcome, worstFirst } from '../domain/result.ts'

export type Status = Outcome | 'accepted' | 'info'

/** One cell: formatted text, not yet escaped for any output. */
export interface Cell {
  readonly text: string
  /** A name, to be set in a fixed-width font. */
  readonly code?: boolean
  readonly status?: Status
  /** Numbers of footnotes. */
  readonly marks?: readonly number[]
}

interface Column {
  readonly title: string
  readonly numeric: boolean
}

export interface TableRow {
  readonly cells: readonly Cell[]
  /** What the row as a whole says; null where it only informs. */
  readonly status: Status | null
  /** To be seen first among its like: the committed or the best configuration. */
  readonly emphasis: boolean
}

/** Everything that a view needs to draw a table. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly TableRow[]
}

/** Accepted rows speak for a pass, and are what a reviewer has to see of it. */
const rowOrder: readonly Status[] = worstFirst.flatMap((outcome) =>
  outcome === 'pass' ? ['accepted', outcome, 'info'] : [outcome],
)

/** The order in which outcomes decide, and in which rows are shown: the worst is 0, information comes last. */
export const severity: Readonly<Record<Status, number>> = Object.fromEntries(
  rowOrder.map((status, index) => [status, index]),
) as Record<Status, number>

/** The mark beside a verdict. It never stands alone: the word follows. */
export const icons: Readonly<Record<Status, string>> = {
  pass: '✅',
  fail: '❌',
  inconclusive: '⚠️',
  invalid: '🚫',
  accepted: '☑️',
  info: 'ℹ️',
}

const absent: Cell = { text: '–' }

/** A cell, or a dash where there is nothing to say. */
export function cell(text: string | null): Cell {
  return text === null ? absent : { text }
}

/** The table without columns in which no row says anything. */
export function withoutEmptyColumns(table: Table): Table {
  const kept = table.columns.map((_, index) =>
    table.rows.some((row) => row.cells[index] !== undefined && row.cells[index].text !== absent.text),
  )
  return {
    columns: table.columns.filter((_, index) => kept[index]),
    rows: table.rows.map((row) => ({ ...row, cells: row.cells.filter((_, index) => kept[index]) })),
  }
}

/** Collects footnotes and numbers them from 1; the same text gets the same number. */
export interface Footnotes {
  readonly mark: (text: string) => number
  readonly texts: () => readonly string[]
}

export function createFootnotes(): Footnotes {
  const texts: string[] = []
  return {
    mark(text) {
      const known = texts.indexOf(text)
      return known >= 0 ? known + 1 : texts.push(text)
    },
    texts: () => texts,
  }
}
