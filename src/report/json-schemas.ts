import { z } from 'zod'
import { baselineSchema, measurementsSchema } from '../domain/measurements.ts'
import { resultSchema } from '../domain/result.ts'

/** The JSON Schemas (draft 2020-12) of the files that stages exchange, by their name in the folder `schema/`. */
export function publishedSchemas(): Record<string, object> {
  return {
    'measurements.schema.json': published(
      measurementsSchema,
      'measurements.json',
      'All that was measured, before any judgement.',
    ),
    'baseline.schema.json': published(
      baselineSchema,
      'baseline.json',
      'A stored measurement to compare with, and its history.',
    ),
    'result.schema.json': published(resultSchema, 'result.json', 'Everything that the reports show.'),
  }
}

function published(schema: z.ZodType, title: string, description: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' })
  return { $schema, title: `triton-perf-gate ${title}`, description, ...rest }
}
