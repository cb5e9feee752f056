import { z } from 'zod'
import { asGateError } from '../domain/error.ts'
import { parseDuration } from './duration.ts'

/** A key that may be left out, with what the reader of the documentation needs to know. */
export function key<T extends z.ZodType>(
  schema: T,
  description: string,
  byDefault?: unknown,
): z.ZodOptional<T> {
  // Zod drops `default` from the schema of an input that is transformed; `inputDefault` survives.
  const metadata = byDefault === undefined ? { description } : { description, inputDefault: byDefault }
  return schema.optional().meta(metadata)
}

export const positiveInteger = z.int().positive()
export const positiveNumber = z.number().positive()

/** More than that is a slip of the pen: nobody measures a thousand loads in CI. */
const maxListLength = 1000

/** Model Analyzer's ways to list numbers, read into a list without repetition. */
export function numberList(element: z.ZodType<number, number>) {
  const range = z.strictObject({ start: element, stop: element, step: element.optional() })
  return z
    .union([
      element.transform((number) => [number]),
      z.string().transform((text, context) => {
        const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
        if (numbers.every((number) => element.safeParse(number).success)) return numbers
        context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a list of such numbers` })
        return z.NEVER
      }),
      z.array(element).min(1),
      range.transform(({ start, stop, step = 1 }, context) => {
        const length = Math.floor((stop - start) / step) + 1
        if (length >= 1 && length <= maxListLength) return Array.from({ length }, (_, i) => start + i * step)
        context.addIssue({
          code: 'custom',
          message: `start ${start}, stop ${stop}, step ${step} gives ${Math.max(0, length)} values; 1 to ${maxListLength} are allowed`,
        })
        return z.NEVER
      }),
    ])
    .transform((numbers): readonly number[] => [...new Set(numbers)])
    .meta({ title: 'number, "1,2", list, or {start, stop, step}' })
}

/** `a,b` or a list of strings. */
export const stringList = z
  .union([
    z.string().transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
    z.array(z.union([z.string(), z.number()]).transform(String)),
  ])
  .meta({ title: '"a,b" or list of strings' })

export const duration = z
  .string()
  .transform((text, context) => {
    try {
      return parseDuration(text)
    } catch (error) {
      const { message, hint } = asGateError(error)
      context.addIssue({ code: 'custom', message, params: { remedy: hint } })
      return z.NEVER
    }
  })
  .meta({ title: 'duration with unit, such as 300s or 5m' })

/** `5%` or 0.05. */
export const ratio = z
  .union([
    z.number().min(0).max(1),
    z
      .string()
      .regex(/^\s*\d+(\.\d+)?\s*%\s*$/)
      .transform((text) => Number.parseFloat(text) / 100),
  ])
  .meta({ title: '"5%" or a ratio from 0 to 1' })

/** A flag's or environment variable's value, as the text it becomes. */
export const scalarText = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .meta({ title: 'string, number or boolean' })
