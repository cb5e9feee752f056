import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import type { Problem } from '../domain/error.ts'
import { messageOf } from '../domain/error.ts'

export type Path = readonly (string | number)[]

/** A YAML file read: its plain value, what is wrong with the text, and where each key and value stands. */
export interface YamlSource {
  readonly file: string
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Line and column of the value at that path, or of its key, or of the nearest that there is above it. */
  readonly placeOf: (path: Path, part: 'key' | 'value') => { line?: number; column?: number }
}

export function readYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter()
  // Merge keys because Model Analyzer's parser (PyYAML) reads them; two equal keys are an error, not "last one wins".
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    uniqueKeys: true,
  })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    file,
    ...at(error.pos[0]),
    message: error.code === 'DUPLICATE_KEY' ? 'this key stands twice in the same map' : error.message,
    remedy: error.code === 'DUPLICATE_KEY' ? 'Keep one of the two.' : 'Correct the YAML syntax.',
  }))
  if (document.contents !== null && !isMap(document.contents)) {
    problems.push({ file, line: 1, column: 1, message: 'is not a map of keys and values' })
  }
  let value: unknown = null
  try {
    // The limit is against a file whose aliases multiply until the memory is full.
    if (problems.length === 0) value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    const message = messageOf(error)
    problems.push({
      file,
      ...unresolvedAlias(document, at),
      message,
      remedy: 'Set an anchor before its alias.',
    })
  }
  return {
    file,
    value,
    problems,
    placeOf: (path, part) => {
      const offset = offsetOf(document, path, part)
      return offset === undefined ? {} : at(offset)
    },
  }
}

function unresolvedAlias(document: Document, at: (offset: number) => { line: number; column: number }) {
  let offset: number | undefined
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) offset ??= alias.range?.[0]
    },
  })
  return offset === undefined ? {} : at(offset)
}

function offsetOf(document: Document, path: Path, part: 'key' | 'value'): number | undefined {
  let node: Node | null = document.contents
  let offset: number | undefined
  for (const [depth, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    const last = depth === path.length - 1
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment))
      if (pair === undefined) return offset
      node = pair.value
      offset = (last && part === 'key' ? undefined : node?.range?.[0]) ?? pair.key.range?.[0] ?? offset
    } else if (isSeq<Node>(node)) {
      node = node.items[Number(segment)] ?? null
      offset = node?.range?.[0] ?? offset
    } else return offset
  }
  return offset
}
