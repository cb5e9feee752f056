// What the rounds of `npm run bench -- search` come to.
import { configurationKey } from '../src/domain/configuration.ts'
import { loadLabel } from '../src/domain/load.ts'
import type { SearchSummary } from '../src/domain/sweep.ts'
import { countInWords } from '../src/domain/words.ts'
import { nsPerSecond } from '../src/domain/world.ts'
import { median } from '../src/stats/robust.ts'
import type { ModelAnalyzerRun } from './model-analyzer.ts'
import { type BenchPart, targetWords } from './part.ts'

export const modes = ['quick', 'brute'] as const
export type Mode = (typeof modes)[number]

export interface Swept {
  /** From the command's start to its report: the gated loads once and the sweep. */
  readonly wallNs: number
  readonly summary: SearchSummary
}

/** What Model Analyzer took for a mode; or why it gave no answer. */
export type Theirs = ModelAnalyzerRun | string

export interface Remeasured {
  /** Of quick's winner to brute's; 1 where they are the same place, which then is not measured again. */
  readonly throughputRatio: number
  /** Whether its p99 is within the limit this time, too. */
  readonly quickHolds: boolean
  readonly bruteHolds: boolean
}

export interface Round {
  readonly swept: Readonly<Record<Mode, Swept>>
  /** Both winners, measured again in turns; null where one is missing. */
  readonly remeasured: Remeasured | null
}

const mostSeconds = 50
export const leastUnderLoad = 0.6
export const leastShare = 0.95

export const seconds = (ns: number) => `${(ns / nsPerSecond).toFixed(1)} s`
const percent = (share: number) => `${(100 * share).toFixed(0)} %`

/** Medians over the rounds against the targets. A figure that is missing in a round is a missed target. */
export function judgeSearch(
  model: string,
  found: readonly Round[],
  theirs: Readonly<Record<Mode, Theirs>>,
): BenchPart {
  const failures = [...tooMuch(found), ...worseWinner(found), ...missing(theirs)]
  const markdown = `${model}, instances ≤ 2, batch ≤ 8, concurrency ≤ 8, p99 ≤ 10 ms; medians of ${countInWords(found.length, 'round')}, modes in random order. Wall time is that of
the whole command, the gated loads included. Targets: quick ≤ ${mostSeconds} s, of its sweep ≥ ${percent(leastUnderLoad)} under load, its winner ≥ ${leastShare} of brute's throughput
when both are measured again, in turns, unless brute's alone breaks the limit then. Model Analyzer has one run of each mode,
in the first round.

| | command | sweep | measurements | under load | loading / start and stop / between | Model Analyzer 1.58.0 (ours ÷ theirs) |
| --- | --- | --- | --- | --- | --- | --- |
${modes.map((mode) => `| ${row(found, theirs[mode], mode).join(' | ')} |`).join('\n')}

${found.map(roundWords).join('\n')}

${targetWords(failures)}`
  return { title: 'Sweep', markdown, passed: failures.length === 0 }
}

const underLoadOf = ({ summary }: Swept) => summary.underLoadNs / summary.wallNs

function tooMuch(found: readonly Round[]): string[] {
  const wallNs = median(found.map(({ swept }) => swept.quick.wallNs))
  const underLoad = median(found.map(({ swept }) => underLoadOf(swept.quick)))
  return [
    ...(wallNs <= mostSeconds * nsPerSecond ? [] : [`quick takes ${seconds(wallNs)}`]),
    ...(underLoad >= leastUnderLoad ? [] : [`${percent(underLoad)} of quick's sweep is under load`]),
  ]
}

/** What breaks the limit is no winner, so that a ratio to its throughput says nothing. */
function worseWinner(found: readonly Round[]): string[] {
  const both = found.flatMap(({ remeasured }) => remeasured ?? [])
  const ratios = both
    .filter(({ quickHolds, bruteHolds }) => quickHolds === bruteHolds)
    .map(({ throughputRatio }) => throughputRatio)
  const ratio = ratios.length === 0 ? null : median(ratios)
  const broken = both.filter(({ quickHolds, bruteHolds }) => bruteHolds && !quickHolds).length
  return [
    ...(both.length === found.length
      ? []
      : [`without two winners to compare: ${found.length - both.length} of ${found.length} rounds`]),
    ...(ratio === null || ratio >= leastShare
      ? []
      : [`quick's winner has ${ratio.toFixed(2)} of the throughput of brute's`]),
    ...(2 * broken <= found.length
      ? []
      : [
          `quick's winner breaks the limit when measured again, and brute's does not, in ${broken} of ${found.length} rounds`,
        ]),
  ]
}

/** The ratio to Model Analyzer is a figure that was asked for. */
function missing(theirs: Readonly<Record<Mode, Theirs>>): string[] {
  return modes.flatMap((mode) => {
    const run = theirs[mode]
    return typeof run === 'string'
      ? [`Model Analyzer's ${mode} gave no answer, so its ratio is missing: ${lastWords(run)}`]
      : []
  })
}

const lastWords = (reason: string): string => reason.trim().split('\n').at(-1) ?? ''

function row(found: readonly Round[], theirs: Theirs, mode: Mode): string[] {
  const swept = found.map((round) => round.swept[mode])
  const each = (value: (swept: Swept) => number) => median(swept.map(value))
  const phase = (value: (phases: NonNullable<SearchSummary['phases']>) => number) =>
    seconds(each(({ summary: { phases } }) => (phases === undefined ? 0 : value(phases))))
  const wallNs = each((swept) => swept.wallNs)
  return [
    mode,
    seconds(wallNs),
    seconds(each(({ summary }) => summary.wallNs)),
    String(each(({ summary }) => summary.measurements)),
    percent(each(underLoadOf)),
    [
      phase(({ loadNs }) => loadNs),
      phase(({ startNs, stopNs }) => startNs + stopNs),
      phase(({ otherNs }) => otherNs),
    ].join(' / '),
    typeof theirs === 'string'
      ? 'failed'
      : `${seconds(theirs.wallNs)} (${(wallNs / theirs.wallNs).toFixed(2)})`,
  ]
}

function roundWords({ swept, remeasured }: Round): string {
  const words = modes.map((mode) => {
    return `${mode}: ${seconds(swept[mode].wallNs)}, ${percent(underLoadOf(swept[mode]))} under load, ${winnerWords(swept[mode])}`
  })
  return `- ${words.join('; ')}; throughput of the first ÷ second ${remeasured === null ? '–' : ratioWords(remeasured)}`
}

function ratioWords({ throughputRatio, quickHolds, bruteHolds }: Remeasured): string {
  const broken = [...(quickHolds ? [] : ["quick's"]), ...(bruteHolds ? [] : ["brute's"])]
  const words = broken.length === 0 ? '' : ` (${broken.join(' and ')} breaks the limit)`
  return `${throughputRatio.toFixed(2)}${words}`
}

function winnerWords({ summary: { answer } }: Swept): string {
  if (answer === null) return 'none'
  const { configuration, load, meetsConstraints, tie } = answer
  const words = `${configurationKey(configuration)} at ${loadLabel(load)}`
  return `${words}${tie ? ' (a tie)' : ''}${meetsConstraints ? '' : ' (misses the limit)'}`
}
