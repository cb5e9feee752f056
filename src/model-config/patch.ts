import { posix } from 'node:path'
import { equals, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { toText } from '@bufbuild/protobuf/txtpb'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { GateError } from '../domain/error.ts'
import { type ModelConfig, ModelConfigSchema, ModelInstanceGroupSchema } from '../proto/model_config_pb.js'
import { applyEdits, type Edit, endOfLine, insertBehind, insertInto, remove } from './edit.ts'
import { groupJson } from './instance-groups.ts'
import { modelConfigJson, parseModelConfig } from './parse.ts'
import { type Field, readFields, scan, type Value } from './text-format.ts'

export interface ConfigPatch {
  readonly newText: string
  /** True where comments and layout were kept; false where the file had to be written anew. */
  readonly faithful: boolean
  /** Unified diff for `git apply`; empty where nothing is to be changed. */
  readonly patch: string
}

/**
 * Changes max_batch_size, instance_group, dynamic_batching and what else differs in the user's own text so that it means
 * `target`, and proves it by reading the result again. What cannot be had by these edits is written anew.
 *
 * @param file the file's path in the model repository, e.g. `text_recognition/config.pbtxt`
 * @param prefix the model repository's path in the git repository, so that `git apply` works from its root
 */
export function patchModelConfigText(
  text: string,
  file: string,
  target: ModelConfig,
  prefix = '',
): ConfigPatch {
  const edited = applyEdits(text, editsTowards(text, parseModelConfig(text, file), target))
  const faithful = means(edited, target)
  const newText = faithful ? edited : toText(ModelConfigSchema, target)
  return { newText, faithful, patch: unifiedDiff(posix.join(prefix, file), text, newText) }
}

function means(text: string, target: ModelConfig): boolean {
  try {
    return equals(ModelConfigSchema, parseModelConfig(text, 'edited'), target)
  } catch (error) {
    if (error instanceof GateError) return false
    throw error
  }
}

function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return ''
  return createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  })
}

function editsTowards(text: string, current: ModelConfig, target: ModelConfig): Edit[] {
  const fields = readFields(text)
  const additions: string[] = []
  const edits = [
    ...maxBatchSizeEdits(text, fields, target),
    ...instanceGroupEdits(text, fields, current, target, additions),
    ...dynamicBatchingEdits(text, fields, target, additions),
    ...otherEdits(text, fields, current, target, additions),
  ]
  if (additions.length > 0) {
    const eol = endOfLine(text)
    const lead = text === '' || text.endsWith('\n') ? '' : eol
    const lines = additions.map((addition) => addition + eol).join('')
    edits.push({ start: text.length, end: text.length, text: lead + lines })
  }
  return edits
}

function maxBatchSizeEdits(text: string, fields: readonly Field[], target: ModelConfig): Edit[] {
  const field = fields.find(({ name }) => name === 'max_batch_size')
  const value = field?.values[0]
  if (value !== undefined) {
    if (numberOf(text, value) === target.maxBatchSize) return []
    return [{ start: value.start, end: value.end, text: String(target.maxBatchSize) }]
  }
  if (target.maxBatchSize === 0) return []
  const identity = ['name', 'platform', 'backend', 'runtime', 'default_model_filename']
  const anchor = fields.findLast(({ name }) => identity.includes(name))
  const addition = `max_batch_size: ${target.maxBatchSize}`
  return [
    anchor === undefined
      ? { start: 0, end: 0, text: addition + endOfLine(text) }
      : insertBehind(text, anchor, addition),
  ]
}

/** Groups are told by their place: each gets what differs, what is beyond the last one goes or comes. */
function instanceGroupEdits(
  text: string,
  fields: readonly Field[],
  current: ModelConfig,
  target: ModelConfig,
  additions: string[],
): Edit[] {
  const [before, after] = [current.instanceGroup.map(groupJson), target.instanceGroup.map(groupJson)]
  const written = fields.filter(({ name, values }) => name === 'instance_group' && values.length > 0)
  const values = written.flatMap((field) => field.values)
  const edits = values.slice(0, after.length).flatMap((value, index) => {
    return groupEdits(text, value, before[index] ?? {}, after[index] ?? {})
  })
  let behind = after.length
  for (const field of written) {
    const kept = field.values.slice(0, Math.max(0, behind))
    behind -= field.values.length
    const [lastKept, last] = [kept.at(-1), field.values.at(-1)]
    if (lastKept === undefined) edits.push(remove(text, field))
    else if (last !== undefined && last !== lastKept)
      edits.push({ start: lastKept.end, end: last.end, text: '' })
  }
  const more = after.slice(values.length).map(groupText)
  if (more.length > 0) edits.push(...addGroups(text, written.at(-1), more, additions))
  return edits
}

function addGroups(
  text: string,
  last: Field | undefined,
  more: readonly string[],
  additions: string[],
): Edit[] {
  const value = last?.values.at(-1)
  if (last === undefined || value === undefined) {
    additions.push(`instance_group [ ${more.join(', ')} ]`)
    return []
  }
  const isList = text[last.valueStart] === '['
  if (!isList) return [insertBehind(text, last, more.map((group) => `instance_group ${group}`).join(' '))]
  return [{ start: value.end, end: value.end, text: more.map((group) => `, ${group}`).join('') }]
}

const plainOfGroup = new Set(['count', 'kind', 'gpus'])

/** What differs in one group; all of it is written anew where that is more than its plain fields, unless a comment would be lost. */
function groupEdits(text: string, value: Value, before: JsonObject, after: JsonObject): Edit[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  if (names.some((name) => !plainOfGroup.has(name))) {
    if (hasComment(text.slice(value.start, value.end))) return []
    return [{ start: value.start, end: value.end, text: groupText(after) }]
  }
  return setFields(text, value, Object.fromEntries(names.map((name) => [name, literals(after[name])])))
}

function literals(value: JsonValue | undefined): string[] {
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String)
}

/** `{ count: 2 kind: KIND_CPU }` */
function groupText(group: JsonObject): string {
  const message = fromJson(ModelInstanceGroupSchema, group)
  const lines = toText(ModelInstanceGroupSchema, message).trim().split('\n')
  return `{ ${lines.map((line) => line.trim()).join(' ')} }`
}

function dynamicBatchingEdits(
  text: string,
  fields: readonly Field[],
  target: ModelConfig,
  additions: string[],
): Edit[] {
  const field = fields.find(({ name }) => name === 'dynamic_batching')
  const scheduling = target.schedulingChoice
  if (scheduling.case !== 'dynamicBatching') return field === undefined ? [] : [remove(text, field)]
  const { preferredBatchSize, maxQueueDelayMicroseconds } = scheduling.value
  const settings = {
    preferred_batch_size: preferredBatchSize.map(String),
    max_queue_delay_microseconds: maxQueueDelayMicroseconds === 0n ? [] : [String(maxQueueDelayMicroseconds)],
  }
  const message = field?.values[0]
  if (message !== undefined) return setFields(text, message, settings)
  const inner = Object.entries(settings).flatMap(([name, values]) => fieldText(name, values))
  additions.push(['dynamic_batching {', ...inner, '}'].join(' '))
  return []
}

const editedByPart = new Set(['max_batch_size', 'instance_group', 'dynamic_batching'])

/** Whole fields, set in place or at the end. One that has a comment in it stays: then the file is written anew, and that is said. */
function otherEdits(
  text: string,
  fields: readonly Field[],
  current: ModelConfig,
  target: ModelConfig,
  additions: string[],
): Edit[] {
  const [before, after] = [modelConfigJson(current), modelConfigJson(target)]
  return ModelConfigSchema.fields.flatMap(({ name }) => {
    const wanted = onlyField(after, name)
    if (editedByPart.has(name) || equals(ModelConfigSchema, onlyField(before, name), wanted)) return []
    const addition = toText(ModelConfigSchema, wanted).trimEnd().replaceAll('\n', endOfLine(text))
    const [first, ...others] = fields.filter((field) => field.name === name)
    if (first === undefined) {
      additions.push(addition)
      return []
    }
    const commented = [first, ...others].some(({ start, end }) => hasComment(text.slice(start, end)))
    if (commented || addition === '') return []
    return [
      { start: first.start, end: first.end, text: addition },
      ...others.map((field) => remove(text, field)),
    ]
  })
}

function hasComment(text: string): boolean {
  let behind = 0
  return scan(text).some(({ start, end }) => {
    const gap = text.slice(behind, start)
    behind = end
    return gap.includes('#')
  })
}

/** The configuration with that one field alone. */
function onlyField(json: JsonObject, name: string): ModelConfig {
  return fromJson(ModelConfigSchema, json[name] === undefined ? {} : { [name]: json[name] })
}

/** Sets, adds or (where the list is empty) removes fields of a message, each only where its value differs. */
function setFields(
  text: string,
  message: Value,
  settings: Readonly<Record<string, readonly string[]>>,
): Edit[] {
  const edits: Edit[] = []
  const additions: string[] = []
  for (const [name, wanted] of Object.entries(settings)) {
    const [first, ...others] = (message.fields ?? []).filter((field) => field.name === name)
    if (first === undefined) {
      additions.push(...fieldText(name, wanted))
      continue
    }
    const present = [first, ...others].flatMap(({ values }) => values.map((value) => literalOf(text, value)))
    if (present.join() === wanted.join()) continue
    if (wanted.length === 0) edits.push(remove(text, first))
    else edits.push({ start: first.valueStart, end: first.end, text: valueText(name, wanted) })
    edits.push(...others.map((field) => remove(text, field)))
  }
  return additions.length === 0 ? edits : [...edits, insertInto(text, message, additions)]
}

const repeated = new Set(['preferred_batch_size', 'gpus'])

function valueText(name: string, values: readonly string[]): string {
  return repeated.has(name) ? `[ ${values.join(', ')} ]` : values.join()
}

function fieldText(name: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`${name}: ${valueText(name, values)}`]
}

/** As it would be written here: a number in decimal, a name as it is. */
function literalOf(text: string, value: Value): string {
  const number = numberOf(text, value)
  return Number.isNaN(number) ? text.slice(value.start, value.end) : String(number)
}

/** The value of an integer literal; octal is what the text format shares with C but not with JavaScript. */
function numberOf(text: string, value: Value): number {
  const literal = text.slice(value.start, value.end)
  return /^0[0-7]+$/.test(literal) ? Number.parseInt(literal, 8) : Number(literal)
}
