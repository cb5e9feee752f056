import { createRegistry } from '@bufbuild/protobuf'
import { nearest } from '../domain/nearest.ts'
import { ModelConfigSchema } from '../proto/model_config_pb.js'

/** As protobuf's parser names what it does not know. */
const unknowns = {
  field: /^unknown field "(?<word>[^"]+)" for message (?<type>\S+)$/,
  mapEntry: /^unknown field "(?<word>[^"]+)" in map entry$/,
  enumValue: /^unknown enum value "(?<word>[^"]+)" for enum (?<type>\S+)$/,
} as const

const registry = createRegistry(ModelConfigSchema.file)

/**
 * What a word that the parser does not know was probably meant to be, as a sentence: the nearest field or value that may stand there,
 * else the message that has a field of that name. null where there is none, or where the parser fails of something else.
 *
 * @param failure the parser's words
 */
export function meantBy(failure: string): string | null {
  const field = unknowns.field.exec(failure)?.groups
  if (field?.word !== undefined) {
    const names = fieldsOf(field.type)
    return didYouMean(nearest(field.word, names)) ?? elsewhere(field.word)
  }
  const entry = unknowns.mapEntry.exec(failure)?.groups?.word
  if (entry !== undefined) return didYouMean(nearest(entry, ['key', 'value']))
  const value = unknowns.enumValue.exec(failure)?.groups
  if (value?.word === undefined) return null
  const { word } = value
  const values = registry.getEnum(value.type ?? '')?.values.map(({ name }) => name) ?? []
  const upper = word.toUpperCase()
  const triton = elsewhereCalled[upper.replace(/^TYPE_/, '')]
  if (triton !== undefined && values.includes(triton)) return didYouMean(triton)
  // `FP32` for `TYPE_FP32`: what is left out is the start that all values share.
  return didYouMean(values.find((name) => name.endsWith(`_${upper}`)) ?? nearest(word, values))
}

/** What numpy, ONNX and Triton's own clients call the types: by their letters `FLOAT32` is nearer to `TYPE_UINT32`. */
const elsewhereCalled: Readonly<Record<string, string>> = {
  BFLOAT16: 'TYPE_BF16',
  BOOLEAN: 'TYPE_BOOL',
  BYTES: 'TYPE_STRING',
  DOUBLE: 'TYPE_FP64',
  FLOAT: 'TYPE_FP32',
  FLOAT16: 'TYPE_FP16',
  FLOAT32: 'TYPE_FP32',
  FLOAT64: 'TYPE_FP64',
  HALF: 'TYPE_FP16',
}

function didYouMean(name: string | undefined): string | null {
  return name === undefined ? null : `Did you mean "${name}"?`
}

function fieldsOf(type: string | undefined): readonly string[] {
  return registry.getMessage(type ?? '')?.fields.map(({ name }) => name) ?? []
}

/** A field that stands one brace too deep, or not deep enough. */
function elsewhere(word: string): string | null {
  for (const type of registry) {
    if (type.kind !== 'message' || !type.fields.some(({ name }) => name === word)) continue
    return `It is a field of ${type.name}: move it there, or look for a brace that is not closed.`
  }
  return null
}
