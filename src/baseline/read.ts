import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../domain/error.ts'
import { type Baseline, baselineSchema, schemaVersion } from '../domain/measurements.ts'
import { implausibilities } from './plausible.ts'

/** What stands where a baseline was looked for. Never an exception; an unreadable one is never taken for absent. */
export type BaselineRead =
  | { readonly status: 'found'; readonly source: string; readonly baseline: Baseline }
  | { readonly status: 'absent'; readonly source: string; readonly next: string }
  | { readonly status: 'unreadable'; readonly source: string; readonly why: string; readonly next: string }

/** Ten models with 40 scenarios make about 1 MB, the history at its bound 30 MB; twice that is a mistake or an attack. */
const maxBytes = 64 * 2 ** 20
/** More would not help a person to repair the file. */
const maxProblems = 5
const measureAgain = 'Measure the main branch again with mode baseline, or give another file.'

type Parsed = { readonly baseline: Baseline } | { readonly why: string; readonly next?: string }

/**
 * Reads and checks a baseline file.
 * @param source where it came from, in words for the report: the path, or the artifact and its run
 */
export async function readBaseline(path: string, source: string): Promise<BaselineRead> {
  const content = await readBytes(path)
  if (content === 'absent') {
    const next = 'Measure the main branch with mode baseline, or compare with --reference.'
    return { status: 'absent', source, next }
  }
  return 'why' in content ? unreadable(source, content) : readBaselineBytes(content, source)
}

/** The same for what was read already. */
export function readBaselineBytes(
  content: Uint8Array,
  source: string,
): Exclude<BaselineRead, { status: 'absent' }> {
  const parsed = parseBaseline(content)
  return 'why' in parsed ? unreadable(source, parsed) : { status: 'found', source, baseline: parsed.baseline }
}

function unreadable(source: string, { why, next }: { why: string; next?: string }) {
  return { status: 'unreadable', source, why, next: next ?? measureAgain } as const
}

async function readBytes(path: string): Promise<Buffer | 'absent' | { why: string; next?: string }> {
  try {
    const file = await stat(path)
    if (!file.isFile()) return { why: 'it is not a file', next: 'Give the path of the baseline.json itself.' }
    if (file.size > maxBytes)
      return { why: `it has ${file.size} bytes, more than the ${maxBytes} that are allowed` }
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'absent'
    return { why: messageOf(error) }
  }
}

/** The bytes of a baseline file as a checked baseline, or what is wrong with them. */
function parseBaseline(content: Uint8Array): Parsed {
  const json = parseJson(content)
  if ('why' in json) return json
  const header = checkHeader(json.value)
  if (header !== null) return header
  const result = baselineSchema.safeParse(json.value)
  if (!result.success) {
    return {
      why: listed(result.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`)),
    }
  }
  const problems = implausibilities(result.data)
  return problems.length > 0 ? { why: listed(problems) } : { baseline: result.data }
}

function parseJson(content: Uint8Array): { readonly value: unknown } | { readonly why: string } {
  if (content.length === 0) return { why: 'the file is empty' }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return { why: 'it is not UTF-8 text' }
  }
  try {
    return { value: JSON.parse(text, refusePrototypeKeys) }
  } catch (error) {
    // A whole file ends with its closing brace; one cut off by a full disk or a lost connection does not.
    if (text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) {
      return { why: `it is truncated: the JSON breaks off after ${content.length} bytes` }
    }
    return { why: `it is not JSON: ${messageOf(error)}` }
  }
}

function refusePrototypeKeys(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw new SyntaxError(`the key ${key} is not allowed`)
  }
  return value
}

/** Kind and version first, so that a file of another kind or age is called that and not a hundred wrong fields. */
function checkHeader(value: unknown): { readonly why: string; readonly next: string } | null {
  const { kind, schemaVersion: version } = (value ?? {}) as { kind?: unknown; schemaVersion?: unknown }
  if (kind !== 'baseline') {
    const named = typeof kind === 'string' ? `a ${kind.slice(0, 40)} file` : 'of another kind'
    return {
      why: `it is not a baseline, it is ${named}`,
      next: 'Give the baseline.json that mode baseline writes.',
    }
  }
  if (typeof version === 'number' && version > schemaVersion) {
    return {
      why: `it was written by a newer triton-perf-gate (schema version ${version}, this one knows ${schemaVersion})`,
      next: 'Update triton-perf-gate here to the version that measures the main branch.',
    }
  }
  if (typeof version === 'number' && version < schemaVersion) {
    return {
      why: `it was written by an older triton-perf-gate (schema version ${version}, this one needs ${schemaVersion})`,
      next: 'Measure the main branch again with mode baseline and this version.',
    }
  }
  return null
}

function listed(problems: readonly string[]): string {
  const more = problems.length - maxProblems
  return problems.slice(0, maxProblems).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
