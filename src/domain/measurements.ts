import { z } from 'zod'
import { attributionMeasurementSchema } from './attribution.ts'
import { environmentSchema } from './environment.ts'
import { ignoredKeySchema } from './ignored-key.ts'
import { invocationSchema } from './invocation.ts'
import { limitsSchema } from './limits.ts'
import { modelMeasurementSchema } from './scenario.ts'
import { toolSchema } from './tool.ts'

/** Of measurements.json and result.json. */
export const schemaVersion = 1

/** Of baseline.json, which outlives the program that wrote it: baseline/migrate.ts knows every older version. */
export const baselineSchemaVersion = 4

/** More than this is no baseline, neither written nor read: ten models make about 1 MB, 500 with a hundred commits of history 55. */
export const maxBaselineBytes = 64 * 2 ** 20

/** Of all series together: 200 of each, for 250 models with four. */
export const maxHistoryPoints = 200_000

/** What git knew of the configuration when this was measured. */
const gitFactsSchema = z
  .strictObject({
    /** Of each `until_commit` of gate.accepted, whether the measured commit has it in its history; null = not to be told. */
    contained: z.array(z.strictObject({ commit: z.string(), isContained: z.boolean().nullable() })),
    /** What the configuration of the commit that is compared with allows; null where there is no such commit. */
    reference: z
      .discriminatedUnion('status', [
        z.strictObject({
          status: z.literal('read'),
          commit: z.string(),
          limits: limitsSchema,
          /** The same of the configuration that measured, with the flags of then; left out by older versions. */
          measured: limitsSchema.optional(),
        }),
        z.strictObject({ status: z.literal('unreadable'), commit: z.string(), why: z.string() }),
      ])
      .nullable(),
  })
  .readonly()
export type GitFacts = z.infer<typeof gitFactsSchema>

/** measurements.json: all that was measured, before any judgement. Rewritten after each scenario, so that nothing measured is lost. */
export const measurementsSchema = z
  .strictObject({
    kind: z.literal('measurements'),
    schemaVersion: z.literal(schemaVersion),
    tool: toolSchema,
    createdAt: z.string(),
    /** The measured commit, where it is known. */
    commit: z.string().nullable(),
    /** The model repository's path within its git repository, for patches; left out outside git. */
    repositoryPrefix: z.string().optional(),
    /** Left out by shards that were joined, and by older versions. */
    invocation: invocationSchema.optional(),
    /** False while the run goes on, and for ever if it was stopped. */
    complete: z.boolean(),
    seed: z.int().nonnegative(),
    environment: environmentSchema,
    /** The candidate: what the pull request brings. */
    models: z.array(modelMeasurementSchema),
    /** The reference measured alternating with it, if there was one. */
    reference: z
      .strictObject({
        /** In words: `merge base 1a2b3c4`, or the folder. */
        description: z.string(),
        commit: z.string().nullable(),
        models: z.array(modelMeasurementSchema),
      })
      .nullable(),
    /** Left out where git was not asked. */
    git: gitFactsSchema.optional(),
    /** Of models that were confirmed to be worse. */
    attributions: z.array(attributionMeasurementSchema).readonly().optional(),
    /** Of the configuration file, those without effect; left out where there are none, and by older versions, whose warnings have them. */
    ignoredKeys: z.array(ignoredKeySchema).readonly().optional(),
    warnings: z.array(z.string()),
    wallNs: z.number().nonnegative(),
  })
  .readonly()
export type Measurements = z.infer<typeof measurementsSchema>

/** One earlier commit's value of one metric of one scenario. */
const historyPointSchema = z
  .strictObject({
    commit: z.string().nullable(),
    createdAt: z.string(),
    model: z.string(),
    load: z.string(),
    metric: z.string(),
    value: z.number().positive(),
    /** Standard deviation of the logarithms of the repetitions behind it; null of one repetition, of a maximum, or where an older version did not keep it. */
    spread: z.number().nonnegative().nullable(),
    /** The reason of the entry of gate.accepted that accepts the step to this value; left out where there is none. */
    accepted: z.string().optional(),
  })
  .readonly()
export type HistoryPoint = z.infer<typeof historyPointSchema>

/** One step of one series that an entry of gate.accepted took. */
const acceptedStepSchema = z
  .strictObject({
    model: z.string(),
    load: z.string(),
    metric: z.string(),
    /** The commit that shows it first. */
    commit: z.string().nullable(),
    /** Of the entry. */
    reason: z.string(),
  })
  .readonly()
export type AcceptedStep = z.infer<typeof acceptedStepSchema>

/** A model with the best configuration that its sweep found, if there was one, and the hash of the committed one. */
const baselineModelSchema = modelMeasurementSchema
  .unwrap()
  .extend({
    /** sha256 of `configText`; null where there is none. */
    configHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
  })
  .readonly()
export type BaselineModel = z.infer<typeof baselineModelSchema>

/** baseline.json: the main branch's measurement, to be compared with. */
export const baselineSchema = z
  .strictObject({
    kind: z.literal('baseline'),
    schemaVersion: z.literal(baselineSchemaVersion),
    tool: toolSchema,
    createdAt: z.string(),
    commit: z.string().nullable(),
    runId: z.string().nullable(),
    environment: environmentSchema,
    models: z.array(baselineModelSchema),
    /** Oldest first, bounded. */
    history: z.array(historyPointSchema).max(maxHistoryPoints),
    /**
     * Accepted steps that the history does not show any more, since it began anew on other machines or their runs became too old. An
     * entry is used up all the same.
     */
    acceptedBefore: z.array(acceptedStepSchema),
  })
  .readonly()
export type Baseline = z.infer<typeof baselineSchema>

/** The names that stand in a list more than once, each once: a model or load must be in a file only once. */
export function repeatedNames(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
