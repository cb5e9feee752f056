import type { Result } from '../domain/result.ts'
import { countInWords } from '../domain/words.ts'
import { escapeMarkdown, markdownCode, markdownCodeSpan } from './escape.ts'
import { footnotes, judgedTable } from './markdown-judged.ts'
import { bests, modelBlocks } from './markdown-models.ts'
import { details, droppable, markdownTableOf, type Part, type Plan } from './markdown-parts.ts'
import { trendChart } from './mermaid.ts'
import { defaultCandidateLabel, type Report, reportRows } from './rows.ts'
import { icons } from './table.ts'

export interface MarkdownOptions {
  /** Most bytes of UTF-8: GitHub takes 65536 for a comment and 1 MiB for a job summary. No limit where left out. */
  readonly maxBytes?: number
  /** What the measured side is called; default `Candidate`. */
  readonly candidateLabel?: string
  /** Whether to draw charts, which GitHub shows in a job summary; a comment is read for its first lines. */
  readonly charts?: boolean
}

/** Notes kept where space is short: what the pull request loosens comes first. */
const maxNotes = 8

/** The result as GitHub-flavoured Markdown: for the comment, the job summary and the command line. */
export function renderMarkdown(result: Result, options: MarkdownOptions = {}): string {
  const report = reportRows(result, options.candidateLabel ?? defaultCandidateLabel)
  const limit = options.maxBytes ?? Number.POSITIVE_INFINITY
  let text = ''
  for (const plan of plans(options.charts ?? false)) {
    text = render(report, plan)
    if (Buffer.byteLength(text) <= limit) return text
  }
  return heading(report, 'It is too long to be shown here: see the HTML report.')
}

function heading({ outcome, title, summary }: Report, ...more: string[]): string {
  return [`## ${icons[outcome]} ${title}`, escapeMarkdown(summary, 1000), ...more, ''].join('\n\n')
}

/** From everything to less and less. Failing rows are cut last, worst kept, and the cut is said. */
function* plans(charts: boolean): Generator<Plan> {
  const parts = droppable.filter((part) => charts || part !== 'charts')
  for (let count = 0; count <= parts.length; count++) {
    yield { charts, dropped: new Set(parts.slice(0, count)), maxRows: Number.POSITIVE_INFINITY }
  }
  for (let maxRows = 256; maxRows >= 1; maxRows = Math.floor(maxRows / 2)) {
    yield { charts, dropped: new Set(parts), maxRows }
  }
}

function render(report: Report, plan: Plan): string {
  const has = (part: Part) => !plan.dropped.has(part)
  const blocks = [
    `## ${icons[report.outcome]} ${report.title}`,
    escapeMarkdown(report.summary, 1000),
    ...notices(report, plan),
    reasons(report, plan),
    ...comparisons(report, plan),
    ...constraints(report, plan),
    ...(has('capacity') ? capacity(report) : []),
    footnotes(report, plan),
    ...trend(report, plan),
    ...bests(report, plan),
    ...report.models.flatMap((model) => modelBlocks(model, report.candidateLabel, plan)),
    has('other metrics')
      ? details('Other metrics, for information', [markdownTableOf(report.otherMetrics)])
      : '',
    has('environment') ? environment(report) : '',
    has('runs passed over') ? passedOver(report) : '',
    reproduce(report),
    droppedNote(plan),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function reproduce({ reproduce: commands }: Report): string {
  const shown = commands.map(
    ({ text, command }) => `${escapeMarkdown(text, 1000)} ${markdownCodeSpan(command)}`,
  )
  return shown.length === 0 ? '' : `To reproduce: ${shown.join(' ')}`
}

function notices(report: Report, { dropped, maxRows }: Plan): readonly string[] {
  const most = dropped.has('further notes') ? Math.min(maxNotes, maxRows) : Number.POSITIVE_INFINITY
  const lines = report.notices.slice(0, most).map((notice) => `> **Note:** ${escapeMarkdown(notice, 1000)}`)
  const more = report.notices.length - lines.length
  return [...lines, ...(more > 0 ? [`> … and ${countInWords(more, 'more note')}.`] : [])]
}

function reasons(report: Report, { maxRows }: Plan): string {
  const lines = report.reasons.slice(0, maxRows).map(({ outcome, model, message, cause, next }) => {
    const subject = model === undefined ? '' : `${markdownCode(model)}: `
    const why = cause === undefined ? '' : `\n  - Cause: ${escapeMarkdown(cause, 1000)}`
    const step = next === undefined ? '' : `\n  - Next: ${escapeMarkdown(next, 1000)}`
    return `- ${icons[outcome]} ${subject}${escapeMarkdown(message, 1000)}${why}${step}`
  })
  const more = report.reasons.length - lines.length
  return [...lines, ...(more > 0 ? [`- … and ${countInWords(more, 'more reason')}.`] : [])].join('\n')
}

function comparisons(report: Report, plan: Plan): readonly string[] {
  if (report.comparisons.rows.length === 0) return []
  const legend = report.legend.map((line) => escapeMarkdown(line, 500)).join(' ')
  return ['### Compared', ...judgedTable(report.comparisons, 'comparison', plan), `<sub>${legend}</sub>`]
}

function constraints(report: Report, plan: Plan): readonly string[] {
  if (report.constraints.rows.length === 0) return []
  return ['### Budgets and constraints', ...judgedTable(report.constraints, 'constraint', plan)]
}

function capacity({ capacity: { table: rows, sentences } }: Report): readonly string[] {
  if (rows.rows.length === 0) return []
  const plans = sentences.map(({ model, text }) => `${markdownCode(model)}: ${escapeMarkdown(text, 1000)}`)
  return ['### Capacity', ...plans, markdownTableOf(rows)]
}

/** Rows and charts of a trend: what a person looks into at once. The HTML report has all of them. */
const maxTrendRows = 10
const maxTrendCharts = 3

/** Bad news as a section of its own; that there is none, in one small line. */
function trend({ trend: section }: Report, { charts, dropped, maxRows }: Plan): readonly string[] {
  if (section === null) return []
  const { summary, table: all } = section
  if (all.rows.length === 0) return [`<sub>Trend: ${escapeMarkdown(summary, 1000)}</sub>`]
  const title = ['### Trend', `⚠️ ${escapeMarkdown(summary, 1000)}`]
  if (dropped.has('trend')) return title
  const rows = all.rows.slice(0, Math.min(maxTrendRows, maxRows))
  const more = all.rows.length - rows.length
  return [
    ...title,
    markdownTableOf({ ...all, rows }),
    more === 0 ? '' : `… and ${countInWords(more, 'more row')} in the HTML report.`,
    ...(charts && !dropped.has('charts') ? section.charts.slice(0, maxTrendCharts).flatMap(trendChart) : []),
  ]
}

function environment(report: Report): string {
  const rows = report.environment.map(({ name, text }) => `- ${name}: ${escapeMarkdown(text)}`)
  return details('Environment', [rows.join('\n')])
}

function passedOver({ passedOver: runs }: Report): string {
  if (runs.length === 0) return ''
  const lines = runs.map((reason) => `- ${escapeMarkdown(reason, 500)}`)
  return details('Baselines that were passed over', [lines.join('\n')])
}

function droppedNote({ dropped, maxRows }: Plan): string {
  if (dropped.size === 0) return ''
  const rows = maxRows === Number.POSITIVE_INFINITY ? '' : ', and rows beyond the worst'
  return `<sub>Left out for lack of space: ${[...dropped].join(', ')}${rows}. The HTML report holds everything.</sub>`
}
