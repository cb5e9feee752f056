import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

/** GitHub's own description of the operations that the loopback GitHub answers; made by extract-openapi.ts. */
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, Node>>>>
}
interface Operation {
  readonly parameters?: readonly Node[]
  readonly requestBody?: Node
  readonly responses: Readonly<Record<string, Node>>
}
/** A piece of the description: a schema, a parameter, a response, or a reference to one. */
interface Node {
  readonly [key: string]: unknown
}

const description = JSON.parse(readFileSync(join(import.meta.dirname, 'openapi.json'), 'utf8')) as Description
const ajv = new Ajv({ strict: false, allErrors: true })
// Formats are checked, too: a date that is none would be a mistake of the loopback GitHub.
addFormats.default(ajv)
ajv.addSchema(description, 'github')
const compiled = new Map<string, ValidateFunction>()

export interface Exchange {
  readonly method: string
  /** As the client asked for it. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Buffer
  readonly status: number
  readonly answer: unknown
}

/** What of a request and its answer GitHub's description does not allow; null where it has no such operation. */
export function violations(exchange: Exchange): readonly string[] | null {
  const found = findOperation(exchange.method, exchange.path)
  if (found === null) return null
  const { operation, at } = found
  const parameters = (operation.parameters ?? []).map(resolve)
  const known = new Set(parameters.filter((each) => each.in === 'query').map(({ name }) => name))
  const unknown = [...exchange.query.keys()].filter((name) => !known.has(name))
  const responseNode = operation.responses[exchange.status]
  // GitHub describes few of its errors, but all of them have the same shape.
  const undescribed = responseNode === undefined && exchange.status < 400
  const basicError = ['components', 'schemas', 'basic-error']
  const responseAt = at.concat('responses', String(exchange.status))
  return [
    ...unknown.map((name) => `unknown query parameter ${name}`),
    ...(undescribed ? [`status ${exchange.status} is not described`] : []),
    ...(operation.requestBody === undefined
      ? []
      : check(at.concat('requestBody'), JSON.parse(exchange.body.toString() || 'null'), 'request')),
    ...(responseNode === undefined && exchange.status >= 400
      ? validate(basicError, exchange.answer, 'error')
      : []),
    ...(responseNode === undefined ? [] : check(responseAt, exchange.answer, 'answer')),
  ].map((problem) => `${exchange.method} ${exchange.path}: ${problem}`)
}

/** A value that the answer's schema allows, with as little in it as that takes, and `values` above it. */
export function sample<T extends object>(method: string, path: string, status: number, values: T): T {
  const operation = description.paths[path]?.[method.toLowerCase()]
  const response = resolve(operation?.responses[status] ?? {})
  const schema = schemaOf(response)
  if (schema === null) throw new Error(`${method} ${path} has no answer ${status}`)
  const item = resolve(schema).type === 'array' ? (resolve(schema).items as Node) : schema
  return { ...(minimal(item) as object), ...values }
}

/** The element of a list inside an answer, e.g. `workflow_runs`. */
export function sampleItem<T extends object>(method: string, path: string, list: string, values: T): T {
  const operation = description.paths[path]?.[method.toLowerCase()]
  const schema = resolve(schemaOf(resolve(operation?.responses[200] ?? {})) ?? {})
  const { items } = (schema.properties as Record<string, { items: Node }>)[list] ?? { items: {} }
  return { ...(minimal(items) as object), ...values }
}

/** The same of a schema by its name in GitHub's description. */
export function sampleOf<T extends object>(schema: string, values: T): T {
  return { ...(minimal(description.components.schemas?.[schema] ?? {}) as object), ...values }
}

function findOperation(method: string, path: string): { operation: Operation; at: string[] } | null {
  for (const [template, operations] of Object.entries(description.paths)) {
    // A ref or a pair of them may hold slashes; everything else is one part of the path.
    const pattern = template.replace(/\{(?:ref|basehead)\}/, '.+').replace(/\{[^}]+\}/g, '[^/]+')
    const operation = operations[method.toLowerCase()]
    if (operation !== undefined && new RegExp(`^${pattern}$`).test(path)) {
      return { operation, at: ['paths', template, method.toLowerCase()] }
    }
  }
  return null
}

function check(at: readonly string[], value: unknown, what: string): string[] {
  const node = at.reduce<unknown>((inside, key) => (inside as Node)[key], description) as Node
  const ref = typeof node.$ref === 'string' ? node.$ref.split('/').slice(1) : at
  if (schemaOf(resolve(node)) === null) return []
  return validate([...ref, 'content', 'application/json', 'schema'], value, what)
}

function validate(at: readonly string[], value: unknown, what: string): string[] {
  const keys = at.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')))
  const pointer = `github#/${keys.join('/')}`
  const isValid = compiled.get(pointer) ?? ajv.compile({ $ref: pointer })
  compiled.set(pointer, isValid)
  if (isValid(value)) return []
  return (isValid.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath} ${message}`)
}

function schemaOf(node: Node): Node | null {
  const content = node.content as Record<string, { schema?: Node }> | undefined
  return content?.['application/json']?.schema ?? null
}

function resolve(node: Node): Node {
  if (typeof node.$ref !== 'string') return node
  const [, , kind = '', name = ''] = node.$ref.split('/')
  return resolve(description.components[kind]?.[name] ?? {})
}

/** Only what is required, each as simple as its type allows. */
function minimal(node: Node): unknown {
  const schema = resolve(node)
  if (schema.nullable === true) return null
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const alternatives = (schema.oneOf ?? schema.anyOf) as Node[] | undefined
  if (alternatives?.[0] !== undefined) return minimal(alternatives[0])
  if (Array.isArray(schema.allOf))
    return Object.assign({}, ...schema.allOf.map((each: Node) => minimal(each)))
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        ((schema.required ?? []) as string[]).map((name) => [
          name,
          minimal((schema.properties as Record<string, Node>)[name] ?? {}),
        ]),
      )
    case 'array':
      return []
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return false
    default:
      return text(schema.format)
  }
}

function text(format: unknown): string {
  if (format === 'uri') return 'https://github.com/o/r'
  if (format === 'date-time') return '2026-01-01T00:00:00Z'
  return 'x'
}
