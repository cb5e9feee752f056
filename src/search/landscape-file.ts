import { z } from 'zod'
import type { Constraint, Objective } from '../config/config.ts'
import { type ConstraintTag, constraintTags, type MetricTag, metricTags } from '../config/metric-tags.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { GateError, type Problem } from '../domain/error.ts'
import { batchSizeOf, inferencesOf, type Load } from '../domain/load.ts'
import { nearest } from '../domain/nearest.ts'
import {
  keyOf,
  misspeltKeys,
  misspeltNote,
  recorded,
  recordedTags,
  unrecorded,
  unrecordedProblem,
  withoutNumbersWhereFailed,
} from './recorded.ts'
import type { Landscape } from './replay.ts'
import { loadsFor } from './space.ts'
import { placeKey, type SearchMetrics, sameConfiguration } from './state.ts'

const count = z.int().positive()
/** null is as good as left out. */
const amount = z.number().nonnegative().nullish()
const hasOneLoad = ({ concurrency, request_rate }: { concurrency?: unknown; request_rate?: unknown }) =>
  (concurrency === undefined) !== (request_rate === undefined)
const oneLoad = { error: 'has to name either concurrency or request_rate' }
const pointKeys = {
  instance_count: count,
  max_batch_size: z.int().nonnegative(),
  dynamic_batching: z.boolean(),
  concurrency: count.optional(),
  request_rate: z.number().positive().optional(),
  client_batch_size: count.default(1),
  inferences_per_second: amount,
  latency_p99_ms: amount,
  latency_avg_ms: amount,
  gpu_memory_mb: amount,
  failed: z.boolean().default(false),
  is_default: z.boolean().default(false),
}
const pointSchema = z.preprocess(withoutNumbersWhereFailed, z.object(pointKeys).refine(hasOneLoad, oneLoad))
const spaceKeys = {
  instance_count: z.array(count).min(1),
  max_batch_size: z.array(z.int().nonnegative()).min(1),
  dynamic_batching: z.array(z.boolean()).min(1),
  concurrency: z.array(count).min(1).optional(),
  request_rate: z.array(z.number().positive()).min(1).optional(),
  client_batch_size: z.array(count).min(1).default([1]),
}
const limitKeys = { min: z.number().nullish(), max: z.number().nullish() }
const fileKeys = {
  name: z.string(),
  objective: z.partialRecord(z.enum(recordedTags(metricTags)), z.number().positive()),
  constraints: z.partialRecord(z.enum(recordedTags(constraintTags)), z.strictObject(limitKeys)).default({}),
  space: z.strictObject(spaceKeys).refine(hasOneLoad, oneLoad),
  points: z.array(pointSchema).min(1),
}
const fileSchema = z.object(fileKeys)
type File = z.infer<typeof fileSchema>
type Point = z.infer<typeof pointSchema>

/** A landscape, and how its file was read where it leaves that open. */
export interface RecordedLandscape extends Landscape {
  readonly notes: readonly string[]
}

/**
 * A recorded landscape from its JSON value; times in the file are ms, memory is MB of 1e6 bytes. A point of the space
 * that is not in the file, or says `failed`, failed; of one that is there twice the last holds. Throws a GateError (`usage`)
 * with every problem.
 */
export function parseLandscape(json: unknown, file?: string): RecordedLandscape {
  const refuse = (problems: readonly Problem[]) =>
    new GateError('usage', 'the landscape cannot be read', {
      problems: problems.map((problem) => ({ file, ...problem })),
    })
  const parsed = fileSchema.safeParse(json)
  const { misspelt, unknown } = otherKeys(json)
  const problems = [...(parsed.success ? [] : parsed.error.issues.flatMap(problemsOf)), ...misspelt]
  if (!parsed.success || problems.length > 0) throw refuse(problems)
  const { name, objective, constraints, space, points } = parsed.data
  if (Object.keys(objective).length === 0)
    throw refuse([
      {
        key: 'objective',
        message: 'names nothing to look for',
        remedy: 'For example {"perf_throughput": 10}.',
      },
    ])
  const marked = points.find(({ is_default }) => is_default)
  const committed = { ...configurationOf(marked ?? firstOf(space)), committed: true }
  const other = points.findIndex(
    (point) => point.is_default && !sameConfiguration(configurationOf(point), committed),
  )
  if (other >= 0) {
    const message = `is another configuration than that of an earlier default (${configurationKey(committed)})`
    const remedy = 'Only one configuration is the committed one: set is_default on its points only.'
    throw refuse([{ key: `points.${other}.is_default`, message, remedy }])
  }
  const known = new Map(
    points.map((point) => [placeKey({ configuration: configurationOf(point), load: loadOf(point) }), point]),
  )
  const [configurations, loads] = [configurationsOf(space, committed), loadsOf(space)]
  if (!configurations.some((each) => loadsFor({ committed, configurations, loads }, each).length > 0))
    throw refuse([tooLargeRequests(space)])
  const ofSpace = configurations.flatMap((each) =>
    loads.flatMap((load) => known.get(placeKey({ configuration: each, load })) ?? []),
  )
  const odd = misspeltKeys((json as File).points, Object.keys(pointKeys))
  const notHeld = unrecorded(Object.keys(objective) as MetricTag[], ofSpace)
  if (notHeld.length > 0) throw refuse(notHeld.map((tag) => unrecordedProblem(tag, ofSpace, odd)))
  const limits = Object.entries(constraints).flatMap(([tag, ends]) =>
    constraintsOf(tag as ConstraintTag, ends),
  )
  return {
    name,
    notes: [
      ...unknown.map((key) => `${key} has no meaning in a landscape, and is not read`),
      ...odd.map((each) => misspeltNote(each, points.length)),
      ...unrecorded([...new Set(limits.map(({ name }) => name as ConstraintTag))], ofSpace).map(
        (tag) =>
          `no point of the space holds ${keyOf(tag)}, which ${tag} limits, so that none of them meets it`,
      ),
      ...(ofSpace.length === 0 ? ['no point lies in the space, so that everything in it fails'] : []),
      ...(marked === undefined ? [noDefault(committed)] : []),
    ],
    space: { committed, configurations, loads },
    objectives: Object.entries(objective).map(
      ([tag, weight]): Objective => ({ name: tag, metric: metricTags[tag as MetricTag], weight }),
    ),
    constraints: limits,
    measure: (configuration, load) => metricsOf(known.get(placeKey({ configuration, load }))),
  }
}

function tooLargeRequests({ client_batch_size, max_batch_size }: File['space']): Problem {
  const [least, most] = [Math.min(...client_batch_size), Math.max(...max_batch_size)]
  return {
    key: 'space.client_batch_size',
    message: `is ${least} at the least, and no max_batch_size is above ${most}: nothing can be measured`,
    remedy: 'Record smaller client batches, or a max_batch_size that takes them.',
  }
}

/** Of a recording that tells none the first values of its space, as they are listed, are the committed ones. */
function firstOf({ instance_count, max_batch_size, dynamic_batching }: File['space']) {
  const [firstCount = 1] = instance_count
  const [firstSize = 0] = max_batch_size
  const [firstBatching = false] = dynamic_batching
  return { instance_count: firstCount, max_batch_size: firstSize, dynamic_batching: firstBatching }
}

const noDefault = (committed: Configuration) =>
  `no point is the default: ${configurationKey(committed)}, the first values of the space, stand for the committed configuration`

/** Keys beside those of the file: what is near to one of them is meant to be it, of others nothing hangs. */
function otherKeys(json: unknown): { misspelt: Problem[]; unknown: string[] } {
  const keys = typeof json === 'object' && json !== null ? Object.keys(json) : []
  const others = keys.filter((key) => !Object.hasOwn(fileKeys, key))
  const unknown = others.filter((key) => nearest(key, Object.keys(fileKeys)) === undefined)
  const misspelt = others
    .filter((key) => !unknown.includes(key))
    .map((key) => unknownKey(key, key, Object.keys(fileKeys)))
  return { misspelt, unknown }
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code !== 'unrecognized_keys') return [{ key: issue.path.join('.'), message: wordsOf(issue) }]
  const possible = possibleAt(String(issue.path[0] ?? ''), issue.path.length)
  return issue.keys.map((key) => unknownKey(key, [...issue.path, key].join('.'), possible))
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing'
  if (issue.code === 'too_small' && issue.origin === 'array') return 'is an empty list'
  return issue.message
}

function unknownKey(name: string, key: string, possible: readonly string[]): Problem {
  const meant = nearest(name, possible)
  const remedy = meant === undefined ? `Possible here: ${possible.join(', ')}.` : `Did you mean ${meant}?`
  const message = Object.hasOwn(metricTags, name)
    ? 'is not recorded in a landscape'
    : 'is not a key that is known'
  return { key, message, remedy }
}

/** The keys that may stand at a place of the file, where others are refused. */
function possibleAt(top: string, depth: number): string[] {
  if (depth > 1) return Object.keys(limitKeys)
  switch (top) {
    case 'objective':
      return recordedTags(metricTags)
    case 'constraints':
      return recordedTags(constraintTags)
    default:
      return Object.keys(spaceKeys)
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

/** The committed one first, whether the space names it or not. */
function configurationsOf(space: File['space'], committed: Configuration): Configuration[] {
  const others = space.instance_count.flatMap((instance_count) =>
    space.max_batch_size.flatMap((max_batch_size) =>
      space.dynamic_batching.map((dynamic_batching) =>
        configurationOf({ instance_count, max_batch_size, dynamic_batching }),
      ),
    ),
  )
  return [committed, ...others.filter((other) => !sameConfiguration(other, committed))]
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
  limits: { min?: number | null | undefined; max?: number | null | undefined },
): Constraint[] {
  const metric = metricTags[tag]
  const { factor } = constraintTags[tag]
  return (['min', 'max'] as const).flatMap((bound) => {
    const limit = limits[bound]
    return limit == null ? [] : [{ name: tag, metric, bound, limit: limit * factor }]
  })
}

function metricsOf(point: Point | undefined): SearchMetrics | null {
  if (point === undefined || point.failed) return null
  return Object.fromEntries(
    Object.entries(recorded).map(([key, { metric, factor }]) => {
      const value = point[key as keyof typeof recorded]
      return [metric, value == null ? null : value * factor]
    }),
  )
}
