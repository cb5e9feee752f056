import { GateError } from '../domain/error.ts'

/** A token of protobuf's text format with its place in the text; `invalid` is whatever is none. */
export interface Token {
  readonly kind: 'punctuation' | 'string' | 'word' | 'invalid'
  readonly start: number
  readonly end: number
}

/** A scalar (number, enum, concatenated strings) or a message with its fields; the span includes the braces. */
export interface Value {
  readonly start: number
  readonly end: number
  readonly fields: readonly Field[] | null
}

/** One `name: value`, `name { … }` or `name: [ … ]` as it stands in the text. */
export interface Field {
  readonly name: string
  readonly start: number
  /** Behind the value, and behind the `,` or `;` that may follow it. */
  readonly end: number
  readonly separatorEnd: number
  /** The whole value, brackets included. */
  readonly valueStart: number
  readonly values: readonly Value[]
}

const blank = /(?:[ \t\n\r\v\f\uFEFF]|#[^\n]*)*/y
const kinds = [
  ['punctuation', /[{}<>[\]:,;]/y],
  // A string that its line does not end reaches to the line's end, as the parser that refuses it sees it.
  ['string', /"(?:\\.|[^"\\\n])*(?:"|\n|$)|'(?:\\.|[^'\\\n])*(?:'|\n|$)/sy],
  ['word', /[-+.\w]+/y],
  ['invalid', /./sy],
] as const

/** The tokens of `text`, comments and white space left out. Never fails: what is no token is `invalid`. */
export function scan(text: string): Token[] {
  const tokens: Token[] = []
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : null
  }
  for (let at = match(blank, 0) ?? 0; at < text.length; at = match(blank, at) ?? at) {
    for (const [kind, pattern] of kinds) {
      const end = match(pattern, at)
      if (end === null) continue
      tokens.push({ kind, start: at, end })
      at = end
      break
    }
  }
  return tokens
}

/** The top-level fields of a text that protobuf's own parser has accepted. */
export function readFields(text: string): Field[] {
  const tokens = scan(text)
  let next = 0

  const peek = () => {
    const token = tokens[next]
    return token === undefined ? '' : text.slice(token.start, token.end)
  }
  const take = (): Token => {
    const token = tokens[next]
    if (token === undefined) throw new GateError('internal', 'model configuration text ends too early')
    next += 1
    return token
  }
  const skip = (...words: string[]) => words.includes(peek()) && take()

  function fieldsUntil(close: string): Field[] {
    const fields: Field[] = []
    while (peek() !== close) fields.push(field())
    return fields
  }

  function field(): Field {
    const name = take()
    skip(':')
    const valueStart = tokens[next]?.start ?? name.end
    const values = peek() === '[' ? list() : [value()]
    const end = tokens[next - 1]?.end ?? name.end
    skip(',', ';')
    const separatorEnd = tokens[next - 1]?.end ?? end
    return {
      name: text.slice(name.start, name.end),
      start: name.start,
      end,
      separatorEnd,
      valueStart,
      values,
    }
  }

  function list(): Value[] {
    const values: Value[] = []
    take()
    while (peek() !== ']') {
      values.push(value())
      skip(',')
    }
    take()
    return values
  }

  function value(): Value {
    const first = take()
    const open = text.slice(first.start, first.end)
    if (open === '{' || open === '<') {
      const fields = fieldsUntil(open === '{' ? '}' : '>')
      return { start: first.start, end: take().end, fields }
    }
    let last = first
    // A sign may stand apart from its number, and adjacent strings are one value.
    if (open === '-') last = take()
    while (first.kind === 'string' && tokens[next]?.kind === 'string') last = take()
    return { start: first.start, end: last.end, fields: null }
  }

  return fieldsUntil('')
}

/** Line and column of an offset, both from 1. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

/** Where the first top-level field of that name stands; undefined where there is none. */
export function positionOfField(text: string, name: string): { line: number; column: number } | undefined {
  const field = readFields(text).find((candidate) => candidate.name === name)
  return field === undefined ? undefined : positionAt(text, field.start)
}
