import { z } from 'zod'
import type { Constraint, Objective } from '../config/config.ts'
import { type ConstraintTag, constraintTags, type MetricTag, metricTags } from '../config/metric-tags.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, inferencesOf, type Load, loadKey } from '../domain/load.ts'
import { nsPerMs } from '../domain/world.ts'
import type { Landscape } from './replay.ts'
import type { SearchMetrics } from './state.ts'

const count = z.int().positive()
const hasOneLoad = ({ concurrency, request_rate }: { concurrency?: unknown; request_rate?: unknown }) =>
  (concurrency === undefined) !== (request_rate === undefined)
const oneLoad = { error: 'has to name either concurrency or request_rate' }
const pointSchema = z
  .object({
    instance_count: count,
    max_batch_size: z.int().nonnegative(),
    dynamic_batching: z.boolean(),
    concurrency: count.optional(),
    request_rate: z.number().positive().optional(),
    client_batch_size: count.default(1),
    inferences_per_second: z.number().optional(),
    latency_p99_ms: z.number().optional(),
    latency_avg_ms: z.number().optional(),
    gpu_memory_mb: z.number().optional(),
    failed: z.boolean().default(false),
    is_default: z.boolean().default(false),
  })
  .refine(hasOneLoad, oneLoad)
const fileSchema = z.strictObject({
  name: z.string(),
  objective: z.partialRecord(z.enum(Object.keys(metricTags) as MetricTag[]), z.number().positive()),
  constraints: z
    .partialRecord(
      z.enum(Object.keys(constraintTags) as ConstraintTag[]),
      z.strictObject({ min: z.number().optional(), max: z.number().optional() }),
    )
    .default({}),
  space: z
    .strictObject({
      instance_count: z.array(count).min(1),
      max_batch_size: z.array(z.int().nonnegative()).min(1),
      dynamic_batching: z.array(z.boolean()).min(1),
      concurrency: z.array(count).min(1).optional(),
      request_rate: z.array(z.number().positive()).min(1).optional(),
      client_batch_size: z.array(count).min(1).default([1]),
    })
    .refine(hasOneLoad, oneLoad),
  points: z.array(pointSchema).min(1),
})
type File = z.infer<typeof fileSchema>
type Point = z.infer<typeof pointSchema>

/**
 * A recorded landscape from its JSON value; times in the file are ms, memory is MB of 1e6 bytes. A point of the space
 * that is not in the file, or says `failed`, failed. Throws a GateError (`usage`) with every problem.
 */
export function parseLandscape(json: unknown, file?: string): Landscape {
  const parsed = fileSchema.safeParse(json)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({ file, key: path.join('.'), message }))
    throw new GateError('usage', 'the landscape cannot be read', { problems })
  }
  const { name, objective, constraints, space, points } = parsed.data
  const committedPoint = points.find(({ is_default }) => is_default)
  if (committedPoint === undefined) {
    const problem = {
      file,
      key: 'points',
      message: 'no point is the default',
      remedy: 'Set is_default on the points of the committed configuration.',
    }
    throw new GateError('usage', 'the landscape cannot be read', { problems: [problem] })
  }
  const committed = { ...configurationOf(committedPoint), committed: true }
  const known = new Map(points.map((point) => [keyOf(configurationOf(point), loadOf(point)), point]))
  return {
    name,
    space: { committed, configurations: configurationsOf(space, committed), loads: loadsOf(space) },
    objectives: Object.entries(objective).map(
      ([tag, weight]): Objective => ({ name: tag, metric: metricTags[tag as MetricTag], weight }),
    ),
    constraints: Object.entries(constraints).flatMap(([tag, limits]) =>
      constraintsOf(tag as ConstraintTag, limits),
    ),
    measure: (configuration, load) => metricsOf(known.get(keyOf(configuration, load))),
  }
}

function configurationOf(
  point: Pick<Point, 'instance_count' | 'max_batch_size' | 'dynamic_batching'>,
): Configuration {
  return {
    committed: false,
    instanceCount: point.instance_count,
    maxBatchSize: point.max_batch_size,
    dynamicBatching: point.dynamic_batching,
  }
}

function loadOf({
  concurrency,
  request_rate: requestRate,
  client_batch_size,
}: Pick<Point, 'concurrency' | 'request_rate' | 'client_batch_size'>): Load {
  const batch = client_batch_size === 1 ? {} : { batchSize: client_batch_size }
  if (concurrency !== undefined) return { mode: 'concurrency', concurrency, ...batch }
  if (requestRate !== undefined) return { mode: 'requestRate', requestRate, ...batch }
  throw new GateError('internal', 'a load of neither concurrency nor request rate')
}

function keyOf(configuration: Configuration, load: Load): string {
  return `${configurationKey(configuration)} ${loadKey(load)}`
}

/** The committed one first, whether the space names it or not. */
function configurationsOf(space: File['space'], committed: Configuration): Configuration[] {
  const others = space.instance_count.flatMap((instance_count) =>
    space.max_batch_size.flatMap((max_batch_size) =>
      space.dynamic_batching.map((dynamic_batching) =>
        configurationOf({ instance_count, max_batch_size, dynamic_batching }),
      ),
    ),
  )
  return [committed, ...others.filter((other) => configurationKey(other) !== configurationKey(committed))]
}

function loadsOf({
  concurrency = [],
  request_rate: rates = [],
  client_batch_size: sizes,
}: File['space']): Load[] {
  const loads = sizes.flatMap((client_batch_size) => [
    ...concurrency.map((level) => loadOf({ concurrency: level, client_batch_size })),
    ...rates.map((rate) => loadOf({ request_rate: rate, client_batch_size })),
  ])
  return loads.sort((a, b) => inferencesOf(a) - inferencesOf(b) || batchSizeOf(a) - batchSizeOf(b))
}

function constraintsOf(
  tag: ConstraintTag,
  limits: { min?: number | undefined; max?: number | undefined },
): Constraint[] {
  const metric = metricTags[tag]
  const { factor } = constraintTags[tag]
  return (['min', 'max'] as const).flatMap((bound) => {
    const limit = limits[bound]
    return limit === undefined ? [] : [{ name: tag, metric, bound, limit: limit * factor }]
  })
}

function metricsOf(point: Point | undefined): SearchMetrics | null {
  if (point === undefined || point.failed) return null
  return {
    inferPerSec: point.inferences_per_second ?? null,
    latencyP99Ns: scaled(point.latency_p99_ms, nsPerMs),
    latencyAvgNs: scaled(point.latency_avg_ms, nsPerMs),
    gpuDeviceMemoryBytes: scaled(point.gpu_memory_mb, 1e6),
  }
}

function scaled(value: number | undefined, factor: number): number | null {
  return value === undefined ? null : value * factor
}
