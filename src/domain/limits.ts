import { z } from 'zod'
import { acceptedRegressionSchema } from './accepted.ts'
import { loadSchema } from './load.ts'
import { metricNameSchema } from './metric-name.ts'

const policies = {
  onInconclusive: z.enum(['warn', 'fail']),
  onMissingBaseline: z.enum(['inconclusive', 'fail']),
}

const modelLimitsSchema = z
  .strictObject({
    name: z.string(),
    loads: z.array(loadSchema),
    constraints: z.array(
      z.strictObject({
        name: z.string(),
        metric: metricNameSchema,
        bound: z.enum(['max', 'min']),
        limit: z.number(),
      }),
    ),
    tolerance: z.partialRecord(metricNameSchema, z.strictObject({ ratio: z.number(), absolute: z.number() })),
    checkOutputs: z.enum(['off', 'given', 'first']),
    /** What is sent to it, and how, each in words under its key; left out by versions that did not look. */
    asked: z.record(z.string(), z.string()).optional(),
    /** How it is measured (config/conditions.ts); left out by versions that did not look. */
    conditions: z.record(z.string(), z.string()).optional(),
    /** sha256 of what the reference's configuration sends, as its own files have it; null where they cannot be read, left out where nobody looked. */
    inputData: z.string().nullable().optional(),
  })
  .readonly()
export type ModelLimits = z.infer<typeof modelLimitsSchema>

/** All of a configuration that says what may pass: what a change of it can loosen. In the program's units. */
export const limitsSchema = z
  .strictObject({
    /** The models that are gated; null = every one. */
    gated: z.array(z.string()).nullable(),
    models: z.array(modelLimitsSchema),
    ...policies,
    release: z.strictObject(policies),
    maxFailureRatio: z.number(),
    repetitions: z.int(),
    screening: z.enum(['history', 'off']),
    onCreep: z.enum(['warn', 'fail']),
    /** Left out by versions that did not look; nulls as in the configuration. */
    measurementNs: z.number().optional(),
    timeBudgetNs: z.number().nullable().optional(),
    runnerClass: z.string().nullable().optional(),
    /** Which models are served by what, in words by key. */
    served: z.record(z.string(), z.string()).optional(),
    accepted: z.array(acceptedRegressionSchema),
  })
  .readonly()
export type Limits = z.infer<typeof limitsSchema>
