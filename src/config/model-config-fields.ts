import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf'
import { z } from 'zod'
import { messageOf } from '../domain/error.ts'
import { isMapping } from '../domain/mapping.ts'

/** More than that is a slip of the pen: no pull request waits for so many configurations. */
const maxValues = 1000

/**
 * A field of ModelConfig under `model_config_parameters`, or of a message in it, read into all its values, each as JSON
 * with the names of the .proto. As in Model Analyzer, at every level a scalar or map may be a list of those to be tried; where
 * the field is itself a list, that takes one more level.
 */
export function fieldValues(message: DescMessage, field: DescField) {
  return z
    .unknown()
    .transform((value, context) => readFieldValues(message, field, value as JsonValue, context))
    .meta({ title: 'value or list of values' })
}

/** The same of a value whose outer form was read already. */
export function readFieldValues(
  message: DescMessage,
  field: DescField,
  value: JsonValue,
  context: z.RefinementCtx,
): readonly JsonValue[] {
  try {
    const values = valuesOf(field, value)
    for (const one of values) fromJson(message, { [field.name]: one })
    return values
  } catch (error) {
    const remedy = 'Its fields and types are those of ModelConfig in Triton’s model_config.proto.'
    context.addIssue({ code: 'custom', message: messageOf(error), params: { remedy } })
    return z.NEVER
  }
}

/** The values of a message's fields in all combinations. */
function messageValues(message: DescMessage, value: JsonObject): readonly JsonObject[] {
  return product(
    Object.entries(value).map(([name, inner]) => {
      const field = message.fields.find((one) => one.name === name || one.jsonName === name)
      if (field === undefined) throw new Error(`${message.name} has no field ${JSON.stringify(name)}`)
      return [field.name, valuesOf(field, inner)]
    }),
  )
}

function valuesOf(field: DescField, value: JsonValue): readonly JsonValue[] {
  if (field.fieldKind === 'list') {
    const lists = Array.isArray(value) && value.length > 0 && value.every(Array.isArray) ? value : [value]
    return limited(lists.flatMap((list) => listValues(field, list)))
  }
  const choices = Array.isArray(value) ? value : [value]
  return limited(
    choices.flatMap((choice): readonly JsonValue[] => {
      if (!isMapping(choice)) return [choice]
      if (field.fieldKind === 'message') return messageValues(field.message, choice)
      if (field.fieldKind !== 'map' || field.mapKind !== 'message') return [choice]
      const { message } = field
      return product(
        Object.entries(choice).map(([name, inner]) => [
          name,
          isMapping(inner) ? messageValues(message, inner) : [inner],
        ]),
      )
    }),
  )
}

function listValues(field: DescField & { fieldKind: 'list' }, value: JsonValue): readonly JsonValue[] {
  if (!Array.isArray(value) || field.listKind !== 'message') return [value]
  const { message } = field
  const named = value.map((one, i): [string, readonly JsonValue[]] => [
    String(i),
    isMapping(one) ? messageValues(message, one) : [one],
  ])
  return product(named).map((one) => value.map((_, i) => one[String(i)] ?? null))
}

/** One value of each in all combinations. */
export function product(choices: readonly (readonly [string, readonly JsonValue[]])[]): JsonObject[] {
  return choices.reduce<JsonObject[]>(
    (made, [name, values]) =>
      limited(made.flatMap((one) => values.map((value) => ({ ...one, [name]: value })))),
    [{}],
  )
}

function limited<T>(values: T[]): T[] {
  if (values.length <= maxValues) return values
  throw new Error(`more than ${maxValues} values are listed`)
}
