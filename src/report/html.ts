import { createHash } from 'node:crypto'
import type { Result } from '../domain/result.ts'
import { escapeHtml, escapeHtmlBlock } from './escape.ts'
import { modelSection } from './html-models.ts'
import { icon, section, table } from './html-parts.ts'
import { styleSheet } from './html-style.ts'
import { defaultCandidateLabel, type Report, reportRows } from './rows.ts'
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
    ...report.models.map(modelSection),
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
