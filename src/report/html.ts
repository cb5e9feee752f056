import { createHash } from 'node:crypto'
import type { Result } from '../domain/result.ts'
import type { AttributionSection } from './attribution-rows.ts'
import { segmentLabels } from './breakdown-rows.ts'
import { breakdownChart, curveChart, dotPlot } from './chart.ts'
import { escapeHtml, escapeHtmlBlock } from './escape.ts'
import { styleSheet } from './html-style.ts'
import {
  type BestSection,
  defaultCandidateLabel,
  type ModelSection,
  type Report,
  reportRows,
} from './rows.ts'
import type { Curve } from './sweep-rows.ts'
import type { Cell, Status, Table } from './table.ts'
import { trendChart } from './trend-chart.ts'
import type { TrendChart } from './trend-rows.ts'

export interface HtmlOptions {
  /** What the measured side is called; default `Candidate`. */
  readonly candidateLabel?: string
}

/** The result as one HTML page that loads nothing: styles and charts are inside, and no script runs. */
export function renderHtml(result: Result, options: HtmlOptions = {}): string {
  const report = reportRows(result, options.candidateLabel ?? defaultCandidateLabel)
  // Only this very style sheet may apply, and nothing may be fetched: a name that got past the escaping could do nothing.
  const hash = createHash('sha256').update(styleSheet).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${escapeHtml(report.title)}</title>`,
    `<style>${styleSheet}</style>`,
    '</head>',
    '<body>',
    '<main>',
    ...page(report).filter((block) => block !== ''),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function page(report: Report): string[] {
  return [
    verdict(report),
    reasons(report),
    section('Compared', [table(report.comparisons), legend(report.legend)]),
    section('Budgets and constraints', [table(report.constraints)]),
    capacity(report),
    footnotes(report.footnotes),
    trend(report),
    ...report.models.map(model),
    section('Other metrics, for information', [table(report.otherMetrics)]),
    environment(report),
    passedOver(report),
  ]
}

function capacity({ capacity: { table: rows, sentences } }: Report): string {
  const plans = sentences.map(
    ({ model: name, text }) => `<p><code>${escapeHtml(name)}</code>: ${escapeHtml(text, 1000)}</p>`,
  )
  return rows.rows.length === 0 ? '' : section('Capacity', [...plans, table(rows)])
}

function verdict({ outcome, title, summary, notices }: Report): string {
  return [
    `<header class="card verdict ${outcome}">`,
    `<h1>${icon(outcome)} ${escapeHtml(title)}</h1>`,
    `<p class="lead">${escapeHtml(summary, 1000)}</p>`,
    ...notices.map((notice) => `<p class="soft">Note: ${escapeHtml(notice, 1000)}</p>`),
    '</header>',
  ].join('\n')
}

function reasons(report: Report): string {
  if (report.reasons.length === 0) return ''
  const items = report.reasons.map(({ outcome, model: name, message, cause, next }) => {
    const subject = name === undefined ? '' : `<code>${escapeHtml(name)}</code>: `
    const step = next === undefined ? '' : `<div class="next">Next: ${escapeHtml(next, 1000)}</div>`
    const why = cause === undefined ? '' : `<div class="next">Cause: ${escapeHtml(cause, 1000)}</div>`
    return `<li><span class="${outcome}">${icon(outcome)}</span> ${subject}${escapeHtml(message, 1000)}${why}${step}</li>`
  })
  return section('Why', [`<ul class="reasons">${items.join('\n')}</ul>`])
}

function legend(lines: readonly string[]): string {
  return lines.map((line) => `<p class="legend">${escapeHtml(line, 500)}</p>`).join('\n')
}

function footnotes(texts: readonly string[]): string {
  if (texts.length === 0) return ''
  return texts
    .map(
      (text, index) =>
        `<p class="legend" id="note-${index + 1}"><sup>${index + 1}</sup> ${escapeHtml(text, 1000)}</p>`,
    )
    .join('\n')
}

/** Each is 30 kB at most; the rest stands in the table. */
const maxTrendCharts = 12

function trend({ trend: found }: Report): string {
  if (found === null) return ''
  const { summary, table: all, charts } = found
  const bad = all.rows.length > 0
  return section('Trend', [
    `<p class="${bad ? 'inconclusive' : 'soft'}">${bad ? `<span class="status">${icon('inconclusive')}</span> ` : ''}${escapeHtml(summary, 1000)}</p>`,
    table(all),
    ...(charts.length === 0 ? [] : [trendCharts(charts.slice(0, maxTrendCharts))]),
  ])
}

function trendCharts(charts: readonly TrendChart[]): string {
  const plots = charts.map(
    (chart) =>
      `<figure><figcaption>${escapeHtml(chart.title, 200)}</figcaption>${trendChart(chart)}</figure>`,
  )
  return `<p class="soft">One dot is one run of the main branch, the newest on the right; the lines are the levels that the runs lie about. The axes do not begin at 0.</p><div class="plots">${plots.join('\n')}</div>`
}

function model(section_: ModelSection): string {
  const { name, error, best, attribution, breakdown, sweep, repetitions, warnings } = section_
  const plots = repetitions.plots
    .map((plot) => ({ plot, svg: dotPlot(plot) }))
    .filter(({ svg }) => svg !== '')
    .map(
      ({ plot, svg }) =>
        `<figure><figcaption>${escapeHtml(`${plot.title} (${plot.axis})`)}</figcaption><div class="scroll">${svg}</div></figure>`,
    )
  const blocks = [
    error === null
      ? ''
      : `<p class="invalid"><span class="status">${icon('invalid')} Could not be measured:</span> ${escapeHtml(error, 1000)}</p>`,
    ...warnings.map((warning) => `<p class="soft">⚠️ ${escapeHtml(warning)}</p>`),
    attribution === null ? '' : attributionBlock(attribution),
    best === null ? '' : bestBlock(best),
    figure(
      'Throughput and latency',
      curveKey(sweep.chart.curves),
      curveChart(sweep.chart),
      'Each line is one configuration over rising load: further right and lower is better.',
    ),
    figure(
      'Where the time goes',
      segmentKey(),
      breakdownChart(breakdown.bars),
      'Average request of the committed configuration.',
    ),
    details('Where the time goes, in numbers', [table(breakdown.table)]),
    plots.length === 0
      ? ''
      : `<h3>Repetitions</h3><p class="soft">One dot is one repetition on a fresh server process; a dashed one was voided.</p><div class="plots">${plots.join('\n')}</div>`,
    details(`Repetitions in numbers${repetitions.voided === 0 ? '' : ` (${repetitions.voided} voided)`}`, [
      table(repetitions.table),
    ]),
    details(`All measurements (${sweep.table.rows.length})`, [
      ...sweep.notes.map((note) => `<p class="soft">${escapeHtml(note)}</p>`),
      table(sweep.table),
    ]),
  ].filter((block) => block !== '')
  if (blocks.length === 0) return ''
  return `<section><h2><code>${escapeHtml(name)}</code></h2><div class="card">${blocks.join('\n')}</div></section>`
}

function attributionBlock({
  sentences: [first = '', ...others],
  table: numbers,
}: AttributionSection): string {
  return [
    '<h3>Why it is worse</h3>',
    `<p><span class="status">${escapeHtml(first, 1000)}</span></p>`,
    ...others.map((sentence) => `<p>${escapeHtml(sentence, 1000)}</p>`),
    details('The causes in numbers', [table(numbers)]),
  ].join('\n')
}

function bestBlock({ status, headline, sentences, patch }: BestSection): string {
  return [
    `<h3>Best configuration</h3>`,
    `<p class="${status}"><span class="status">${escapeHtml(headline, 500)}</span></p>`,
    ...sentences.map((sentence) => `<p>${escapeHtml(sentence, 1000)}</p>`),
    patch === null ? '' : `<pre>${patchLines(patch)}</pre>`,
  ].join('\n')
}

function patchLines(patch: string): string {
  return escapeHtmlBlock(patch)
    .split('\n')
    .map((line) => {
      if (/^(\+\+\+|---)/.test(line)) return line
      if (line.startsWith('+')) return `<span class="add">${line}</span>`
      return line.startsWith('-') ? `<span class="del">${line}</span>` : line
    })
    .join('\n')
}

function figure(title: string, key: string, svg: string, caption: string): string {
  if (svg === '') return ''
  return `<figure><h3>${title}</h3>${key}<div class="scroll">${svg}</div><figcaption>${caption}</figcaption></figure>`
}

function curveKey(curves: readonly Curve[]): string {
  const others = curves.filter(({ kind }) => kind === 'other').length
  const named = curves.filter(({ kind }) => kind !== 'other').map(({ kind, label }) => ({ kind, label }))
  const entries = [
    ...named,
    ...(others === 0 ? [] : [{ kind: 'other' as const, label: `${others} other measured` }]),
  ]
  const items = entries.map(
    ({ kind, label }) =>
      `<li><svg width="26" height="12" aria-hidden="true"><g class="curve ${kind}"><polyline points="1,6 25,6"/><circle class="dot" cx="13" cy="6" r="4"/></g></svg>${escapeHtml(label)}</li>`,
  )
  const best = curves.some(({ points }) => points.some((point) => point.best))
  const star =
    '<li><svg width="14" height="12" aria-hidden="true"><path class="star" d="M7,0L9,4.5L13.5,4.7L10,7.6L11.2,12L7,9.5L2.8,12L4,7.6L0.5,4.7L5,4.5Z"/></svg>best</li>'
  return `<ul class="key">${items.join('')}${best ? star : ''}</ul>`
}

function segmentKey(): string {
  const items = segmentLabels.map(
    (label, index) =>
      `<li><svg width="12" height="12" aria-hidden="true"><rect class="s${index}" width="12" height="12"/></svg>${label}</li>`,
  )
  return `<ul class="key">${items.join('')}</ul>`
}

function environment({ environment: entries, reproduce }: Report): string {
  const list = entries.map(({ name, text }) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`)
  return section('Environment', [
    `<dl>${list.join('')}</dl>`,
    '<h3>To reproduce</h3>',
    ...reproduce.map(
      ({ text, command }) => `<p>${escapeHtml(text, 1000)}</p><pre>${escapeHtmlBlock(command)}</pre>`,
    ),
  ])
}

function passedOver({ passedOver: runs }: Report): string {
  if (runs.length === 0) return ''
  const items = runs.map((reason) => `<li>${escapeHtml(reason, 500)}</li>`)
  return section('Baselines that were passed over', [`<ul>${items.join('')}</ul>`])
}

const iconPaths: Readonly<Record<Status, string>> = {
  pass: 'M4.5 8.5l2.3 2.3 4.7-5',
  fail: 'M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6',
  inconclusive: 'M8 4v4.6M8 11.6v.1',
  invalid: 'M4.6 8h6.8',
  accepted: 'M4.5 8.5l2.3 2.3 4.7-5',
  info: 'M8 7.4v4.4M8 4.4v.1',
}

/** Drawn, not an emoji: not every machine has a font for those. */
function icon(status: Status): string {
  return `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="8"/><path d="${iconPaths[status]}"/></svg>`
}

function section(title: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  return inside.length === 0
    ? ''
    : `<section><h2>${title}</h2><div class="card">${inside.join('\n')}</div></section>`
}

function details(title: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  return inside.length === 0 ? '' : `<details><summary>${title}</summary>${inside.join('\n')}</details>`
}

function table({ columns, rows }: Table): string {
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
