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
  /** Of the response cache: requests that it answered, those that it could not, and their average times in it. */
  readonly cacheHitCount: number
  readonly cacheMissCount: number
  readonly cacheHitNs: number | null
  readonly cacheMissNs: number | null
  /** Executions by batch size, ascending. */
  readonly batches: readonly { readonly batchSize: number; readonly executions: number }[]
  /** What does not fit together in the server's own numbers; null where all does. */
  readonly problem: string | null
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
  'cacheMiss',
] as const
type Duration = (typeof durations)[number]

interface Counters {
  readonly inferenceCount: bigint
  readonly executionCount: bigint
  /** By batch size. */
  readonly executions: ReadonlyMap<bigint, bigint>
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
  if (typeof delta === 'string') {
    return {
      status: 'unavailable',
      reason: `'${model}' was loaded anew meanwhile, or its server restarted: its counter ${delta}`,
    }
  }
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
    cacheMissCount: Number(delta.durations.cacheMiss.count),
    cacheHitNs: average('cacheHit'),
    cacheMissNs: average('cacheMiss'),
    batches: [...delta.executions]
      .filter(([, executions]) => executions > 0n)
      .map(([batchSize, executions]) => ({ batchSize: Number(batchSize), executions: Number(executions) }))
      .toSorted((a, b) => a.batchSize - b.batchSize),
    problem: unequalCounts(delta),
  }
}

/** A backend reports the three together; perf_analyzer crashes where they differ. */
function unequalCounts({
  durations: { computeInput, computeInfer, computeOutput },
}: Counters): string | null {
  const counts = [computeInput.count, computeInfer.count, computeOutput.count]
  if (new Set(counts).size === 1) return null
  return `the server counted ${counts[0]} compute inputs, ${counts[1]} compute infers and ${counts[2]} compute outputs: its times are averages of different requests`
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
    executions: executionsOf(own),
    durations: mapDurations((name) => ({ count: field(name, 'count'), ns: field(name, 'ns') })),
  }
}

/** `batch_stats`: Triton counts the compute of each execution of a batch size once. */
function executionsOf(rows: readonly ModelStatistics[]): Map<bigint, bigint> {
  const executions = new Map<bigint, bigint>()
  for (const { batchSize, computeInfer } of rows.flatMap(({ batchStats }) => batchStats))
    executions.set(batchSize, (executions.get(batchSize) ?? 0n) + (computeInfer?.count ?? 0n))
  return executions
}

/** Where a counter fell, which one, and from what to what. */
function subtract(after: Counters, before: Counters): Counters | string {
  const delta: Counters = {
    inferenceCount: after.inferenceCount - before.inferenceCount,
    executionCount: after.executionCount - before.executionCount,
    executions: new Map(
      [...after.executions].map(([size, count]) => [size, count - (before.executions.get(size) ?? 0n)]),
    ),
    durations: mapDurations((name) => ({
      count: after.durations[name].count - before.durations[name].count,
      ns: after.durations[name].ns - before.durations[name].ns,
    })),
  }
  for (const name of ['inferenceCount', 'executionCount'] as const) {
    if (delta[name] < 0n) return fell(name, before[name], after[name])
  }
  for (const name of durations) {
    for (const part of ['count', 'ns'] as const) {
      const [from, to] = [before.durations[name][part], after.durations[name][part]]
      if (to < from) return fell(`${name}.${part}`, from, to)
    }
  }
  return delta
}

function fell(counter: string, from: bigint, to: bigint): string {
  return `${counter} fell from ${from} to ${to}`
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
    cacheMiss: of('cacheMiss'),
  }
}
