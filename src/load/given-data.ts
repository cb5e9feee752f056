import type { Problem } from '../domain/error.ts'
import { isMapping } from '../domain/mapping.ts'

/** A tensor of a file, before the model's datatype and dims are known. */
export interface GivenTensor {
  readonly file: string
  /** Where in the file: `data[3].IMAGE`; left out where the file is the tensor. */
  readonly key?: string
  /** Without the batch dimension; null = as the model or `shape` says. */
  readonly shape: readonly number[] | null
  readonly content:
    | { readonly kind: 'values'; readonly values: readonly unknown[] }
    | { readonly kind: 'raw'; readonly bytes: Uint8Array }
    /** A whole file: raw bytes, or one string on each line. */
    | { readonly kind: 'file'; readonly bytes: Uint8Array }
}

/** The tensors of one inference by name. */
export interface GivenStep {
  readonly file: string
  readonly key?: string
  /** Where `isFolder`, outputs stand among them: only the model tells which is which. */
  readonly inputs: ReadonlyMap<string, GivenTensor>
  /** What the answer must be; null where nothing is said of it. */
  readonly outputs: ReadonlyMap<string, GivenTensor> | null
  readonly isFolder: boolean
}

export interface GivenData {
  readonly streams: readonly (readonly GivenStep[])[]
  /** Lists of lists: each a sequence. Else the one stream is of independent steps. */
  readonly areSequences: boolean
}

const layout =
  'Write {"data": [{"INPUT": [1, 2, 3]}, …]}, one map for each inference, or lists of such maps for sequences.'

/**
 * Reads perf_analyzer's JSON: steps (`data` is a list of maps), or streams of steps (a list of lists). A tensor is a
 * flat list, `{b64}`, or `{content, shape}`. `validation_data` of the same layout says what the answers must be.
 * What is wrong goes to `problems`.
 */
export function parseInputJson(text: string, file: string, problems: Problem[]): GivenData | null {
  const document = parseJson(text, file, problems)
  if (document === undefined) return null
  const tell = (key: string, message: string, remedy = layout) => {
    problems.push({ file, key, message, remedy })
    return null
  }
  if (!isMapping(document)) return tell('', 'is not a map with the key "data"')
  for (const name of Object.keys(document)) {
    if (name !== 'data' && name !== 'validation_data')
      tell(name, 'unknown key', 'Possible here: data, validation_data.')
  }
  const { data, validation_data: validation } = document
  if (data === undefined) return tell('data', 'is missing')
  if (!Array.isArray(data)) return tell('data', 'is not a list')
  if (data.length === 0) return tell('data', 'is empty: there is nothing to send')
  const lists = data.filter((each) => Array.isArray(each)).length
  if (lists !== 0 && lists !== data.length)
    return tell('data', 'mixes steps (maps) with streams (lists)', 'Use one of the two.')

  const areSequences = lists > 0
  const streams = parseStreams(data, 'data', areSequences, file, problems)
  if (validation === undefined) return { streams: streams.map(withoutOutputs), areSequences }
  const given = Array.isArray(validation) ? validation : []
  const outputs = parseStreams(given, 'validation_data', areSequences, file, problems)
  const aligned =
    outputs.length === streams.length &&
    outputs.every((stream, index) => stream.length === streams[index]?.length)
  if (!aligned) {
    return tell(
      'validation_data',
      'does not align with data',
      'Give as many steps in each stream as data has.',
    )
  }
  return {
    streams: streams.map((stream, i) =>
      stream.map((step, k) => ({ ...step, outputs: outputs[i]?.[k]?.inputs ?? null })),
    ),
    areSequences,
  }
}

type Parsed = Omit<GivenStep, 'outputs'>

const withoutOutputs = (stream: readonly Parsed[]): GivenStep[] =>
  stream.map((step) => ({ ...step, outputs: null }))

function parseStreams(
  list: readonly unknown[],
  key: string,
  areSequences: boolean,
  file: string,
  problems: Problem[],
): Parsed[][] {
  const steps = (items: readonly unknown[], prefix: string) =>
    items.map((item, index) => parseStep(item, `${prefix}[${index}]`, file, problems))
  if (!areSequences) return [steps(list, key)]
  return list.map((stream, index) => {
    const place = `${key}[${index}]`
    if (Array.isArray(stream) && stream.length > 0) return steps(stream, place)
    const message = Array.isArray(stream) ? 'is an empty stream' : 'is not a list of steps'
    problems.push({ file, key: place, message, remedy: 'Give it steps, or leave it out.' })
    return []
  })
}

function parseStep(step: unknown, key: string, file: string, problems: Problem[]): Parsed {
  if (!isMapping(step)) {
    problems.push({ file, key, message: 'is not a map of names to tensors', remedy: layout })
    return { file, key, inputs: new Map(), isFolder: false }
  }
  const tensors = Object.entries(step).flatMap(([name, value]) => {
    const tensor = parseTensor(value, `${key}.${name}`, file, problems)
    return tensor === null ? [] : [[name, tensor] as const]
  })
  return { file, key, inputs: new Map(tensors), isFolder: false }
}

function parseTensor(value: unknown, key: string, file: string, problems: Problem[]): GivenTensor | null {
  const tell = (message: string, remedy: string) => {
    problems.push({ file, key, message, remedy })
    return null
  }
  const forms = 'Write a flat list of elements, {"b64": "…"}, or {"content": …, "shape": […]}.'
  if (!Array.isArray(value) && !isMapping(value)) return tell('is no tensor', forms)
  const map = isMapping(value) ? value : { content: value }
  const unknown = Object.keys(map).filter((name) => !['content', 'shape', 'b64'].includes(name))
  if (unknown.length > 0) return tell(`unknown key ${JSON.stringify(unknown[0])}`, forms)
  if ((map.content === undefined) === (map.b64 === undefined))
    return tell('has to have either content or b64', forms)
  const shape = map.shape ?? null
  if (shape !== null && !isShape(shape))
    return tell('shape is not a list of sizes from 1 on', 'Give it without the batch dimension.')
  const encoded =
    map.b64 ??
    (isMapping(map.content) && Object.keys(map.content).join() === 'b64' ? map.content.b64 : undefined)
  if (encoded !== undefined) {
    const bytes = decodeBase64(encoded)
    if (bytes === null)
      return tell('b64 is not base64', 'Encode the little-endian, row-major bytes of the tensor.')
    return { file, key, shape, content: { kind: 'raw', bytes } }
  }
  if (!Array.isArray(map.content)) return tell('content is neither a list nor {"b64": "…"}', forms)
  if (map.content.some((element) => Array.isArray(element))) {
    return tell('is a nested list', 'Write the elements flat, row-major, and the shape beside them.')
  }
  return { file, key, shape, content: { kind: 'values', values: map.content } }
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size > 0)
}

/** Node skips what is not of the alphabet; here that is an error. Line breaks are none. */
function decodeBase64(value: unknown): Uint8Array | null {
  if (typeof value !== 'string') return null
  const text = value.replace(/[\r\n]/g, '')
  const body = text.replace(/={1,2}$/, '')
  if (/[^A-Za-z0-9+/]/.test(body) || body.length % 4 === 1) return null
  if (text.length !== body.length && text.length % 4 !== 0) return null
  return new Uint8Array(Buffer.from(body, 'base64'))
}

/** A string, a number, or one of the words that perf_analyzer takes for numbers. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?(?:NaN|Inf(?:inity)?)\b/g

/**
 * JSON, with integers of 16 digits and more as strings: as numbers they would lose their last ones. `undefined`
 * where it cannot be read.
 */
function parseJson(text: string, file: string, problems: Problem[]): unknown {
  const exact = /\d{16}/.test(text)
    ? text.replace(tokens, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token))
    : text
  try {
    return JSON.parse(exact) as unknown
  } catch (error) {
    const word = [...text.matchAll(tokens)].find(([token]) => /^-?(?:NaN|Inf)/.test(token))
    if (word === undefined) {
      const message = `is not JSON: ${error instanceof Error ? error.message : String(error)}`
      problems.push({ file, message, remedy: layout })
    } else {
      const before = text.slice(0, word.index).split('\n')
      const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
      const remedy =
        'Use finite numbers: many kernels are slower on others, and no comparison holds for them.'
      problems.push({ file, ...place, message: `${word[0]} is not a finite number`, remedy })
    }
    return undefined
  }
}
