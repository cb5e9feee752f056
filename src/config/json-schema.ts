import { z } from 'zod'
import { fileSchema } from './schema.ts'
import type { Path } from './yaml-source.ts'

/** The part of JSON Schema that the configuration's schema uses. */
export interface JsonSchema {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly deprecated?: boolean
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
}

const schema = z.toJSONSchema(fileSchema, {
  io: 'input',
  override: ({ jsonSchema }) => {
    if (!('inputDefault' in jsonSchema)) return
    jsonSchema.default = jsonSchema.inputDefault
    delete jsonSchema.inputDefault
  },
}) as JsonSchema

/** JSON Schema (draft 2020-12) of the configuration file, for editors and for `schema/`. */
export function configurationJsonSchema(): JsonSchema {
  return { ...schema, title: 'Configuration of triton-perf-gate' }
}

/** Every schema that a value at that path may be checked with. */
export function schemasAt(path: Path): readonly JsonSchema[] {
  return path.reduce<readonly JsonSchema[]>(
    (nodes, segment) => nodes.flatMap((node) => step(node, segment)),
    [schema],
  )
}

function step(node: JsonSchema, segment: string | number): readonly JsonSchema[] {
  const direct =
    node.properties?.[segment] ?? (typeof segment === 'number' ? node.items : node.additionalProperties)
  const inside = (node.anyOf ?? []).flatMap((choice) => step(choice, segment))
  return typeof direct === 'object' ? [direct, ...inside] : inside
}

/** The keys that a map at that path may have. */
export function keysAt(path: Path): string[] {
  const keysOf = (node: JsonSchema): string[] => [
    ...Object.keys(node.properties ?? {}),
    ...(node.anyOf ?? []).flatMap(keysOf),
  ]
  return schemasAt(path).flatMap(keysOf)
}

/** What is expected, in words: `integer > 0`, `"quick" or "brute"`, `list of …`. */
export function typeText(node: JsonSchema): string {
  if (node.title !== undefined) return node.title
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeText))].join(' or ')
  if (node.type === 'array') return node.items === undefined ? 'list' : `list of ${typeText(node.items)}`
  if (node.type === 'object') return 'map'
  if (node.exclusiveMinimum !== undefined) return `${node.type} > ${node.exclusiveMinimum}`
  // Zod bounds every integer by what a double holds exactly: nothing to tell a person.
  if (node.minimum !== undefined && node.minimum !== Number.MIN_SAFE_INTEGER)
    return `${node.type} ≥ ${node.minimum}`
  return node.type ?? 'any value'
}

/** The keys of the configuration file as a Markdown table, for the documentation. */
export function docsTable(): string {
  const rows = rowsOf(schema, '').map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`)
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}

function rowsOf(node: JsonSchema, prefix: string): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    // Of the keys without effect, those of Model Analyzer's file are listed; a map's are too many to be of use.
    if (child.deprecated === true && prefix !== '') return []
    const path = `${prefix}${name}`
    const row = [
      `\`${path}\``,
      child.deprecated === true ? '' : typeText(child),
      child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``,
      child.description ?? '',
    ]
    const isGlobalToo = prefix === modelPrefix && schema.properties?.[name] !== undefined
    if (isGlobalToo) return [row]
    const own = child.description === undefined ? [] : [row]
    const entries = child.items === undefined ? [] : rowsOf(child.items, `${path}[].`)
    return [
      ...own,
      ...rowsOf(child, `${path}.`),
      ...entries,
      ...(path === 'profile_models' ? modelRows(child) : []),
    ]
  })
}

const modelPrefix = 'profile_models.<model>.'

/** The rows of a model's own settings, wherever among the choices of `profile_models` they stand. */
function modelRows(node: JsonSchema): string[][] {
  const rows = typeof node.additionalProperties === 'object' ? settingsRows(node.additionalProperties) : []
  return [...rows, ...(node.anyOf ?? []).flatMap(modelRows)]
}

function settingsRows(node: JsonSchema): string[][] {
  return [...rowsOf(node, modelPrefix), ...(node.anyOf ?? []).flatMap(settingsRows)]
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
