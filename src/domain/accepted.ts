import { z } from 'zod'
import { metricNameSchema } from './metric-name.ts'

/** A regression that an entry of `gate.accepted` expects. */
export const acceptedRegressionSchema = z
  .strictObject({
    model: z.string(),
    metric: metricNameSchema,
    /** Only at loads that are like this; at every load where nothing is said. */
    concurrency: z.int().positive().optional(),
    requestRate: z.number().positive().optional(),
    batchSize: z.int().positive().optional(),
    /** Only where exactly these models are under load beside it, at loads that are like this; left out: only where none is. */
    beside: z
      .array(
        z.strictObject({
          model: z.string(),
          concurrency: z.int().positive().optional(),
          requestRate: z.number().positive().optional(),
          batchSize: z.int().positive().optional(),
        }),
      )
      .min(1)
      .readonly()
      .optional(),
    /** Change for the worse, as a ratio: 0.15 = 15 %. */
    upTo: z.number().positive(),
    reason: z.string(),
    until: z.discriminatedUnion('kind', [
      /** `YYYY-MM-DD`: the last day on which it holds, in UTC. */
      z.strictObject({ kind: z.literal('date'), date: z.string() }),
      /** It holds until what is measured has this commit in its history. */
      z.strictObject({ kind: z.literal('commit'), commit: z.string() }),
    ]),
  })
  .readonly()
export type AcceptedRegression = z.infer<typeof acceptedRegressionSchema>
