import { z } from 'zod'
import { loadSchema } from './load.ts'
import { metricNameSchema } from './metric-name.ts'
import { scenarioSchema } from './scenario.ts'

/** One field of a model's configuration that means something else on the two sides. */
const fieldChangeSchema = z
  .strictObject({
    model: z.string(),
    /** `instance_group[0].count`; `config.pbtxt` where one side has no such file. */
    field: z.string(),
    /** As text; null where it is not set. */
    before: z.string().nullable(),
    after: z.string().nullable(),
  })
  .readonly()
export type FieldChange = z.infer<typeof fieldChangeSchema>

const fileChangeSchema = z
  .strictObject({
    /** In the model repository, with `/`. */
    path: z.string(),
    change: z.enum(['added', 'removed', 'changed']),
  })
  .readonly()

/** What the candidate's model, and all that it needs, has that the reference's has not. */
const modelChangesSchema = z
  .strictObject({
    /** Of config.pbtxt, by meaning: comments and layout are no change. */
    fields: z.array(fieldChangeSchema).readonly(),
    /** All other files, the first of them. */
    files: z.array(fileChangeSchema).readonly(),
    moreFiles: z.int().nonnegative(),
  })
  .readonly()
export type ModelChanges = z.infer<typeof modelChangesSchema>

/**
 * A side that was measured beside the others: the two that were compared; the candidate's config.pbtxt with the reference's
 * files (`config`); the reverse (`code`); the reference with one changed field of config.pbtxt (`field`).
 */
const attributedSideSchema = z
  .strictObject({
    side: z.enum(['reference', 'candidate', 'config', 'code', 'field']),
    /** Of `field`: its place among the changed fields. */
    field: z.int().nonnegative().optional(),
    /** Why it does not work. */
    error: z.string().optional(),
    /** Repetitions of the same index were measured alternating. */
    scenarios: z.array(scenarioSchema).readonly(),
  })
  .readonly()
export type AttributedSide = z.infer<typeof attributedSideSchema>

const roundSchema = z
  .discriminatedUnion('status', [
    z.strictObject({ status: z.literal('measured'), sides: z.array(attributedSideSchema).readonly() }),
    z.strictObject({ status: z.literal('skipped'), why: z.string() }),
  ])
  .readonly()
export type AttributionRound = z.infer<typeof roundSchema>

/** What was measured to explain a model's confirmed regression. No verdict rests on it. */
export const attributionMeasurementSchema = z
  .strictObject({
    model: z.string(),
    changes: modelChangesSchema,
    /** config.pbtxt against all other files. */
    origin: roundSchema,
    /** The changed fields of config.pbtxt, one by one. */
    fields: roundSchema,
  })
  .readonly()
export type AttributionMeasurement = z.infer<typeof attributionMeasurementSchema>

/** As far as it is known before the fields are told apart. */
export type OriginMeasurement = Pick<AttributionMeasurement, 'changes' | 'origin'>

/** What one cause does to a metric, with two-sided 95 % intervals. */
const causePartSchema = z
  .strictObject({
    /** `interaction`: what both do only together; half of it is part of each of them. */
    part: z.enum(['config', 'code', 'interaction', 'field']),
    field: z.int().nonnegative().optional(),
    /** Of the whole change, on the log scale: 1 = all of it; negative where it makes the metric better. */
    share: z.number(),
    shareInterval: z.tuple([z.number(), z.number()]).readonly(),
    /** By itself: with / without. */
    changeRatio: z.number(),
    changeInterval: z.tuple([z.number(), z.number()]).readonly(),
  })
  .readonly()
export type CausePart = z.infer<typeof causePartSchema>

/** One confirmed regression, taken apart. */
const attributedChangeSchema = z
  .strictObject({
    metric: metricNameSchema,
    load: loadSchema,
    /** candidate / reference as it was decided on. */
    changeRatio: z.number(),
    /** The same as measured again, beside the mixed sides. */
    measuredRatio: z.number(),
    measuredInterval: z.tuple([z.number(), z.number()]).readonly(),
    /** Repetitions that count on every side. */
    repetitions: z.int().positive(),
    parts: z.array(causePartSchema).readonly(),
    /** In words, one clause. */
    words: z.string(),
  })
  .readonly()
export type AttributedChange = z.infer<typeof attributedChangeSchema>

/** Why a model got worse. */
export const attributionSchema = z
  .strictObject({
    changes: modelChangesSchema,
    /**
     * `config`, `code`, `both`: shown by measuring, or as nothing else changed. `neither`: nothing changed. `unclear`: measured,
     * too noisy to say. `inseparable`: no mix of the two works. `unmeasured`: see the sentences.
     */
    cause: z.enum(['config', 'code', 'both', 'neither', 'unclear', 'inseparable', 'unmeasured']),
    /** The first one says it all. */
    sentences: z.array(z.string()).min(1).readonly(),
    origin: z.array(attributedChangeSchema).readonly(),
    fields: z.array(attributedChangeSchema).readonly(),
  })
  .readonly()
export type Attribution = z.infer<typeof attributionSchema>
