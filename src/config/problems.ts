import type { z } from 'zod'
import type { Problem } from '../domain/error.ts'
import { nearest } from '../domain/nearest.ts'
import { keysAt, schemasAt, typeText } from './json-schema.ts'
import { isUnmeasuredTag } from './metric-tags.ts'
import type { Path, YamlSource } from './yaml-source.ts'

type Issue = z.core.$ZodIssue

/** Zod's issues as located problems, each with what was expected, what was found and what to do. */
export function problemsOf(issues: readonly Issue[], source: YamlSource): Problem[] {
  return issues.flatMap((issue) => flatten(issue, [])).flatMap((found) => describe(found, source))
}

/** A problem of the value at `path`, or of its key. */
export function problemAt(
  source: YamlSource,
  path: Path,
  part: 'key' | 'value',
  message: string,
  remedy: string | undefined,
): Problem {
  return { file: source.file, ...source.placeOf(path, part), key: path.join('.'), message, remedy }
}

interface Found {
  readonly issue: Issue
  readonly path: Path
}

/** Of a union that did not match, the one choice that was meant is taken, if its shape gives it away. */
function flatten(issue: Issue, prefix: Path): Found[] {
  const path = [
    ...prefix,
    ...issue.path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment)),
  ]
  if (issue.code !== 'invalid_union') return [{ issue, path }]
  const meant = issue.errors.filter((errors) => !errors.some(isOfAnotherType))
  const [only] = meant
  return meant.length === 1 && only !== undefined
    ? only.flatMap((inner) => flatten(inner, path))
    : [{ issue, path }]
}

function isOfAnotherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  return (
    issue.code === 'invalid_type' ||
    (issue.code === 'invalid_union' && issue.errors.every((errors) => errors.some(isOfAnotherType)))
  )
}

function describe({ issue, path }: Found, source: YamlSource): Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey(source, path, name))
  if (issue.code === 'invalid_key') {
    const remedy = 'Model names, flags and variables are made of letters, digits, "_", "-" and ".".'
    return [problemAt(source, path, 'key', `${show(path.at(-1))} is not a possible name here`, remedy)]
  }
  const [node] = schemasAt(path)
  const about = node?.description ?? schemasAt(path.slice(0, -1))[0]?.description
  if (issue.code === 'custom') {
    const remedy: unknown = issue.params?.remedy
    return [problemAt(source, path, 'value', issue.message, typeof remedy === 'string' ? remedy : about)]
  }
  const value = valueAt(source.value, path)
  if (value === 'c_api') {
    const remedy =
      'Use local, docker or remote: c_api has no server, so there is nothing to gate as it is deployed.'
    return [problemAt(source, path, 'value', 'c_api is not supported', remedy)]
  }
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const options = issue.values.map(String)
    return [problemAt(source, path, 'value', `${show(value)} is not possible here`, oneOf(value, options))]
  }
  const expected = node === undefined ? 'another value' : typeText(node)
  return [problemAt(source, path, 'value', `expected ${expected}, got ${show(value)}`, about)]
}

function unknownKey(source: YamlSource, path: Path, name: string): Problem {
  const remedy = isUnmeasuredTag(name)
    ? 'Model Analyzer knows this metric, but it is not measured here: remove it.'
    : /^\d+$/.test(name)
      ? 'In braces a comma parts keys: write several numbers as a list, [1, 8], or in quotes.'
      : oneOf(name, keysAt(path))
  return problemAt(source, [...path, name], 'key', `unknown key ${show(name)}`, remedy)
}

/** Lists longer than this do not help anybody. */
const maxOptions = 16

function oneOf(word: string, options: readonly string[]): string {
  const meant = nearest(word, options)
  if (meant !== undefined) return `Did you mean ${show(meant)}?`
  if (options.length <= maxOptions) return `Possible here: ${options.join(', ')}.`
  return 'See the table of keys in the documentation.'
}

/** The value at the path, or the text of which it is a part. */
function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, segment) => {
    if (typeof inner !== 'object' || inner === null) return inner
    return (inner as Record<string | number, unknown>)[segment]
  }, value)
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
