import { fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { GateError, messageOf } from '../domain/error.ts'
import { isMapping } from '../domain/mapping.ts'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { modelConfigJson } from './parse.ts'

/** A field that two configurations of one model set differently. */
export interface ChangedField {
  /** Keys of messages and maps, indexes of lists. */
  readonly path: readonly (string | number)[]
  /** `instance_group[0].count`, `parameters.threads.string_value`. */
  readonly field: string
  /** As text; null where it is not set. */
  readonly before: string | null
  readonly after: string | null
}

/**
 * What differs between two configurations by meaning, down to single fields. Lists of different length, and messages
 * that one side does not have, are one field: their parts mean nothing alone. The name, which is the folder's, may be
 * written or not.
 */
export function changedFields(before: ModelConfig, after: ModelConfig): ChangedField[] {
  return differences([], modelConfigJson(before), modelConfigJson(after)).filter(
    ({ field }) => field !== 'name',
  )
}

/**
 * `before` with one of its changed fields as in `after`.
 *
 * @throws GateError `config` where that is no configuration, such as two schedulers at once
 */
export function withField(before: ModelConfig, after: ModelConfig, change: ChangedField): ModelConfig {
  const json = replaced(modelConfigJson(before), modelConfigJson(after), change.path)
  try {
    return fromJson(ModelConfigSchema, json ?? {})
  } catch (error) {
    throw new GateError('config', `${change.field} cannot be changed alone: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

type Path = readonly (string | number)[]

function differences(
  path: Path,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): ChangedField[] {
  if (Array.isArray(before) && Array.isArray(after) && alike(before, after)) {
    return before.flatMap((item, index) => differences([...path, index], item, after[index]))
  }
  if (isMapping(before) && isMapping(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => differences([...path, key], before[key], after[key]))
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  return [{ path, field: label(path), before: textOf(before), after: textOf(after) }]
}

/** Messages one by one; a list of numbers, such as dims or preferred batch sizes, is one value. */
function alike(before: readonly JsonValue[], after: readonly JsonValue[]): boolean {
  return before.length === after.length && [...before, ...after].every(isMapping)
}

function label(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      if (!/^[\w-]+$/.test(key)) return `[${JSON.stringify(key)}]`
      return index === 0 ? key : `.${key}`
    })
    .join('')
}

function textOf(value: JsonValue | undefined): string | null {
  if (value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function replaced(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: Path,
): JsonValue | undefined {
  const [key, ...rest] = path
  if (key === undefined) return after
  if (typeof key === 'number') {
    const [items, others] = [before as JsonValue[], after as JsonValue[]]
    return items.map((item, index) => (index === key ? (replaced(item, others[key], rest) ?? item) : item))
  }
  const [own, other] = [before as JsonObject, after as JsonObject]
  const value = replaced(own[key], other[key], rest)
  const { [key]: _, ...others } = own
  return value === undefined ? others : { ...others, [key]: value }
}
