import { z } from 'zod'
import { configurationSchema } from './configuration.ts'
import { loadSchema } from './load.ts'
import { metricNameSchema } from './metric-name.ts'

/** What a sweep found best; the numbers are means over the measurements of this configuration at this load. */
const searchAnswerSchema = z
  .strictObject({
    configuration: configurationSchema,
    load: loadSchema,
    metrics: z.partialRecord(metricNameSchema, z.number().nullable()),
    measurements: z.int().nonnegative(),
    gain: z.number().nullable(),
    tie: z.boolean(),
    meetsConstraints: z.boolean(),
    explanation: z.string(),
  })
  .readonly()

/** What a sweep has measured and spent so far: all that the search depends on, so that an interrupted one goes on from here. */
export const sweepProgressSchema = z
  .strictObject({
    /** In the order in which they were measured, one for each scenario of the sweep; metrics null where it failed. */
    points: z.array(
      z
        .strictObject({
          configuration: configurationSchema,
          load: loadSchema,
          metrics: z.partialRecord(metricNameSchema, z.number().nullable()).readonly().nullable(),
          /** Measured after the search, for a capacity. */
          purpose: z.literal('capacity').optional(),
        })
        .readonly(),
    ),
    /** Of the model's time: before the sweep, and in it. */
    spentBeforeNs: z.number().nonnegative(),
    spentNs: z.number().nonnegative(),
    /** Of that, in loading configurations, so many times, and in measuring. */
    loads: z.int().nonnegative(),
    loadingNs: z.number().nonnegative(),
    measuringNs: z.number().nonnegative(),
    /** In starting servers, before the loading; and, of the measuring, while requests were sent. Left out where there was none. */
    startingNs: z.number().nonnegative().optional(),
    underLoadNs: z.number().nonnegative().optional(),
  })
  .readonly()
export type SweepProgress = z.infer<typeof sweepProgressSchema>

/** How a sweep went and what it found. */
export const searchSummarySchema = z
  .strictObject({
    mode: z.enum(['quick', 'brute', 'manual', 'off']),
    measurements: z.int().nonnegative(),
    /** Why it stopped, in words. */
    stopped: z.string(),
    /** From before its server is started until that has stopped. */
    wallNs: z.number().nonnegative(),
    /** Of that, while requests were sent: warm-ups and windows with their lead-ins and lead-outs. */
    underLoadNs: z.number().nonnegative(),
    /** The rest of `wallNs`; left out in files of earlier versions. */
    phases: z
      .strictObject({
        startNs: z.number().nonnegative(),
        /** Loading configurations and reading them back. */
        loadNs: z.number().nonnegative(),
        stopNs: z.number().nonnegative(),
        /** Between measurements: connecting, reading statistics, choosing the next one, writing files. */
        otherNs: z.number().nonnegative(),
      })
      .readonly()
      .optional(),
    notes: z.array(z.string()),
    /** null where no measurement succeeded. */
    answer: searchAnswerSchema.nullable(),
  })
  .readonly()
export type SearchSummary = z.infer<typeof searchSummarySchema>
