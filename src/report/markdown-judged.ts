import { countInWords } from '../domain/words.ts'
import { escapeMarkdown } from './escape.ts'
import { details, markdownTableOf, type Plan, superscript } from './markdown-parts.ts'
import type { Report } from './rows.ts'
import type { Table, TableRow } from './table.ts'

/** More rows that pass than this are folded away: they are not what a reviewer looks for. */
const maxOpenPassingRows = 12

interface JudgedRows {
  readonly open: readonly TableRow[]
  /** Rows that did not pass, and accepted ones, that found no place. */
  readonly cut: readonly TableRow[]
  readonly passing: { readonly rows: readonly TableRow[]; readonly place: 'open' | 'folded' | 'dropped' }
}

/** The rows that need a look, and the passing ones: open while they are few, folded or dropped when many. */
function judgedRows({ rows }: Table, plan: Plan): JudgedRows {
  const passing = rows.filter(({ status }) => status === 'pass')
  if (passing.length <= maxOpenPassingRows && !plan.dropped.has('passing rows'))
    return { open: rows, cut: [], passing: { rows: passing, place: 'open' } }
  const other = rows.filter(({ status }) => status !== 'pass')
  const place = plan.dropped.has('passing rows') ? 'dropped' : 'folded'
  return {
    open: other.slice(0, plan.maxRows),
    cut: other.slice(plan.maxRows),
    passing: { rows: passing, place },
  }
}

export function judgedTable(all: Table, noun: string, plan: Plan): readonly string[] {
  const { open, cut, passing } = judgedRows(all, plan)
  const accepted = cut.filter(({ status }) => status === 'accepted').length
  const more = [
    ...(cut.length === accepted
      ? []
      : [`${countInWords(cut.length - accepted, `more ${noun}`)} that did not pass`]),
    ...(accepted === 0
      ? []
      : [`${countInWords(accepted, `more ${noun}`)} that ${accepted === 1 ? 'is' : 'are'} accepted`]),
  ]
  const passed = `✅ ${countInWords(passing.rows.length, noun)} passed`
  return [
    markdownTableOf({ ...all, rows: open }),
    more.length === 0 ? '' : `… and ${more.join(', ')}.`,
    passing.rows.length === 0 || passing.place === 'open'
      ? ''
      : passing.place === 'dropped'
        ? `${passed}.`
        : details(passed, [markdownTableOf({ ...all, rows: passing.rows })]),
  ]
}

/** Those that something shown refers to. */
export function footnotes(report: Report, plan: Plan): string {
  const judged = [report.comparisons, report.constraints].flatMap((all) => {
    const { open, passing } = judgedRows(all, plan)
    return passing.place === 'folded' ? [...open, ...passing.rows] : open
  })
  const rows = [
    ...judged,
    ...(plan.dropped.has('other metrics') ? [] : report.otherMetrics.rows),
    ...(plan.dropped.has('time breakdown')
      ? []
      : report.models.flatMap((model) => model.breakdown.table.rows)),
  ]
  const used = new Set(rows.flatMap(({ cells }) => cells.flatMap(({ marks = [] }) => marks)))
  return report.footnotes
    .flatMap((text, index) =>
      used.has(index + 1) ? [`${superscript(index + 1)} ${escapeMarkdown(text, 1000)}`] : [],
    )
    .join('\n\n')
}
