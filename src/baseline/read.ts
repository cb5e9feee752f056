import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../domain/error.ts'
import { issuesOf } from '../domain/issues.ts'
import type { Mapping } from '../domain/mapping.ts'
import {
  type Baseline,
  baselineSchema,
  baselineSchemaVersion,
  maxBaselineBytes,
} from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
import { baselineMaker } from '../domain/words.ts'
import { canRead, migrated } from './migrate.ts'
import { implausibilities } from './plausible.ts'

/** What stands where a baseline was looked for. Never an exception; an unreadable one is never taken for absent. */
export type BaselineRead =
  | { readonly status: 'found'; readonly source: string; readonly baseline: Baseline }
  | { readonly status: 'absent'; readonly source: string; readonly next: string }
  | { readonly status: 'unreadable'; readonly source: string; readonly why: string; readonly next: string }
  /** Whole, but of a version that this program cannot know. */
  | Extract<BaselineStatus, { status: 'incompatible' }>

/** More would not help a person to repair the file. */
const maxProblems = 5
const measureAgain = `Measure the main branch again (${baselineMaker}), or give another file.`

type Parsed =
  | { readonly status: 'found'; readonly baseline: Baseline }
  | { readonly status: 'unreadable'; readonly why: string; readonly next?: string }
  | (Omit<Extract<BaselineStatus, { status: 'incompatible' }>, 'source' | 'passedOver'> & {
      readonly differences: string[]
    })

/**
 * Reads and checks a baseline file.
 * @param source where it came from, in words for the report: the path, or the artifact and its run
 */
export async function readBaseline(path: string, source: string): Promise<BaselineRead> {
  const json = await readJson(path)
  if (json === null) {
    const next = `Measure the main branch (${baselineMaker}), or compare with --reference.`
    return { status: 'absent', source, next }
  }
  return asRead(checked(json), source)
}

/** The same for what was read already. */
export function readBaselineBytes(
  content: Uint8Array,
  source: string,
): Exclude<BaselineRead, { status: 'absent' }> {
  return asRead(checked(parseJson(decoded(content))), source)
}

function asRead(parsed: Parsed, source: string): Exclude<BaselineRead, { status: 'absent' }> {
  return parsed.status === 'unreadable' ? { source, next: measureAgain, ...parsed } : { source, ...parsed }
}

type Json = { readonly value: unknown } | Extract<Parsed, { status: 'unreadable' }>

const unreadable = (why: string, next = measureAgain) => ({ status: 'unreadable', why, next }) as const

/** What a file holds; null where there is none. Bytes and text are gone by then: of a large file they are half of all. */
async function readJson(path: string): Promise<Json | null> {
  try {
    const file = await stat(path)
    if (!file.isFile()) return unreadable('it is not a file', 'Give the path of the baseline.json itself.')
    if (file.size > maxBaselineBytes)
      return unreadable(`it has ${file.size} bytes, more than the ${maxBaselineBytes} that are allowed`)
    // One after the other, so that nothing holds the bytes while the text is parsed.
    return parseJson(decoded(await readFile(path)))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    return unreadable(messageOf(error))
  }
}

/** What stands in a baseline file as a checked baseline, or what is wrong with it. */
function checked(json: Json): Parsed {
  if ('why' in json) return json
  const header = checkHeader(json.value)
  if (header !== null) return header
  const file = migrated(json.value as Mapping)
  const wrong = issuesOf(baselineSchema, file).map(
    ({ path, message }) => `${path.join('.') || 'file'}: ${message}`,
  )
  if (wrong.length > 0) return unreadable(listed(wrong))
  const baseline = file as unknown as Baseline
  const problems = implausibilities(baseline)
  return problems.length > 0 ? unreadable(listed(problems)) : { status: 'found', baseline }
}

/** null where it is no text. */
function decoded(content: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return null
  }
}

function parseJson(text: string | null): Json {
  if (text === null) return unreadable('it is not UTF-8 text')
  if (text === '') return unreadable('the file is empty')
  try {
    // A reviver visits every value, which takes longer than all else of a large file: only where there may be such a key.
    return { value: JSON.parse(text, mayHavePrototypeKey.test(text) ? refusePrototypeKeys : undefined) }
  } catch (error) {
    // A whole file ends with its closing brace; one cut off by a full disk or a lost connection does not.
    if (text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) {
      return unreadable(`it is truncated: the JSON breaks off after ${Buffer.byteLength(text)} bytes`)
    }
    return unreadable(`it is not JSON: ${messageOf(error)}`)
  }
}

/** Such a key as it is, or any character written as an escape, which may spell one. */
const mayHavePrototypeKey = /"(?:__proto__|constructor|prototype)"|\\u/

function refusePrototypeKeys(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw new SyntaxError(`the key ${key} is not allowed`)
  }
  return value
}

/**
 * Kind and version first, so that a file of another kind or age is called that and not a hundred wrong fields. Null where
 * the file is of this version, or of an older one that is migrated.
 */
function checkHeader(value: unknown): Exclude<Parsed, { status: 'found' }> | null {
  const file = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const { kind, schemaVersion: version } = file
  if (kind !== 'baseline') {
    const named = typeof kind === 'string' ? `a ${kind.slice(0, 40)} file` : 'of another kind'
    return {
      status: 'unreadable',
      why: `it is not a baseline, it is ${named}`,
      next: `Give the baseline.json of the main branch (${baselineMaker}, writes it).`,
    }
  }
  if (typeof version !== 'number' || canRead(version)) return null
  if (version > baselineSchemaVersion) {
    return {
      status: 'incompatible',
      commit: typeof file.commit === 'string' ? file.commit.slice(0, 64) : null,
      createdAt: typeof file.createdAt === 'string' ? file.createdAt.slice(0, 32) : '',
      differences: [
        `schema version: it was written by a newer triton-perf-gate (${version}, this one knows ${baselineSchemaVersion})`,
      ],
      next: 'Update triton-perf-gate here to the version that measures the main branch.',
    }
  }
  return {
    status: 'unreadable',
    why: `it was written by an older triton-perf-gate than this one can read (schema version ${version})`,
    next: `Measure the main branch again (${baselineMaker}).`,
  }
}

function listed(problems: readonly string[]): string {
  const more = problems.length - maxProblems
  return problems.slice(0, maxProblems).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
