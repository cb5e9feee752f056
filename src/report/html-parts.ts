import { escapeHtml } from './escape.ts'
import type { Cell, Status, Table } from './table.ts'

const iconPaths: Readonly<Record<Status, string>> = {
  pass: 'M4.5 8.5l2.3 2.3 4.7-5',
  fail: 'M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6',
  inconclusive: 'M8 4v4.6M8 11.6v.1',
  invalid: 'M4.6 8h6.8',
  accepted: 'M4.5 8.5l2.3 2.3 4.7-5',
  info: 'M8 7.4v4.4M8 4.4v.1',
}

/** Drawn, not an emoji: not every machine has a font for those. */
export function icon(status: Status): string {
  return `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="8"/><path d="${iconPaths[status]}"/></svg>`
}

export function section(title: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  return inside.length === 0
    ? ''
    : `<section><h2>${title}</h2><div class="card">${inside.join('\n')}</div></section>`
}

export function details(title: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  return inside.length === 0 ? '' : `<details><summary>${title}</summary>${inside.join('\n')}</details>`
}

export function table({ columns, rows }: Table): string {
  if (rows.length === 0) return ''
  const head = columns.map(
    ({ title, numeric }) => `<th scope="col"${numeric ? ' class="num"' : ''}>${escapeHtml(title)}</th>`,
  )
  const body = rows.map(({ cells, status, emphasis }) => {
    const classes = [status ?? '', emphasis ? 'emphasis' : ''].filter((name) => name !== '').join(' ')
    const content = cells.map((each, index) => tableCell(each, columns[index]?.numeric === true))
    return `<tr${classes === '' ? '' : ` class="${classes}"`}>${content.join('')}</tr>`
  })
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
}

/** Longer text than this wraps; numbers and short words never do. */
const wrapBeyond = 40

function tableCell({ text, code, status, marks = [] }: Cell, numeric: boolean): string {
  const escaped = code === true ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text)
  const content =
    status === undefined ? escaped : `<span class="status ${status}">${icon(status)} ${escaped}</span>`
  const notes = marks.map((mark) => `<sup><a href="#note-${mark}">${mark}</a></sup>`).join(' ')
  const classes = numeric ? 'num' : text.length > wrapBeyond && code !== true ? 'wrap' : ''
  return `<td${classes === '' ? '' : ` class="${classes}"`}>${content}${notes === '' ? '' : ` ${notes}`}</td>`
}
