import { describeConfiguration } from '../domain/configuration-words.ts'
import { type IgnoredKey, ignoredKeyWords } from '../domain/ignored-key.ts'
import { loadLabel } from '../domain/load.ts'
import type { ModelResult, Outcome, Reason, Result } from '../domain/result.ts'
import { countInWords } from '../domain/words.ts'
import { type AttributionSection, attributionSection } from './attribution-rows.ts'
import { type BestSection, bestSection } from './best-rows.ts'
import { type Breakdown, breakdown } from './breakdown-rows.ts'
import { type CapacitySection, capacitySection } from './capacity-rows.ts'
import { comparisonTables, constraintTable } from './comparison-rows.ts'
import { concurrentNotice, isConcurrent } from './concurrent.ts'
import { formatBytes, formatDuration, formatNumber, formatTime } from './format.ts'
import { type Repetitions, repetitions } from './repetition-rows.ts'
import { reproduce } from './reproduce-rows.ts'
import { type Sweep, sweep } from './sweep-rows.ts'
import { createFootnotes, type Table } from './table.ts'
import { type TrendSection, trendSection } from './trend-rows.ts'
import {
  baselineProblem,
  comparisonLegend,
  orderedReasons,
  summarise,
  withoutRepeats,
} from './verdict-rows.ts'

/** Everything that the views show: computed, formatted, not yet escaped. */
export interface Report {
  readonly outcome: Outcome
  readonly title: string
  readonly summary: string
  /** What limits the whole report: stopped early, no baseline, warnings of the run. */
  readonly notices: readonly string[]
  readonly reasons: readonly Reason[]
  readonly comparisons: Table
  readonly legend: readonly string[]
  readonly otherMetrics: Table
  readonly constraints: Table
  readonly capacity: CapacitySection
  readonly models: readonly ModelSection[]
  readonly trend: TrendSection | null
  readonly environment: readonly { readonly name: string; readonly text: string }[]
  /** Why other baselines were not used. */
  readonly passedOver: readonly string[]
  readonly candidateLabel: string
  /** How to measure again; and how to come to the same verdict from what was measured, where there is one to come to. */
  readonly reproduce: readonly { readonly text: string; readonly command: string }[]
  /** Footnote 1 first. */
  readonly footnotes: readonly string[]
}

export interface ModelSection {
  readonly name: string
  readonly error: string | null
  readonly best: BestSection | null
  readonly attribution: AttributionSection | null
  readonly breakdown: Breakdown
  readonly sweep: Sweep
  readonly repetitions: Repetitions
  readonly warnings: readonly string[]
}

/** How the measured side is called: a pull request in a comment, something else on the command line. */
export const defaultCandidateLabel = 'Candidate'

export function reportRows(result: Result, candidateLabel = defaultCandidateLabel): Report {
  const footnotes = createFootnotes()
  const { deciding, informing } = comparisonTables(result, footnotes, candidateLabel)
  const constraints = constraintTable(result, footnotes)
  const models = result.models.map(
    (model): ModelSection => ({
      name: model.name,
      error: model.status === 'failed' ? errorText(model) : null,
      best: bestSection(model, result.models),
      attribution: attributionSection(model, candidateLabel),
      breakdown: breakdown(model, footnotes, candidateLabel),
      sweep: sweep(model),
      repetitions: repetitions(model, candidateLabel),
      warnings: [
        ...model.warnings,
        ...model.scenarios.filter(({ role }) => role !== 'sweep').flatMap(scenarioWarnings),
        ...sweepWarnings(model),
      ],
    }),
  )
  return {
    outcome: result.verdict.outcome,
    title: `Performance gate: ${result.verdict.outcome}`,
    summary: summarise(result),
    notices: notices(result, candidateLabel),
    reasons: withoutRepeats(
      orderedReasons(result.verdict.outcome, result.verdict.reasons).map(withoutOwnName),
    ),
    comparisons: deciding,
    legend: deciding.rows.length === 0 ? [] : comparisonLegend(result, candidateLabel),
    otherMetrics: informing,
    constraints,
    capacity: capacitySection(result, candidateLabel),
    models,
    trend: trendSection(result),
    environment: environment(result),
    passedOver: ('passedOver' in result.baseline && result.baseline.passedOver) || [],
    candidateLabel,
    reproduce: reproduce(result),
    footnotes: footnotes.texts(),
  }
}

function errorText({ error }: ModelResult): string {
  if (error === undefined) return 'It could not be measured.'
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`
}

function scenarioWarnings(scenario: ModelResult['scenarios'][number]): string[] {
  return scenario.warnings.map((warning) => `${loadLabel(scenario.load)}: ${warning}`)
}

/** Of warnings that many measurements of the sweep have, each with its own numbers, the first. */
function sweepWarnings({ scenarios, search }: ModelResult): string[] {
  const alike = new Map<string, { readonly first: string; readonly more: number }>()
  for (const { role, configuration, load, warnings } of scenarios) {
    if (role !== 'sweep') continue
    for (const warning of warnings) {
      const kind = warning.replaceAll(/\d+/g, '')
      const known = alike.get(kind)
      const first = `sweep, ${describeConfiguration(configuration)} at ${loadLabel(load)}: ${warning}`
      alike.set(kind, { first: known?.first ?? first, more: known === undefined ? 0 : known.more + 1 })
    }
  }
  const isIdle = search != null && search.mode !== 'off' && search.measurements === 0
  return [
    ...(isIdle ? [`nothing was swept: ${search.stopped}`] : []),
    ...[...alike.values()].map(({ first, more }) =>
      more === 0 ? first : `${first}; and ${countInWords(more, 'measurement')} more like this`,
    ),
  ]
}

function notices(result: Result, candidateLabel: string): readonly string[] {
  const baseline = baselineProblem(result)
  // The verdict may give the same next step as its reason: once is enough.
  const said =
    result.baseline.status === 'absent' &&
    result.verdict.reasons.some(({ next }) => next !== undefined && baseline?.endsWith(next) === true)
  return [
    ...loosenings(result, candidateLabel),
    ...(isConcurrent(result) ? [concurrentNotice(result)] : []),
    ...(result.complete
      ? []
      : ['The run was stopped before its end: what follows is only what was measured until then.']),
    ...(baseline === null || said ? [] : [baseline]),
    ...result.warnings,
    ...ignoredKeysNotice(result.ignoredKeys ?? []),
  ]
}

/** A file of Model Analyzer's has many keys without effect here: one sentence, since they are the same in every report. */
function ignoredKeysNotice(ignored: readonly IgnoredKey[]): string[] {
  const [first] = ignored
  if (first === undefined || ignored.length === 1) return ignored.map(ignoredKeyWords)
  const keys = ignored.map(({ key }) => key).join(', ')
  return [
    `${first.file}: ${ignored.length} keys have no effect here: ${keys}. The command check-config says why.`,
  ]
}

/** A view cuts a notice that is longer than this; what is loosened must be read to its end. */
const maxNoticeLength = 900

/** One sentence where it fits a notice, else as many as it takes: a long list hides nothing. */
function loosenings({ loosened = [] }: Result, candidateLabel: string): string[] {
  const sentences: string[] = []
  for (const clause of loosened) {
    const last = sentences.at(-1)
    const joined = last === undefined ? null : `${last}; ${clause}`
    if (joined !== null && joined.length <= maxNoticeLength) sentences[sentences.length - 1] = joined
    else sentences.push(`${candidateLabel} ${last === undefined ? '' : 'also '}loosens the gate: ${clause}`)
  }
  return sentences.map((sentence) => `${sentence}.`)
}

/** A reason's message names its model, for whoever reads it alone; here the name stands before it already. */
function withoutOwnName(reason: Reason): Reason {
  const prefix = `${reason.model}: `
  return reason.message.startsWith(prefix)
    ? { ...reason, message: reason.message.slice(prefix.length) }
    : reason
}

function environment({ environment, ...result }: Result): Report['environment'] {
  const { triton, host, gpus } = environment
  const gpuText = gpus.map(
    (gpu) =>
      `${gpu.name}, ${formatBytes(gpu.memoryTotalBytes)}, driver ${gpu.driverVersion}${gpu.mig === true ? ', MIG enabled (only the memory of the whole GPU is read, not that of instances or processes)' : ''}${gpu.lockedClockMegahertz === undefined ? '' : `, clocks locked at ${gpu.lockedClockMegahertz} MHz`}`,
  )
  return [
    { name: 'Commit', text: result.commit ?? 'not known' },
    { name: 'Triton', text: `${triton.version}, ${triton.mode} (${triton.source})` },
    {
      name: gpus.length > 1 ? 'GPUs' : 'GPU',
      text:
        gpuText.length > 0
          ? gpuText.join('; ')
          : `not available: ${environment.gpuUnavailable ?? 'none found'}`,
    },
    {
      name: 'Host',
      text: `${host.cpuModel}, ${host.cpuCount} CPUs${host.cpuLimit === undefined ? '' : ` (limit ${formatNumber(host.cpuLimit)})`}${host.cpuGovernor === undefined ? '' : `, governor ${host.cpuGovernor}`}, ${formatBytes(host.memoryTotalBytes)}, ${host.os}`,
    },
    { name: 'Runner class', text: host.runnerClass },
    { name: 'Measured', text: `${formatTime(result.createdAt)}, took ${formatDuration(result.wallNs)}` },
    { name: 'Tool', text: `${result.tool.name} ${result.tool.version}, seed ${result.seed}` },
  ]
}
