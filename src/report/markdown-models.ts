import type { BestSection } from './best-rows.ts'
import { escapeMarkdown, escapeMarkdownHtml, markdownCode, markdownFence } from './escape.ts'
import { details, markdownTableOf, type Part, type Plan } from './markdown-parts.ts'
import { latencyChart } from './mermaid.ts'
import type { ModelSection, Report } from './rows.ts'
import type { Table } from './table.ts'

/** Patches shown unfolded. */
const maxOpenPatches = 2

export function bests(report: Report, { dropped, maxRows }: Plan): readonly string[] {
  if (maxRows !== Number.POSITIVE_INFINITY) return []
  const open = report.models.filter(({ best }) => best?.patch != null).length <= maxOpenPatches
  const blocks = report.models.flatMap(({ name, best }) =>
    best === null ? [] : [bestBlock(markdownCode(name), best, !dropped.has('patches'), open)],
  )
  return blocks.length === 0 ? [] : ['### Best configuration found', ...blocks]
}

function bestBlock(name: string, best: BestSection, withPatch: boolean, open: boolean): string {
  const sentences = best.sentences.map((sentence) => escapeMarkdown(sentence, 1000)).join(' ')
  const text = `${name}: ${escapeMarkdown(best.headline, 500)}. ${sentences}`.trimEnd()
  if (best.patch === null || !withPatch) return text
  const fence = markdownFence(best.patch, 'diff')
  return `${text}\n\n${open ? fence : details('Patch for config.pbtxt', [fence])}`
}

/** One folded section per model, its summary saying what is inside; what went wrong stays outside. */
export function modelBlocks(
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
