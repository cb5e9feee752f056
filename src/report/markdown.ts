import { markdownTable } from 'markdown-table'
import type { Result } from '../domain/result.ts'
import { countInWords } from '../domain/words.ts'
import { escapeMarkdown, escapeMarkdownHtml, markdownCode, markdownFence } from './escape.ts'
import { latencyChart, trendChart } from './mermaid.ts'
import {
  type BestSection,
  defaultCandidateLabel,
  type ModelSection,
  type Report,
  reportRows,
} from './rows.ts'
import { type Cell, icons, type Table, type TableRow } from './table.ts'

export interface MarkdownOptions {
  /** Most bytes of UTF-8: GitHub takes 65536 for a comment and 1 MiB for a job summary. No limit where left out. */
  readonly maxBytes?: number
  /** What the measured side is called; default `Candidate`. */
  readonly candidateLabel?: string
  /** Whether to draw charts, which GitHub shows in a job summary; a comment is read for its first lines. */
  readonly charts?: boolean
}

/** What may be left out, in the order in which it goes when space is short: the least needed for a decision first. */
const droppable = [
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
type Part = (typeof droppable)[number]

/** More rows that pass than this are folded away: they are not what a reviewer looks for. */
const maxOpenPassingRows = 12

/** Notes kept where space is short: what the pull request loosens comes first. */
const maxNotes = 8

/** Patches shown unfolded. */
const maxOpenPatches = 2

interface Plan {
  readonly charts: boolean
  readonly dropped: ReadonlySet<Part>
  /** Rows and reasons kept in each list; Infinity until nothing else is left to drop. */
  readonly maxRows: number
}

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
    `To reproduce: ${report.reproduce.map(({ text, command }) => `${escapeMarkdown(text, 1000)} \`${command}\``).join(' ')}`,
    droppedNote(plan),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
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

function judgedTable(all: Table, noun: string, plan: Plan): readonly string[] {
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

function bests(report: Report, { dropped, maxRows }: Plan): readonly string[] {
  if (maxRows !== Number.POSITIVE_INFINITY) return []
  const open = report.models.filter(({ best }) => best?.patch != null).length <= maxOpenPatches
  const blocks = report.models.flatMap(({ name, best }) =>
    best === null ? [] : [bestBlock(markdownCode(name), best, !dropped.has('patches'), open)],
  )
  return blocks.length === 0 ? [] : ['### Best configuration found', ...blocks]
}

function bestBlock(name: string, best: BestSection, withPatch: boolean, open: boolean): string {
  const sentences = best.sentences.map((sentence) => escapeMarkdown(sentence, 1000)).join(' ')
  const text = `${name}: ${escapeMarkdown(best.headline, 500)}. ${sentences}`
  if (best.patch === null || !withPatch) return text
  const fence = markdownFence(best.patch, 'diff')
  return `${text}\n\n${open ? fence : details('Patch for config.pbtxt', [fence])}`
}

/** One folded section per model, its summary saying what is inside; what went wrong stays outside. */
function modelBlocks(
  model: ModelSection,
  candidateLabel: string,
  { charts, dropped, maxRows }: Plan,
): readonly string[] {
  const { attribution, breakdown, sweep, repetitions } = model
  const name = markdownCode(model.name)
  const has = (part: Part, table: Table) => !dropped.has(part) && table.rows.length > 0
  const error =
    model.error === null || maxRows !== Number.POSITIVE_INFINITY
      ? ''
      : `🚫 ${name} could not be measured: ${escapeMarkdown(model.error, 1000)}`
  const warnings = dropped.has('warnings of models') ? [] : model.warnings
  const chart = charts && !dropped.has('charts') ? latencyChart(sweep.chart, candidateLabel) : []
  const topics = [
    attribution === null || dropped.has('causes')
      ? null
      : {
          title: 'why it is worse',
          blocks: [
            '**Why it is worse.**',
            attribution.sentences.map((each) => `- ${escapeMarkdown(each, 1000)}`).join('\n'),
            markdownTableOf(attribution.table),
          ],
        },
    chart.length === 0 ? null : { title: 'latency by load', blocks: chart },
    has('time breakdown', breakdown.table)
      ? {
          title: 'where the time goes',
          blocks: ['**Where the time goes** in an average request', markdownTableOf(breakdown.table)],
        }
      : null,
    has('sweep measurements', sweep.table)
      ? {
          title: 'all measurements',
          blocks: [
            `**All measurements.** ${sweep.notes.map((note) => escapeMarkdown(note)).join(' ')}`,
            markdownTableOf(sweep.table),
          ],
        }
      : null,
    has('repetitions', repetitions.table)
      ? {
          title: `repetitions${repetitions.voided === 0 ? '' : ` (${repetitions.voided} voided)`}`,
          blocks: [
            '**Repetitions.** Each is a fresh server process; a voided one counts for nothing.',
            markdownTableOf(repetitions.table),
          ],
        }
      : null,
  ].filter((topic) => topic !== null)
  const summary = `<code>${escapeMarkdownHtml(model.name)}</code>: ${topics.map(({ title }) => title).join(', ')}`
  return [
    error,
    warnings.map((warning) => `- ⚠️ ${name}: ${escapeMarkdown(warning)}`).join('\n'),
    details(
      summary,
      topics.flatMap(({ blocks }) => blocks),
    ),
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

/** Those that something shown refers to. */
function footnotes(report: Report, plan: Plan): string {
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

function droppedNote({ dropped, maxRows }: Plan): string {
  if (dropped.size === 0) return ''
  const rows = maxRows === Number.POSITIVE_INFINITY ? '' : ', and rows beyond the worst'
  return `<sub>Left out for lack of space: ${[...dropped].join(', ')}${rows}. The HTML report holds everything.</sub>`
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
function details(summary: string, blocks: readonly string[]): string {
  const inside = blocks.filter((block) => block !== '')
  if (inside.length === 0) return ''
  return `<details><summary>${summary}</summary>\n\n${inside.join('\n\n')}\n\n</details>`
}

function superscript(value: number): string {
  return Array.from(String(value), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))).join('')
}
