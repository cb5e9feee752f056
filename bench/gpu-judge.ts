// What the runs of `npm run bench -- gpu` come to.
import { configurationKey } from '../src/domain/configuration.ts'
import { loadKey, loadLabel } from '../src/domain/load.ts'
import type { MetricName } from '../src/domain/metric.ts'
import type { Best, Outcome, Result } from '../src/domain/result.ts'
import type { SearchSummary } from '../src/domain/sweep.ts'
import { placeKey } from '../src/search/state.ts'
import { type BenchPart, targetWords } from './part.ts'
import { leastShare, leastUnderLoad, type Mode, seconds } from './search-judge.ts'

/** One change, what the gate ought to say of it, and what it said. */
export interface GpuCase {
  readonly name: string
  readonly outcome: Outcome
  /** Of which one at least has to fail, at one load; none may where there are none. */
  readonly metrics: readonly MetricName[]
  readonly result: Result
}

export interface Swept {
  readonly mode: Mode
  /** Of the whole command. */
  readonly wallNs: number
  readonly summary: SearchSummary
  readonly best: Best
  /** With the answer's patch applied. */
  readonly repository: string
}

interface Found {
  readonly cases: readonly GpuCase[]
  readonly limits: { readonly latencyMs: number; readonly memoryMb: number }
  readonly quick: Swept
  readonly brute: Swept
  /** Throughput of quick's answer to brute's, measured again in turns; null where one had none. */
  readonly winners: number | null
}

const mebibytes = (bytes: number | null | undefined) =>
  bytes == null ? '–' : `${Math.round(bytes / 2 ** 20)} MiB`
const percent = (ratio: number | null | undefined) => (ratio == null ? '–' : `${(100 * ratio).toFixed(1)} %`)

export function judgeGpu(found: Found): BenchPart {
  const missed = [...found.cases.flatMap(missedOfCase), ...missedReadings(found), ...missedSweep(found)]
  const [first] = found.cases
  const gpus = (first?.result.environment.gpus ?? []).map(
    ({ name, driverVersion, memoryTotalBytes }) =>
      `${name}, ${mebibytes(memoryTotalBytes)}, driver ${driverVersion}`,
  )
  const triton = first?.result.environment.triton
  const markdown = `${gpus.join('; ')} · Triton ${triton?.version} (${triton?.mode}). A model of 40 layers whose weights of 64 MiB are read from GPU memory for each
batch, KIND_GPU, beside itself with one change, both servers on the GPU, in turns. Candidate ÷ reference at concurrency 1 and 4, with 95 % intervals.

| change | verdict (expected) | repetitions | throughput | p50 | p99 | GPU memory |
| --- | --- | --- | --- | --- | --- | --- |
${found.cases.map((one) => `| ${caseRow(one).join(' | ')} |`).join('\n')}

${readings(first?.result)}

The sweep: instances ≤ 3, batch ≤ 4, concurrency ≤ 8, p99 ≤ ${found.limits.latencyMs} ms, gpu_used_memory ≤ ${found.limits.memoryMb} MB. Targets: of quick's sweep ${percent(leastUnderLoad)} under load,
its winner ${leastShare} of brute's throughput, measured again in turns.

| | command | sweep | measurements | under load | loading / start and stop / between | answer | throughput, p99, device memory |
| --- | --- | --- | --- | --- | --- | --- | --- |
${[found.quick, found.brute].map((swept) => `| ${sweepRow(swept).join(' | ')} |`).join('\n')}

${winnersWords(found)}

${targetWords(missed)}`
  return { title: 'GPU', markdown, passed: missed.length === 0 }
}

function winnersWords({ quick, brute, winners }: Found): string {
  return placeKey(quick.best) === placeKey(brute.best)
    ? 'Both have the same winner.'
    : `Throughput of quick's winner ÷ brute's, measured again in turns: ${winners?.toFixed(3) ?? '–'}.`
}

function comparisonsOf({ models }: Result) {
  return models.flatMap(({ comparisons }) => comparisons)
}

function missedOfCase({ name, outcome, metrics, result }: GpuCase): string[] {
  const failed = comparisonsOf(result).filter(({ status }) => status === 'fail')
  const said = result.verdict.outcome
  if (said !== outcome) {
    const [why] = result.verdict.reasons
    return [`${name}: ${said}, not ${outcome}: ${why?.message ?? 'no reason given'}`]
  }
  return metrics.length === 0 || failed.some(({ metric }) => metrics.includes(metric))
    ? []
    : [`${name}: fails by ${failed.map(({ metric }) => metric).join(' and ') || 'nothing measured'}`]
}

/** What has to be known where a GPU is there. */
const read = [
  'gpuMemoryBytes',
  'gpuModelMemoryBytes',
  'gpuDeviceMemoryBytes',
] as const satisfies readonly MetricName[]

function missedReadings({ cases }: Found): string[] {
  return cases.flatMap(({ name, result }) =>
    result.models.flatMap(({ scenarios }) =>
      scenarios.flatMap(({ load, metrics }) =>
        read
          .filter((metric) => !((metrics[metric]?.value ?? 0) > 0))
          .map((metric) => `${name}, ${loadLabel(load)}: no ${metric}`),
      ),
    ),
  )
}

function missedSweep({ quick, winners, limits }: Found): string[] {
  const underLoad = quick.summary.underLoadNs / quick.summary.wallNs
  const memory = quick.best.metrics.gpuDeviceMemoryBytes?.value ?? Number.NaN
  return [
    ...(underLoad >= leastUnderLoad ? [] : [`${percent(underLoad)} of quick's sweep is under load`]),
    ...(quick.best.meetsConstraints ? [] : ["quick's answer does not meet the limits"]),
    ...(memory <= limits.memoryMb * 1e6 ? [] : [`quick's answer holds ${mebibytes(memory)} of the device`]),
    ...(winners !== null && winners >= leastShare
      ? []
      : [`quick's winner has ${winners?.toFixed(3) ?? 'not shown to have any share'} of brute's throughput`]),
  ]
}

function caseRow({ name, outcome, result }: GpuCase): string[] {
  const changes = (metric: MetricName) =>
    comparisonsOf(result)
      .filter((comparison) => comparison.metric === metric)
      .map(({ load, changeRatio, changeInterval, status }) => {
        const interval =
          changeInterval === null ? '' : ` (${changeInterval.map((end) => end.toFixed(3)).join('–')})`
        return `${loadKey(load).replace('concurrency=', 'c')}: ${changeRatio?.toFixed(3) ?? '–'}${interval}${status === 'fail' ? ' **fail**' : ''}`
      })
      .join('; ')
  const repetitions = Math.max(0, ...comparisonsOf(result).map((comparison) => comparison.repetitions))
  return [
    name,
    `${result.verdict.outcome} (${outcome})`,
    String(repetitions),
    changes('inferPerSec'),
    changes('latencyP50Ns'),
    changes('latencyP99Ns'),
    changes('gpuMemoryBytes'),
  ]
}

function readings(result: Result | undefined): string {
  const scenario = result?.models[0]?.scenarios[0]
  if (scenario === undefined) return ''
  const { metrics, load } = scenario
  const bytes = (name: MetricName) => mebibytes(metrics[name]?.value)
  return `Readings of the unchanged model at ${loadLabel(load)}: p99 ${((metrics.latencyP99Ns?.value ?? Number.NaN) / 1e6).toFixed(2)} ms, GPU memory ${bytes('gpuMemoryBytes')} (${metrics.gpuMemoryBytes?.reason ?? 'source not said'}), of it the server without
model ${bytes('gpuIdleServerMemoryBytes')} and the model ${bytes('gpuModelMemoryBytes')}; whole device ${bytes('gpuDeviceMemoryBytes')}, by Triton ${bytes('gpuDeviceMemoryTritonBytes')}.`
}

function sweepRow({ mode, wallNs, summary, best }: Swept): string[] {
  const { phases } = summary
  const value = (name: MetricName) => best.metrics[name]?.value
  return [
    mode,
    seconds(wallNs),
    seconds(summary.wallNs),
    String(summary.measurements),
    percent(summary.underLoadNs / summary.wallNs),
    phases === undefined
      ? '–'
      : [phases.loadNs, phases.startNs + phases.stopNs, phases.otherNs].map(seconds).join(' / '),
    `${configurationKey(best.configuration)} at ${loadLabel(best.load)}${best.tie ? ' (a tie)' : ''}`,
    `${value('inferPerSec')?.toFixed(0) ?? '–'}/s, ${((value('latencyP99Ns') ?? Number.NaN) / 1e6).toFixed(2)} ms, ${mebibytes(value('gpuDeviceMemoryBytes'))}`,
  ]
}
