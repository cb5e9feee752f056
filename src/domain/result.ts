import { z } from 'zod'
import { attributionSchema } from './attribution.ts'
import { configurationSchema } from './configuration.ts'
import { environmentSchema } from './environment.ts'
import { ignoredKeySchema } from './ignored-key.ts'
import { judgedInvocationSchema } from './invocation.ts'
import { loadSchema } from './load.ts'
import { schemaVersion } from './measurements.ts'
import { metricNameSchema } from './metric-name.ts'
import { metricsSchema, modelMeasurementSchema } from './scenario.ts'
import { toolSchema } from './tool.ts'

const outcomes = ['pass', 'fail', 'inconclusive', 'invalid'] as const
export type Outcome = (typeof outcomes)[number]

/** Worst first: what went wrong hides everything else, since nothing can be trusted beside it. */
export const worstFirst = ['invalid', 'fail', 'inconclusive', 'pass'] as const satisfies readonly Outcome[]

/** Reference against candidate for one metric at one load. */
export const comparisonSchema = z
  .strictObject({
    metric: metricNameSchema,
    load: loadSchema,
    /** Primary metrics decide; the others inform. */
    primary: z.boolean(),
    /** `reference`: re-measured alternating in this run. `baseline`: a stored number, the weaker test. */
    against: z.enum(['reference', 'baseline']),
    reference: z.number().nullable(),
    candidate: z.number().nullable(),
    /** candidate / reference */
    changeRatio: z.number().nullable(),
    /** Two-sided 95 % on that ratio. */
    changeInterval: z.tuple([z.number(), z.number()]).nullable(),
    /** Repetitions on each side that counted. */
    repetitions: z.int().nonnegative(),
    /** Change for the worse that is tolerated, as a ratio: 0.05 = 5 %. */
    tolerance: z.number().nonnegative(),
    /** One-sided p-value of "worse than the reference", before Holm's correction. */
    pValue: z.number().nullable(),
    /** `accepted`: beyond its tolerance or not shown to be within, and within what gate.accepted expects. */
    status: z.enum(['pass', 'fail', 'inconclusive', 'invalid', 'accepted', 'info']),
    /** Warnings that ride with the number, e.g. "pooled p99 disagrees". */
    footnotes: z.array(z.string()),
    /** For an inconclusive one: the smallest change for the worse that could have been seen, as a ratio. */
    detectableChange: z.number().nullable(),
    /** The stored baseline's value, shown also where the reference decided. */
    baselineValue: z.number().nullable(),
    /** What a failing one is due to, one sentence. */
    cause: z.string().optional(),
  })
  .readonly()
export type Comparison = z.infer<typeof comparisonSchema>

/** One budget or constraint judged on the committed configuration at one load. */
export const constraintResultSchema = z
  .strictObject({
    /** Model Analyzer's tag: `perf_latency_p99`, `perf_throughput`, `gpu_used_memory`. */
    name: z.string(),
    bound: z.enum(['max', 'min']),
    load: loadSchema,
    /** The metric that was judged. */
    metric: metricNameSchema,
    /** The percentile that was asked for, where too few requests leave only the lower one in `metric`. */
    standsInFor: metricNameSchema.optional(),
    /** In the metric's own unit (ns, infer/s, bytes). */
    limit: z.number(),
    value: z.number().nullable(),
    /** Two-sided 95 %, from the spread of the repetitions where there are several. */
    interval: z.tuple([z.number(), z.number().nullable()]).nullable(),
    /** `inconclusive`: the stand-in holds the limit, which says too little of what was asked for. */
    status: z.enum(['pass', 'fail', 'inconclusive', 'invalid']),
    /** The interval straddles the limit. */
    close: z.boolean(),
  })
  .readonly()
export type ConstraintResult = z.infer<typeof constraintResultSchema>

/** Whether a value is within a limit. One that lies on it is. */
export function keepsLimit(
  value: number,
  { bound, limit }: Pick<ConstraintResult, 'bound' | 'limit'>,
): boolean {
  return bound === 'max' ? value <= limit : value >= limit
}

/** The sweep's answer for one model. */
const bestSchema = z
  .strictObject({
    configuration: configurationSchema,
    load: loadSchema,
    metrics: metricsSchema,
    /**
     * Gain over the committed configuration's best load, as a ratio: 0.18 = 18 % better; the weighted geometric mean of what each objective
     * gains. null where the committed one does not always meet the constraints at any load, or one of the two has no value of what is sought.
     */
    gain: z.number().nullable(),
    /** Cannot be told apart from the committed configuration, which therefore wins. */
    tie: z.boolean(),
    meetsConstraints: z.boolean(),
    /** In words: why this one, or which constraint fails by how much. */
    explanation: z.string(),
    /** Unified diff of config.pbtxt; null where nothing is to be changed. */
    patch: z.string().nullable(),
  })
  .readonly()
export type Best = z.infer<typeof bestSchema>

/** Among a run's files, those that make the best configurations. */
export const patchFolder = 'best-config'

/** Where in them a model's is, with `/` on every system. */
export function patchFile(model: string): string {
  return `${patchFolder}/${model}.patch`
}

/** What one configuration can be planned with. */
const capacityResultSchema = z
  .strictObject({
    /** `reference` and `candidate` at the gated loads, the others at those of the sweep. */
    of: z.enum(['reference', 'candidate', 'committed', 'best', 'other']),
    configuration: configurationSchema,
    /** The highest throughput that was measured within the limits; null where no load holds them. */
    inferPerSec: z.number().nullable(),
    latencyP99Ns: z.number().nullable(),
    load: loadSchema.nullable(),
    /** The lightest heavier load that breaks a limit; null where none was measured. */
    brokenAt: loadSchema.nullable(),
    /** Of servers as the measured one, for the demand; null where there is none. */
    servers: z.int().positive().nullable(),
    /** Of these servers' GPUs; null on a CPU. */
    gpus: z.int().positive().nullable(),
  })
  .readonly()
export type CapacityResult = z.infer<typeof capacityResultSchema>

const modelCapacitySchema = z
  .strictObject({ demandInferPerSec: z.number().positive().nullable(), rows: z.array(capacityResultSchema) })
  .readonly()
export type ModelCapacity = z.infer<typeof modelCapacitySchema>

const reasonSchema = z
  .strictObject({
    outcome: z.enum(outcomes),
    model: z.string().optional(),
    /** A full sentence with its numbers. */
    message: z.string(),
    /** What it is due to, one sentence. */
    cause: z.string().optional(),
    /** What to do next. */
    next: z.string().optional(),
  })
  .readonly()
export type Reason = z.infer<typeof reasonSchema>

export const verdictSchema = z
  .strictObject({
    outcome: z.enum(outcomes),
    exitCode: z.int().nonnegative(),
    reasons: z.array(reasonSchema),
  })
  .readonly()
export type Verdict = z.infer<typeof verdictSchema>

/** Runs and artifacts that a search has seen and not used, each with its reason. */
const passedOver = { passedOver: z.array(z.string()).optional() }

/** The path it was read from, as it was given; left out of what came from elsewhere. */
const fromFile = { file: z.string().optional() }

/** What was found where a baseline was looked for. */
const baselineStatusSchema = z
  .discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('found'),
      source: z.string(),
      ...fromFile,
      commit: z.string().nullable(),
      createdAt: z.string(),
      ...passedOver,
    }),
    z.strictObject({ status: z.literal('absent'), source: z.string(), next: z.string(), ...passedOver }),
    z.strictObject({
      status: z.literal('incompatible'),
      source: z.string(),
      ...fromFile,
      commit: z.string().nullable(),
      createdAt: z.string(),
      differences: z.array(z.string()),
      next: z.string(),
      ...passedOver,
    }),
    z.strictObject({
      status: z.literal('untrusted'),
      source: z.string(),
      why: z.string(),
      next: z.string(),
      ...passedOver,
    }),
    z.strictObject({
      status: z.literal('unreadable'),
      source: z.string(),
      why: z.string(),
      next: z.string(),
      ...passedOver,
    }),
    /** Nobody asked for one: baseline mode, or neither --baseline nor --reference. */
    z.strictObject({ status: z.literal('notRequested') }),
  ])
  .readonly()
export type BaselineStatus = z.infer<typeof baselineStatusSchema>

const runOfHistorySchema = z.strictObject({ commit: z.string().nullable(), createdAt: z.string() }).readonly()

/** How one model's metric at one load went over the main branch's runs. */
const trendOfSeriesSchema = z
  .strictObject({
    model: z.string(),
    /** As in the history: `concurrency=8`. */
    load: z.string(),
    metric: metricNameSchema,
    /** Level now / level at the start of the window. */
    changeRatio: z.number().positive(),
    /** The steps in between, in order of time. */
    shifts: z.array(
      z
        .strictObject({
          /** The step lies after the first and at the second at the latest, with 95 % confidence. */
          lastBefore: runOfHistorySchema,
          firstAfter: runOfHistorySchema,
          /** Level after / level before. */
          changeRatio: z.number().positive(),
          pValue: z.number(),
        })
        .readonly(),
    ),
    /** The runs, oldest first, and the levels they lie about: points from `start` to before `end`. */
    points: z.array(runOfHistorySchema.unwrap().extend({ value: z.number().positive() }).readonly()),
    levels: z.array(
      z
        .strictObject({ start: z.int().nonnegative(), end: z.int().positive(), value: z.number().positive() })
        .readonly(),
    ),
  })
  .readonly()
export type TrendOfSeries = z.infer<typeof trendOfSeriesSchema>

/** What the main branch's history shows that no single comparison does. */
const trendSchema = z
  .strictObject({
    /** Only what came after this commit is meant; null for the whole history. */
    since: z.string().nullable(),
    /** The newest run. */
    until: runOfHistorySchema,
    /** Series that were examined, and those with too few runs for it. */
    series: z.int().positive(),
    tooShort: z.int().nonnegative(),
    /** Those that became worse, the worst first; and how many more there are. */
    crept: z.array(trendOfSeriesSchema),
    notListed: z.int().nonnegative(),
  })
  .readonly()
export type Trend = z.infer<typeof trendSchema>

const modelResultSchema = modelMeasurementSchema
  .unwrap()
  .extend({
    comparisons: z.array(comparisonSchema),
    constraints: z.array(constraintResultSchema),
    best: bestSchema.nullable(),
    /** Why it got worse; left out where that is not confirmed, or was not looked into. */
    attribution: attributionSchema.optional(),
    /** Left out where no latency is limited and no demand is known. */
    capacity: modelCapacitySchema.optional(),
    /** The reference's scenarios as re-measured in this run; empty where there was none. */
    referenceScenarios: modelMeasurementSchema.unwrap().shape.scenarios,
  })
  .readonly()
export type ModelResult = z.infer<typeof modelResultSchema>

/** result.json: everything the reports show. */
export const resultSchema = z
  .strictObject({
    kind: z.literal('result'),
    schemaVersion: z.literal(schemaVersion),
    tool: toolSchema,
    createdAt: z.string(),
    commit: z.string().nullable(),
    complete: z.boolean(),
    seed: z.int().nonnegative(),
    verdict: verdictSchema,
    environment: environmentSchema,
    baseline: baselineStatusSchema,
    /** What became of the main branch's newest baseline, whose history shows the trend where the one above is older; left out where nobody asked. */
    recent: baselineStatusSchema.optional(),
    /** Left out where what measured did not say. */
    invocation: judgedInvocationSchema.optional(),
    reference: z.strictObject({ description: z.string(), commit: z.string().nullable() }).nullable(),
    models: z.array(modelResultSchema),
    /** What this configuration lets pass and the reference's does not, one clause each; left out where the reference's is not known. */
    loosened: z.array(z.string()).optional(),
    /** As in the measurements: keys of the configuration file without effect; left out where there are none, and by older versions, whose warnings have them. */
    ignoredKeys: z.array(ignoredKeySchema).readonly().optional(),
    warnings: z.array(z.string()),
    /** Left out where there is no history long enough. */
    trend: trendSchema.optional(),
    wallNs: z.number().nonnegative(),
  })
  .readonly()
export type Result = z.infer<typeof resultSchema>
