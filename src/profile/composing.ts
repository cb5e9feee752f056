import type { ComposingModel, serverParts } from '../domain/composing.ts'
import type { ModelStatistics } from '../proto/grpc_service_pb.js'
import { mean } from '../stats/robust.ts'
import type { ComposingPart } from '../triton/composing.ts'
import { type ServerTimes, type StatisticsDelta, statisticsDelta } from '../triton/statistics.ts'

/** The composing models of one side under one load in one repetition. */
export interface Composing {
  readonly models: readonly ComposingModel[]
  /** Why numbers are missing, or are not this load's alone; one sentence each. */
  readonly warnings: readonly string[]
}

/** Two readings of ModelStatistics of all models → what the composing models did for the measured one between them. */
export function composingBetween(
  before: readonly ModelStatistics[],
  after: readonly ModelStatistics[],
  own: StatisticsDelta,
  parts: readonly ComposingPart[],
): Composing {
  const requests = own.status === 'available' ? own.times.requestCount + own.times.failCount : null
  const read = parts.map((part) => {
    const { model } = part
    const delta = statisticsDelta(before, after, model)
    if (delta.status === 'unavailable') {
      return { models: [], warnings: [`composing model '${model}' has no numbers: ${delta.reason}`] }
    }
    const { times } = delta
    const counted = times.requestCount + times.failCount
    return {
      models: [rowOf(part, times, requests === null || requests === 0 ? null : counted / requests)],
      warnings: strangers(part, counted, requests),
    }
  })
  return {
    models: read.flatMap(({ models }) => models),
    warnings: read.flatMap(({ warnings }) => warnings),
  }
}

function rowOf(
  { model, via }: ComposingPart,
  times: ServerTimes,
  requestsPerRequest: number | null,
): ComposingModel {
  const { requestCount, failCount, executedBatchSize, cacheHitCount } = times
  return {
    model,
    via,
    requestCount,
    failCount,
    requestsPerRequest,
    serverQueueNs: times.serverQueueNs,
    serverComputeInputNs: times.serverComputeInputNs,
    serverComputeInferNs: times.serverComputeInferNs,
    serverComputeOutputNs: times.serverComputeOutputNs,
    executedBatchSize,
    cacheHitCount,
  }
}

/** Fewer requests than the steps make are no stranger's: an earlier step failed, or an ensemble's cache answered. */
function strangers({ model, perRequest }: ComposingPart, counted: number, requests: number | null): string[] {
  if (requests === null || perRequest === null) return []
  const expected = requests * perRequest
  // As for the measured model itself: a health check now and then disturbs nobody.
  if (counted <= expected * 1.01 + 2) return []
  return [
    `composing model '${model}' was asked ${counted} times, ${expected} of them from here: other clients use it, and its times are not this load's alone`,
  ]
}

/**
 * An ensemble's own queue time ends where its first step begins, while its compute times are the sums over its steps
 * (Triton's extension_statistics.md): without the steps' queues a full queue would pass for overhead. As
 * perf_analyzer, which sums both.
 */
export function withQueuesOfSteps(
  own: StatisticsDelta,
  { models }: Composing,
  isEnsemble: boolean,
): StatisticsDelta {
  if (!isEnsemble || own.status === 'unavailable' || own.times.serverQueueNs === null) return own
  // What a step's code calls is in the step's compute infer time, queue and all.
  const steps = models.filter(({ via }) => via === 'step')
  const queues = steps.map((each) => (each.requestsPerRequest ?? 0) * (each.serverQueueNs ?? 0))
  const serverQueueNs = queues.reduce((sum, queue) => sum + queue, own.times.serverQueueNs)
  return { status: 'available', times: { ...own.times, serverQueueNs } }
}

/** Several repetitions' numbers as one: counts added up, averages as means over repetitions, like a scenario's metrics. */
export function overRepetitions(
  repetitions: readonly (readonly ComposingModel[])[],
): readonly ComposingModel[] {
  const all = repetitions.flat()
  const names = [...new Set(all.map(({ model }) => model))]
  return names.flatMap((name) => {
    const rows = all.filter(({ model }) => model === name)
    const [first] = rows
    if (first === undefined) return []
    const total = (name: 'requestCount' | 'failCount' | 'cacheHitCount') =>
      rows.reduce((sum, row) => sum + row[name], 0)
    const average = (name: 'requestsPerRequest' | 'executedBatchSize' | (typeof serverParts)[number]) => {
      const values = rows.flatMap((row) => row[name] ?? [])
      return values.length === 0 ? null : mean(values)
    }
    return {
      ...first,
      requestCount: total('requestCount'),
      failCount: total('failCount'),
      requestsPerRequest: average('requestsPerRequest'),
      serverQueueNs: average('serverQueueNs'),
      serverComputeInputNs: average('serverComputeInputNs'),
      serverComputeInferNs: average('serverComputeInferNs'),
      serverComputeOutputNs: average('serverComputeOutputNs'),
      executedBatchSize: average('executedBatchSize'),
      cacheHitCount: total('cacheHitCount'),
    }
  })
}
