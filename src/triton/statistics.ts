import type { ModelStatistics, StatisticDuration } from '../proto/grpc_service_pb.js'

/** What the server did for a model between two readings. Times are averages of one request, null where there was none. */
export interface ServerTimes {
  readonly serverQueueNs: number | null
  readonly serverComputeInputNs: number | null
  readonly serverComputeInferNs: number | null
  readonly serverComputeOutputNs: number | null
  /** The whole time in the server: queue, compute, and its own overhead between them. */
  readonly successNs: number | null
  /** Inferences for each execution of the backend. */
  readonly executedBatchSize: number | null
  /** Successful requests. */
  readonly requestCount: number
  readonly failCount: number
  /** Of the successful requests, those answered from the response cache. */
  readonly cacheHitCount: number
}

export type StatisticsDelta =
  | { readonly status: 'available'; readonly times: ServerTimes }
  | { readonly status: 'unavailable'; readonly reason: string }

const durations = [
  'success',
  'fail',
  'queue',
  'computeInput',
  'computeInfer',
  'computeOutput',
  'cacheHit',
] as const
type Duration = (typeof durations)[number]

interface Counters {
  readonly inferenceCount: bigint
  readonly executionCount: bigint
  readonly durations: Readonly<Record<Duration, { readonly count: bigint; readonly ns: bigint }>>
}

/**
 * Triton adds a batch's whole duration to each of its requests, so the average of a request is
 * Δns / Δcount of the same field (extension_statistics.md), never Δns / Δexecutions. Counters belong to
 * one load of the model: one that falls, or a version that comes or goes, means it was loaded anew.
 */
export function statisticsDelta(
  before: readonly ModelStatistics[],
  after: readonly ModelStatistics[],
  model: string,
): StatisticsDelta {
  const versions = (rows: readonly ModelStatistics[]) =>
    rows
      .filter((row) => row.name === model)
      .map((row) => row.version)
      .toSorted()
      .join(' ')
  const [first, last] = [versions(before), versions(after)]
  if (last === '') return { status: 'unavailable', reason: `the server has no statistics of '${model}'` }
  if (first !== last) {
    return {
      status: 'unavailable',
      reason: `the loaded versions changed meanwhile (${first || 'none'} → ${last})`,
    }
  }
  const delta = subtract(sum(after, model), sum(before, model))
  if (delta === null)
    return { status: 'unavailable', reason: `'${model}' was loaded anew meanwhile: its counters fell` }
  return { status: 'available', times: averages(delta) }
}

function averages(delta: Counters): ServerTimes {
  const average = (name: Duration) => ratio(delta.durations[name].ns, delta.durations[name].count)
  return {
    serverQueueNs: average('queue'),
    serverComputeInputNs: average('computeInput'),
    serverComputeInferNs: average('computeInfer'),
    serverComputeOutputNs: average('computeOutput'),
    successNs: average('success'),
    executedBatchSize: ratio(delta.inferenceCount, delta.executionCount),
    requestCount: Number(delta.durations.success.count),
    failCount: Number(delta.durations.fail.count),
    cacheHitCount: Number(delta.durations.cacheHit.count),
  }
}

function ratio(part: bigint, count: bigint): number | null {
  return count === 0n ? null : Number(part) / Number(count)
}

/** Over all versions of the model. */
function sum(rows: readonly ModelStatistics[], model: string): Counters {
  const own = rows.filter((row) => row.name === model)
  const total = (of: (row: ModelStatistics) => bigint) => own.reduce((all, row) => all + of(row), 0n)
  const field = (name: Duration, part: keyof Pick<StatisticDuration, 'count' | 'ns'>) =>
    total((row) => row.inferenceStats?.[name]?.[part] ?? 0n)
  return {
    inferenceCount: total((row) => row.inferenceCount),
    executionCount: total((row) => row.executionCount),
    durations: mapDurations((name) => ({ count: field(name, 'count'), ns: field(name, 'ns') })),
  }
}

/** null where any counter fell. */
function subtract(after: Counters, before: Counters): Counters | null {
  const delta: Counters = {
    inferenceCount: after.inferenceCount - before.inferenceCount,
    executionCount: after.executionCount - before.executionCount,
    durations: mapDurations((name) => ({
      count: after.durations[name].count - before.durations[name].count,
      ns: after.durations[name].ns - before.durations[name].ns,
    })),
  }
  const all = [delta.inferenceCount, delta.executionCount]
  for (const { count, ns } of Object.values(delta.durations)) all.push(count, ns)
  return all.some((value) => value < 0n) ? null : delta
}

function mapDurations(of: (name: Duration) => { count: bigint; ns: bigint }): Counters['durations'] {
  return {
    success: of('success'),
    fail: of('fail'),
    queue: of('queue'),
    computeInput: of('computeInput'),
    computeInfer: of('computeInfer'),
    computeOutput: of('computeOutput'),
    cacheHit: of('cacheHit'),
  }
}
