import { markdownTable } from 'markdown-table'
import { escapeMarkdown, markdownCode } from './escape.ts'
import { type Cell, icons, type Table, type TableRow } from './table.ts'

/** What may be left out, in the order in which it goes when space is short: the least needed for a decision first. */
export const droppable = [
  'charts',
  'sweep measurements',
  'repetitions',
  'other metrics',
  'time breakdown',
  'causes',
  'environment',
  'capacity',
  'runs passed over',
  'patches',
  'trend',
  'warnings of models',
  'further notes',
  'passing rows',
] as const
export type Part = (typeof droppable)[number]

/** What a report of limited length holds. */
export interface Plan {
  readonly charts: boolean
  readonly dropped: ReadonlySet<Part>
  /** Rows and reasons kept in each list; Infinity until nothing else is left to drop. */
  readonly maxRows: number
}

export function markdownTableOf(all: Table): string {
  if (all.rows.length === 0) return ''
  return markdownTable(
    [
      all.columns.map(({ title }) => escapeMarkdown(title)),
      ...all.rows.map((row) => row.cells.map((each) => cellText(each, row))),
    ],
    // Padding would cost a third of the bytes, and is right only where every character is one column wide.
    { align: all.columns.map(({ numeric }) => (numeric ? 'r' : 'l')), alignDelimiters: false, padding: true },
  )
}

function cellText({ text, code, status, marks = [] }: Cell, { emphasis }: TableRow): string {
  const escaped = code === true ? markdownCode(text) : escapeMarkdown(text)
  const strong = emphasis && code !== true ? `**${escaped}**` : escaped
  const icon = status === undefined ? '' : `${icons[status]} `
  return `${icon}${strong}${marks.length === 0 ? '' : ` ${marks.map(superscript).join('\u2009')}`}`
}

/** A folded section; the blank lines make GitHub read the inside as Markdown. */
export function details(summary: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  if (inside.length === 0) return ''
  return `<details><summary>${summary}</summary>\n\n${inside.join('\n\n')}\n\n</details>`
}

export function superscript(value: number): string {
  return Array.from(String(value), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))).join('')
}
