import { z } from 'zod'
import type { InputSource } from './config.ts'

const number = z.number()
const value = z.union([number, z.boolean(), z.string()])

const sources = z.strictObject({
  range: z
    .tuple([number, number])
    .refine(([min, max]) => min <= max, { error: 'the first number is above the second' })
    .meta({ title: '[least, highest]', description: 'Random values in this range.' })
    .optional(),
  constant: value.meta({ description: 'The value of every element.' }).optional(),
  values: z.array(value).min(1).meta({ description: 'All elements of an inference, row-major.' }).optional(),
  file: z
    .string()
    .min(1)
    .meta({
      description:
        'A file with the bytes of an inference, or for strings one on each line; relative to the configuration file.',
    })
    .optional(),
})

/** What one input gets: exactly one of the four. A file's path is still as the user wrote it. */
const inputSource = sources.transform((given, context): InputSource => {
  const found: InputSource[] = []
  if (given.range !== undefined) found.push({ kind: 'range', min: given.range[0], max: given.range[1] })
  if (given.constant !== undefined) found.push({ kind: 'constant', value: given.constant })
  if (given.values !== undefined) found.push({ kind: 'values', values: given.values })
  if (given.file !== undefined) found.push({ kind: 'file', path: given.file })
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const remedy = 'Give exactly one of range, constant, values and file.'
  context.addIssue({ code: 'custom', message: `${found.length} sources for one input`, params: { remedy } })
  return z.NEVER
})

/** `gate.inputs`: by model, then by input. */
export const inputsSection = z
  .record(z.string().min(1), z.record(z.string().min(1), inputSource))
  .meta({ title: 'map of model to map of input to {range | constant | values | file}' })
