import type { AttributionSection } from './attribution-rows.ts'
import type { BestSection } from './best-rows.ts'
import { segmentLabels } from './breakdown-rows.ts'
import { breakdownChart, curveChart, dotPlot } from './chart.ts'
import { escapeHtml, escapeHtmlBlock } from './escape.ts'
import { details, icon, table } from './html-parts.ts'
import type { ModelSection } from './rows.ts'
import type { Curve } from './sweep-rows.ts'

/** All that the page has of one model; nothing where there is nothing to be shown. */
export function modelSection(model: ModelSection): string {
  const { name, error, best, attribution, breakdown, sweep, repetitions, warnings } = model
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
