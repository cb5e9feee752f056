import { z } from 'zod'
import { composingModelSchema } from './composing.ts'
import { configurationSchema } from './configuration.ts'
import { loadSchema } from './load.ts'
import type { MetricName } from './metric.ts'
import { metricNameSchema } from './metric-name.ts'
import { searchSummarySchema, sweepProgressSchema } from './sweep.ts'

const finite = z.number()

/** As many looks as the errors of the test are shared out over. */
export const maxLooks = 3

/** One metric of a scenario. `interval` is two-sided 95 %; its upper end is null where n is too small to have one. */
const metricValueSchema = z
  .strictObject({
    value: finite.nullable(),
    interval: z.tuple([finite, finite.nullable()]).readonly().nullable(),
    /** Requests behind the value (samples, for what is sampled). */
    n: z.int().nonnegative(),
    unit: z.enum(['ns', 'infer/s', 'responses/s', 'bytes', 'ratio', 'W', 'count']),
    /** Why the value is null, or what limits it. */
    reason: z.string().optional(),
  })
  .readonly()
  .meta({ id: 'metricValue' })
export type MetricValue = z.infer<typeof metricValueSchema>

/** null = not available on this machine; a value of null with a reason = not to be had from this measurement. */
export const metricsSchema = z
  .partialRecord(metricNameSchema, metricValueSchema.nullable())
  .readonly()
  .meta({ id: 'metrics' })
export type Metrics = z.infer<typeof metricsSchema>

/** A short stretch of load on one side. Blocks of the two sides of a repetition alternate and pair up by index. */
const blockSchema = z
  .strictObject({
    startNs: finite.nonnegative(),
    durationNs: finite.positive(),
    requests: z.int().nonnegative(),
    inferPerSec: finite.nonnegative(),
    latencyP50Ns: finite.nullable(),
    latencyP99Ns: finite.nullable(),
  })
  .readonly()
export type Block = z.infer<typeof blockSchema>

/** What one load thread says of itself; null = it does not (perf_analyzer's). */
const threadHealthSchema = z
  .strictObject({
    /** Share of the time its event loop was busy, 0 to 1. */
    eventLoopUtilization: finite.nonnegative().nullable(),
    eventLoopDelayP99Ns: finite.nonnegative().nullable(),
    /** The longest time in which nothing at all ran on it. */
    eventLoopGapNs: finite.nonnegative().nullable(),
    /** Pauses of the garbage collector: all together, and the longest. */
    gcPauseNs: finite.nonnegative().nullable(),
    gcPauseMaxNs: finite.nonnegative().nullable(),
  })
  .readonly()
export type ThreadHealth = z.infer<typeof threadHealthSchema>

/** What the instrument says of itself during a repetition; of several threads the worst. */
const clientHealthSchema = z
  .strictObject({
    ...threadHealthSchema.unwrap().shape,
    /** Of all threads, per completed request; null where the engine does not say. */
    cpuNsPerRequest: finite.nonnegative().nullable(),
    /** Open loop: requests sent more than 1 ms after they were due, as a share; 0 in a closed loop. */
    lateRatio: finite.nonnegative(),
    /** Open loop: requests sent within the window, of those that were due in it; null in a closed loop. */
    achievedRatio: finite.nonnegative().nullable(),
    connections: z.int().positive(),
    threads: z.array(threadHealthSchema).min(1).readonly(),
    /** Why so many threads and no more. */
    threadsReason: z.string(),
    saturated: z.boolean(),
    /** What went beyond its limit, one clause each; they void the repetition. */
    problems: z.array(z.string()).readonly(),
  })
  .readonly()
export type ClientHealth = z.infer<typeof clientHealthSchema>

/** The load before a measurement, which counts for nothing. */
const warmUpSchema = z
  .strictObject({
    /** As it passed, pauses between its windows included. */
    durationNs: finite.nonnegative(),
    requests: z.int().nonnegative(),
    /** Whether the load was steady at its end; null where that was not judged. */
    steady: z.boolean().nullable(),
    /** How that was seen, or what was not steady, in words. */
    reason: z.string(),
  })
  .readonly()
export type WarmUp = z.infer<typeof warmUpSchema>

const share = finite.min(0).max(1).nullable()

/** What went on beside the measurement (system/host-activity.ts); null = this machine does not show it. */
const hostActivitySchema = z
  .strictObject({
    loadAverage: finite.nonnegative(),
    otherCpuRatio: share,
    stealRatio: share,
    cpuPressureRatio: share,
    memoryPressureRatio: share,
    ioPressureRatio: share,
    throttledRatio: share,
  })
  .readonly()

/** What the server counted during a repetition, lead-ins and lead-outs included. */
const serverCountsSchema = z
  .strictObject({
    /** Successful requests, those that failed there, and all that were sent. */
    succeeded: z.int().nonnegative(),
    failed: z.int().nonnegative(),
    sent: z.int().nonnegative(),
    /** Of the response cache; times are averages of one lookup, null where there was none. */
    cacheHits: z.int().nonnegative(),
    cacheMisses: z.int().nonnegative(),
    cacheHitNs: finite.nonnegative().nullable(),
    cacheMissNs: finite.nonnegative().nullable(),
    /** Executions by batch size (`batch_stats`), ascending; none where the backend does not report them. */
    batches: z.array(z.strictObject({ batchSize: z.int().nonnegative(), executions: z.int().positive() })),
  })
  .readonly()

/** The unit of evidence: a fresh server process, a warm-up, then load. */
const repetitionSchema = z
  .strictObject({
    index: z.int().nonnegative(),
    /** The repetition of the other side that was measured alternating with this one, by its index. */
    pairedWith: z.int().nonnegative().nullable(),
    /** ns since the run began, monotonic. */
    startNs: finite.nonnegative(),
    /** Measured time, without warm-up. */
    durationNs: finite.nonnegative(),
    /** Left out by versions that did not judge it. */
    warmUp: warmUpSchema.optional(),
    /** Those that succeeded. */
    requests: z.int().nonnegative(),
    /** Failed requests by gRPC status (or `reset`, `deadline`, `connection`, `wrong_output`). */
    failures: z.record(z.string(), z.int().positive()),
    metrics: z.partialRecord(metricNameSchema, finite.nullable()),
    /** Left out where the model needs no other. */
    composing: z.array(composingModelSchema).readonly().optional(),
    blocks: z.array(blockSchema),
    client: clientHealthSchema,
    /** Left out where its statistics could not be had. */
    serverCounts: serverCountsSchema.optional(),
    /** Left out where the server is not on this machine. */
    host: hostActivitySchema.optional(),
    /** A void repetition counts for nothing on either side; it is kept and counted in the report. */
    status: z.enum(['valid', 'void']),
    voidReasons: z.array(z.string()),
  })
  .readonly()
  .meta({ id: 'repetition' })
export type Repetition = z.infer<typeof repetitionSchema>

/** A model under one load in one configuration. */
export const scenarioSchema = z
  .strictObject({
    role: z.enum(['gate', 'sweep']),
    configuration: configurationSchema,
    load: loadSchema,
    status: z.enum(['measured', 'failed']),
    /** Why a failed scenario failed, in the server's own words where it spoke. */
    error: z.string().optional(),
    /** Over all valid repetitions: percentiles are exact, of all their samples together. */
    metrics: metricsSchema,
    /** Over all valid repetitions: counts added up, averages as means. Left out where the model needs no other. */
    composing: z.array(composingModelSchema).readonly().optional(),
    repetitions: z.array(repetitionSchema),
    warnings: z.array(z.string()),
  })
  .readonly()
  .meta({ id: 'scenario' })
export type Scenario = z.infer<typeof scenarioSchema>

/** All that was measured of one model on one side. */
export const modelMeasurementSchema = z
  .strictObject({
    name: z.string(),
    /** sha256 over the files of the model's folder, and of its composing models'; null for a remote server. */
    contentHash: z.string().nullable(),
    /** The committed config.pbtxt as text; null where there is none. */
    configText: z.string().nullable(),
    /** The same of the further models that may be varied with it, by name; left out where there are none. */
    otherConfigTexts: z.record(z.string(), z.string()).readonly().optional(),
    status: z.enum(['measured', 'failed']),
    error: z.strictObject({ message: z.string(), hint: z.string().optional() }).optional(),
    /** Repetition counts at which the measurement was to end if all was decided; none where left out. */
    looks: z.array(z.int().positive()).max(maxLooks).readonly().optional(),
    /**
     * Left out where it was measured beside its reference at once. `cleared`: measured alone, and the main branch's history showed
     * it unchanged, so that the reference was not measured; `undecided`: the history could not tell, and all was measured anew.
     */
    screening: z.enum(['cleared', 'undecided']).optional(),
    scenarios: z.array(scenarioSchema),
    /** sha256 of all settings that it was measured with; left out where nothing can be resumed. */
    settingsHash: z.string().optional(),
    /** Of these the ones that change what a number means (config/conditions.ts), in words by key; left out by older versions. */
    conditions: z.record(z.string(), z.string()).readonly().optional(),
    /** From when the gated loads are done. */
    sweep: sweepProgressSchema.optional(),
    search: searchSummarySchema.nullable(),
    warnings: z.array(z.string()),
  })
  .readonly()
  .meta({ id: 'modelMeasurement' })
export type ModelMeasurement = z.infer<typeof modelMeasurementSchema>

/** What is said of a scenario before it is measured. */
export type ScenarioToMeasure = Pick<Scenario, 'role' | 'load'> & {
  readonly configuration: Pick<Scenario['configuration'], 'committed'>
}

/** The committed configuration's scenarios, which are all that a verdict rests on. */
export function gatedScenarios<Each extends ScenarioToMeasure>(model: {
  readonly scenarios: readonly Each[]
}): Each[] {
  return model.scenarios.filter(({ role, configuration }) => role === 'gate' && configuration.committed)
}

/** The models that were under load at once with this one. */
export function modelsBeside(model: { readonly scenarios: readonly ScenarioToMeasure[] }): string[] {
  const names = gatedScenarios(model).flatMap(({ load }) => (load.beside ?? []).map((each) => each.model))
  return [...new Set(names)]
}

export function validRepetitions(scenario: Scenario): Repetition[] {
  return scenario.repetitions.filter(({ status }) => status === 'valid')
}

/** All of the repetitions' values if each has one that can stand in a ratio; null where one has not, or there is none. */
export function positives(repetitions: readonly Repetition[], metric: MetricName): number[] | null {
  const values = repetitions
    .map(({ metrics }) => metrics[metric] ?? Number.NaN)
    .filter((value) => value > 0 && Number.isFinite(value))
  return values.length === repetitions.length && values.length > 0 ? values : null
}

/** The highest reading over the repetitions in bytes, null where there is none. */
export function highestMemory(repetitions: readonly Repetition[]): number | null {
  const values = repetitions.flatMap(({ metrics }) => metrics.gpuMemoryBytes ?? [])
  return values.length === 0 ? null : Math.max(...values)
}

/** Failed requests, whatever their status. */
export function failedRequests({ failures }: Pick<Repetition, 'failures'>): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}

/**
 * What is wrong with a scenario whose requests fail, as a clause; null where nothing is.
 *
 * Each repetition is looked at by itself, void ones too: a throttled GPU voids a number, but failing is the model's own
 * doing. A model that fails in every second server start must not be judged by the other half.
 * @param maxFailureRatio failed of all requests, 0 to 1
 */
export function failureProblem(scenario: Scenario, maxFailureRatio: number): string | null {
  const [worst] = scenario.repetitions
    .map((repetition) => {
      const failed = failedRequests(repetition)
      return { repetition, failed, all: failed + repetition.requests }
    })
    .toSorted((a, b) => failureRatio(b) - failureRatio(a))
  if (worst === undefined || failureRatio(worst) <= maxFailureRatio) return null
  const { repetition, failed, all } = worst
  const place = `in repetition ${repetition.index + 1}`
  if (all === 0) return `not a single request was answered ${place}`
  const allowed = Number((maxFailureRatio * 100).toPrecision(2))
  const statuses = Object.keys(repetition.failures).join(', ')
  return `${failed} of ${all} requests failed ${place} (${statuses}), more than the ${allowed} % allowed`
}

/** A repetition without any request counts as all failed: a model that never answers is no better than one that refuses. */
function failureRatio({ failed, all }: { readonly failed: number; readonly all: number }): number {
  return all === 0 ? Number.POSITIVE_INFINITY : failed / all
}
