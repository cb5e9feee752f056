import { type JsonObject, toJson } from '@bufbuild/protobuf'
import { fromText } from '@bufbuild/protobuf/txtpb'
import { GateError, messageOf } from '../domain/error.ts'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { meantBy } from './meant.ts'
import { positionAt, scan } from './text-format.ts'

/**
 * Reads a `config.pbtxt` as Triton would.
 *
 * @param file the name in the error, nothing is read from it
 * @throws GateError `config` with file, line and column of the first thing that is wrong
 */
export function parseModelConfig(text: string, file: string): ModelConfig {
  // protobuf's C++ parser, and so Triton, refuses a byte-order mark; the parser used here does not.
  const failure = text.startsWith('\uFEFF') ? 'starts with a byte-order mark' : failureOf(text)
  if (failure === null) return fromText(ModelConfigSchema, text)
  throw new GateError('config', `${file} is not a model configuration that Triton can read`, {
    problems: [
      {
        file,
        ...positionOfFailure(text, failure),
        message: failure,
        remedy: text.startsWith('\uFEFF')
          ? 'Save the file as UTF-8 without a byte-order mark.'
          : (meantBy(failure) ??
            'Field names and types are those of ModelConfig in Triton’s model_config.proto.'),
      },
    ],
  })
}

/** The configuration as JSON with the field names of the .proto; what is not set is left out. */
export function modelConfigJson(config: ModelConfig): JsonObject {
  return toJson(ModelConfigSchema, config, { useProtoFieldName: true }) as JsonObject
}

/** The same as text, as Triton's load request takes it. */
export function modelConfigToJson(config: ModelConfig): string {
  return JSON.stringify(modelConfigJson(config))
}

function failureOf(text: string): string | null {
  try {
    fromText(ModelConfigSchema, text)
    return null
  } catch (error) {
    return messageOf(error)
  }
}

/** No token starts with it, so a parser that reaches it fails there and nowhere else. */
const sentinel = '\u0000'

/**
 * The parser does not say where it failed. But it reads from left to right with one token of look-ahead:
 * of the texts cut behind a token and ended with the sentinel, exactly those fail alike that hold the
 * offending token. So that token is found by bisection.
 */
function positionOfFailure(text: string, failure: string): { line: number; column: number } | undefined {
  if (text.startsWith('\uFEFF')) return { line: 1, column: 1 }
  const tokens = scan(text)
  if (failure.includes('end of input')) return positionOfUnclosed(text)
  const failsAlike = (count: number) =>
    failureOf(`${text.slice(0, tokens[count - 1]?.end ?? 0)} ${sentinel}`) === failure
  if (text.includes(sentinel) || !failsAlike(tokens.length)) return undefined
  let [without, withIt] = [0, tokens.length]
  while (withIt - without > 1) {
    const middle = Math.floor((without + withIt) / 2)
    if (failsAlike(middle)) withIt = middle
    else without = middle
  }
  return positionAt(text, tokens[withIt - 1]?.start ?? 0)
}

/** The innermost bracket that is never closed: the text ended while the parser was inside it. */
function positionOfUnclosed(text: string): { line: number; column: number } {
  const open: number[] = []
  for (const token of scan(text)) {
    const word = text.slice(token.start, token.end)
    if (['{', '<', '['].includes(word)) open.push(token.start)
    if (['}', '>', ']'].includes(word)) open.pop()
  }
  return positionAt(text, open.at(-1) ?? text.trimEnd().length)
}
