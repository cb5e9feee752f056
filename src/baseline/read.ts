import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../domain/error.ts'
import {
  type Baseline,
  baselineSchema,
  baselineSchemaVersion,
  maxBaselineBytes,
} from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
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
const measureAgain = 'Measure the main branch again with mode baseline, or give another file.'

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
  const content = await readBytes(path)
  if (content === 'absent') {
    const next = 'Measure the main branch with mode baseline, or compare with --reference.'
    return { status: 'absent', source, next }
  }
  return 'why' in content ? { source, next: measureAgain, ...content } : readBaselineBytes(content, source)
}

/** The same for what was read already. */
export function readBaselineBytes(
  content: Uint8Array,
  source: string,
): Exclude<BaselineRead, { status: 'absent' }> {
  const parsed = parseBaseline(content)
  return parsed.status === 'unreadable' ? { source, next: measureAgain, ...parsed } : { source, ...parsed }
}

async function readBytes(
  path: string,
): Promise<Buffer | 'absent' | Extract<Parsed, { status: 'unreadable' }>> {
  const unreadable = (why: string, next = measureAgain) => ({ status: 'unreadable', why, next }) as const
  try {
    const file = await stat(path)
    if (!file.isFile()) return unreadable('it is not a file', 'Give the path of the baseline.json itself.')
    if (file.size > maxBaselineBytes)
      return unreadable(`it has ${file.size} bytes, more than the ${maxBaselineBytes} that are allowed`)
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'absent'
    return unreadable(messageOf(error))
  }
}

/** The bytes of a baseline file as a checked baseline, or what is wrong with them. */
function parseBaseline(content: Uint8Array): Parsed {
  const json = parseJson(content)
  if ('why' in json) return { status: 'unreadable', ...json }
  const header = checkHeader(json.value)
  if (header !== null) return header
  const result = baselineSchema.safeParse(migrated(json.value as { readonly schemaVersion?: unknown }))
  const problems = result.success
    ? implausibilities(result.data)
    : result.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`)
  if (!result.success || problems.length > 0) return { status: 'unreadable', why: listed(problems) }
  return { status: 'found', baseline: result.data }
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
    // A reviver visits every value, which takes longer than all else of a large file: only where there may be such a key.
    return { value: JSON.parse(text, mayHavePrototypeKey.test(text) ? refusePrototypeKeys : undefined) }
  } catch (error) {
    // A whole file ends with its closing brace; one cut off by a full disk or a lost connection does not.
    if (text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) {
      return { why: `it is truncated: the JSON breaks off after ${content.length} bytes` }
    }
    return { why: `it is not JSON: ${messageOf(error)}` }
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
      next: 'Give the baseline.json that mode baseline writes.',
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
    next: 'Measure the main branch again with mode baseline.',
  }
}

function listed(problems: readonly string[]): string {
  const more = problems.length - maxProblems
  return problems.slice(0, maxProblems).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
