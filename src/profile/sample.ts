import type { Load } from '../domain/load.ts'
import { type MetricName, minRequestsForPercentile, reportedPercentiles } from '../domain/metric.ts'
import { type ClientHealth, failedRequests, type Repetition, type WarmUp } from '../domain/scenario.ts'
import type { GpuMemory } from '../gpu/readings.ts'
import { highest, worstThread } from '../load/client-health.ts'
import type { Window } from '../load/generator.ts'
import { mergeLatencies } from '../load/window.ts'
import { quantile } from '../stats/quantile.ts'
import { mean } from '../stats/robust.ts'
import type { HostActivity } from '../system/host-activity.ts'
import type { ServerTimes, StatisticsDelta } from '../triton/statistics.ts'
import { inferPerSec, toBlock } from './blocks.ts'
import type { Composing } from './composing.ts'
import { responseMetrics } from './response-metrics.ts'
import { sendMetrics } from './send-metrics.ts'
import { serverCounts } from './server-counts.ts'

/** What the GPUs gave of one side; null = not available. */
export interface GpuSample {
  readonly gpuMemory: GpuMemory | null
  /** Whole devices, all processes on them; `source` where it is not nvidia-smi, or why there are no bytes. */
  readonly gpuDeviceMemory?: { readonly bytes: number | null; readonly source: string | null }
  readonly gpuDeviceMemoryTritonBytes?: number | null
  /** What the server held before the model was loaded. */
  readonly gpuIdleServerMemoryBytes?: number | null
  readonly gpuUtilizationRatio: number | null
  readonly gpuPowerWatts: number | null
  /** Where nvidia-smi and Triton's own metrics differ, in words. */
  readonly gpuDoubts?: readonly string[]
}

export const noGpu: GpuSample = { gpuMemory: null, gpuUtilizationRatio: null, gpuPowerWatts: null }

/** What one side gave under one load in one repetition, before it is summed up. */
export interface Sample extends GpuSample {
  readonly startNs: number
  readonly warmUp?: WarmUp | undefined
  /** Wall time of all sides' warm-ups and blocks, lead-ins and lead-outs included; left out where it is not known. */
  readonly underLoadNs?: number
  readonly windows: readonly Window[]
  /** From ModelStatistics over these windows, lead-ins included. */
  readonly server: StatisticsDelta
  /** Left out where the model needs no other. */
  readonly composing?: Composing | undefined
  readonly serverMemoryBytes: number | null
  readonly serverCpuNsPerInference?: number | null
  readonly host?: HostActivity | undefined
  /** Reasons from outside the load: throttling, another tenant on the GPU. */
  readonly disturbances: readonly string[]
  /** What went wrong with the models that were under load at the same time; it voids this sample, too. */
  readonly neighbours?: readonly string[]
  /** Why the engine gave no numbers, where that was not the model's doing: then there are no windows to go by. */
  readonly unmeasured?: { readonly reason: string; readonly client: ClientHealth }
  /** What a reader of the numbers should know. */
  readonly notes?: readonly string[]
}

/** A repetition as it goes into the file, with the samples that only the scenario's percentiles still need. */
export interface Measured {
  readonly sample: Sample
  readonly repetition: Repetition
}

/** One side's repetition as it goes into the file. */
export function toRepetition(
  sample: Sample,
  load: Load,
  index: number,
  pairedWith: number | null,
  maxFailureRatio: number,
): Repetition {
  const latencies = mergeLatencies(sample.windows)
  const failures = sumFailures(sample.windows)
  const client = clientOf(sample)
  const voidReasons = [...sample.disturbances, ...client.problems, ...(sample.neighbours ?? [])]
  const failed = failedRequests({ failures })
  const first = sample.windows.find((window) => window.firstFailure !== null)?.firstFailure
  const words = first == null ? '' : `: ${first}`
  if (failed > maxFailureRatio * (failed + latencies.length)) {
    voidReasons.push(
      `failed_requests: ${failed} of ${failed + latencies.length} (${describeFailures(failures)})${words}`,
    )
  }
  if (sample.unmeasured !== undefined) voidReasons.push(sample.unmeasured.reason)
  else if (latencies.length === 0)
    voidReasons.push(`no_requests: not one request succeeded${failed > 0 ? '' : words}`)
  return {
    index,
    pairedWith,
    startNs: sample.startNs,
    durationNs: sample.windows.reduce((sum, window) => sum + window.durationNs, 0),
    ...(sample.warmUp === undefined ? {} : { warmUp: sample.warmUp }),
    requests: latencies.length,
    failures,
    metrics: repetitionMetrics(sample, latencies, load),
    ...(sample.composing === undefined ? {} : { composing: sample.composing.models }),
    blocks: sample.windows.map((window) => toBlock(window, load)),
    client,
    ...serverCounts(sample),
    ...(sample.host === undefined ? {} : { host: sample.host }),
    status: voidReasons.length === 0 ? 'valid' : 'void',
    voidReasons,
  }
}

function clientOf(sample: Sample): ClientHealth {
  return sample.unmeasured?.client ?? worstClient(sample.windows)
}

/** Spoilt by the machine or the instrument, not by the model: worth to be measured again. */
export function isDisturbed(sample: Sample): boolean {
  return (
    sample.disturbances.length > 0 || sample.unmeasured !== undefined || clientOf(sample).problems.length > 0
  )
}

/** Void by the model's own failures, not by what disturbed it. */
export function failedItself({ voidReasons }: Repetition): boolean {
  return voidReasons.some((reason) => /^(failed_requests|no_requests):/.test(reason))
}

/** Not one request succeeded. */
export function isSilent(sample: Sample): boolean {
  return sample.unmeasured === undefined && sample.windows.every((window) => window.latenciesNs.length === 0)
}

function repetitionMetrics(
  sample: Sample,
  latencies: Float64Array,
  load: Load,
): Partial<Record<MetricName, number | null>> {
  const server = sample.server.status === 'available' ? sample.server.times : null
  const averageNs = latencies.length === 0 ? null : mean(latencies)
  return {
    latencyAvgNs: averageNs,
    ...percentilesOf(latencies),
    latencyMaxNs: latencies.at(-1) ?? null,
    inferPerSec: sample.windows.length === 0 ? null : inferPerSec(sample.windows, load),
    ...responseMetrics(sample.windows),
    ...sendMetrics(sample.windows),
    serverQueueNs: server?.serverQueueNs ?? null,
    serverComputeInputNs: server?.serverComputeInputNs ?? null,
    serverComputeInferNs: server?.serverComputeInferNs ?? null,
    serverComputeOutputNs: server?.serverComputeOutputNs ?? null,
    // A decoupled model answers when its execution is over and counted: the rest is not overhead.
    networkOverheadNs: sample.windows.some(({ responses }) => responses) ? null : overhead(averageNs, server),
    executedBatchSize: server?.executedBatchSize ?? null,
    gpuMemoryBytes: sample.gpuMemory?.bytes ?? null,
    gpuIdleServerMemoryBytes: sample.gpuIdleServerMemoryBytes ?? null,
    gpuModelMemoryBytes: modelShare(sample),
    gpuDeviceMemoryBytes: sample.gpuDeviceMemory?.bytes ?? null,
    gpuDeviceMemoryTritonBytes: sample.gpuDeviceMemoryTritonBytes ?? null,
    gpuUtilizationRatio: sample.gpuUtilizationRatio,
    gpuPowerWatts: sample.gpuPowerWatts,
    serverMemoryBytes: sample.serverMemoryBytes,
    serverCpuNsPerInference: sample.serverCpuNsPerInference ?? null,
  }
}

/** What came with the model; null where what the server took without it is not known. */
function modelShare({ gpuMemory, gpuIdleServerMemoryBytes: idle }: GpuSample): number | null {
  if (gpuMemory === null || gpuMemory.bytes === null || idle == null) return null
  return Math.max(0, gpuMemory.bytes - idle)
}

/** Percentiles of a sorted sample; null below the number of requests that a percentile needs. */
function percentilesOf(sorted: Float64Array): Partial<Record<MetricName, number | null>> {
  return Object.fromEntries(
    reportedPercentiles.map(({ name, percentile }) => [
      name,
      sorted.length < minRequestsForPercentile(percentile) ? null : quantile(sorted, percentile),
    ]),
  )
}

/** Client latency that the server does not account for: network, gRPC, scheduling, and the server's own overhead. */
function overhead(averageNs: number | null, server: ServerTimes | null): number | null {
  if (averageNs === null || server === null) return null
  const parts = [
    server.serverQueueNs,
    server.serverComputeInputNs,
    server.serverComputeInferNs,
    server.serverComputeOutputNs,
  ]
  if (parts.some((part) => part === null)) return null
  return Math.max(0, averageNs - parts.reduce<number>((sum, part) => sum + (part ?? 0), 0))
}

export function sumFailures(windows: readonly Window[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const window of windows) {
    for (const [status, count] of Object.entries(window.failures))
      failures[status] = (failures[status] ?? 0) + count
  }
  return failures
}

export function describeFailures(failures: Readonly<Record<string, number>>): string {
  return Object.entries(failures)
    .map(([status, count]) => `${status} × ${count}`)
    .join(', ')
}

/** The worst window's figures; saturated where most windows were, frozen where one was. */
function worstClient(windows: readonly Window[]): ClientHealth {
  const clients = windows.map(({ client }) => client)
  const [first] = clients
  if (first === undefined) throw new RangeError('a repetition without windows')
  // A majority, not one: a single block beside a neighbour's burst says nothing of the instrument.
  const saturated = clients.filter((client) => client.saturated).length * 2 > clients.length
  const problems = clients.flatMap((client) => client.problems)
  const achieved = clients.flatMap(({ achievedRatio }) => achievedRatio ?? [])
  return {
    ...first,
    ...worstThread(clients),
    cpuNsPerRequest: highest(clients.map(({ cpuNsPerRequest }) => cpuNsPerRequest)),
    lateRatio: Math.max(...clients.map(({ lateRatio }) => lateRatio)),
    achievedRatio: achieved.length === 0 ? null : Math.min(...achieved),
    threads: first.threads.map((_, index) =>
      worstThread(clients.flatMap(({ threads }) => threads[index] ?? [])),
    ),
    saturated,
    problems: firstOfEachKind(problems.filter((clause) => saturated || !isSaturation(clause))),
  }
}

function isSaturation(clause: string): boolean {
  return clause.startsWith('client_saturated:')
}

/** The figures differ from block to block; one of each kind tells. */
function firstOfEachKind(problems: readonly string[]): string[] {
  const kinds = new Map<string, string>()
  for (const clause of problems.toReversed()) kinds.set(clause.replaceAll(/\d+(\.\d+)?/g, '#'), clause)
  return [...kinds.values()].toReversed()
}
