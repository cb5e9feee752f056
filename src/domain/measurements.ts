import { z } from 'zod'
import { environmentSchema } from './environment.ts'
import { modelMeasurementSchema } from './scenario.ts'
import { toolSchema } from './tool.ts'

export const schemaVersion = 1

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
  })
  .readonly()
export type HistoryPoint = z.infer<typeof historyPointSchema>

/** baseline.json: the main branch's measurement, to be compared with. */
export const baselineSchema = z
  .strictObject({
    kind: z.literal('baseline'),
    schemaVersion: z.literal(schemaVersion),
    tool: toolSchema,
    createdAt: z.string(),
    commit: z.string().nullable(),
    runId: z.string().nullable(),
    environment: environmentSchema,
    models: z.array(modelMeasurementSchema),
    /** Oldest first, bounded. */
    history: z.array(historyPointSchema).max(200_000),
  })
  .readonly()
export type Baseline = z.infer<typeof baselineSchema>

/** The names that stand in a list more than once, each once: a model or load must be in a file only once. */
export function repeatedNames(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
