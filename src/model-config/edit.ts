import type { Field, Value } from './text-format.ts'

/** Replaces `start` to `end` of a text; a pure insertion where both are the same. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Applies edits that do not overlap, whatever their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start || b.end - a.end)
    .reduce((result, edit) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text)
}

export function endOfLine(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

/** Takes a field out: with its whole lines and a comment behind it where nothing else stands on them. */
export function remove(text: string, field: Field): Edit {
  const lineStart = text.lastIndexOf('\n', field.start - 1) + 1
  const rest = /^[ \t\r]*(?:#[^\n]*)?(?:\n|$)/.exec(text.slice(field.separatorEnd))
  if (rest !== null && text.slice(lineStart, field.start).trim() === '') {
    return { start: lineStart, end: field.separatorEnd + rest[0].length, text: '' }
  }
  const space = /^[ \t]*/.exec(text.slice(field.separatorEnd))?.[0].length ?? 0
  return { start: field.start, end: field.separatorEnd + space, text: '' }
}

/** Adds a field behind another one: on a line of its own if that one ends its line, else beside it. */
export function insertBehind(text: string, field: Field, addition: string): Edit {
  const at = field.separatorEnd
  const rest = /^[ \t]*(?:#[^\r\n]*)?(?=\r?\n|$)/.exec(text.slice(at))
  if (rest === null) return { start: at, end: at, text: ` ${addition}` }
  const lineEnd = at + rest[0].length
  return { start: lineEnd, end: lineEnd, text: endOfLine(text) + indentation(text, field.start) + addition }
}

/** Adds fields at the end of a message, in its layout: a line each, or all on its one line. */
export function insertInto(text: string, message: Value, additions: readonly string[]): Edit {
  const close = message.end - 1
  const lineStart = text.lastIndexOf('\n', close - 1) + 1
  if (lineStart > message.start && text.slice(lineStart, close).trim() === '') {
    const first = message.fields?.[0]
    const indent = first === undefined ? `${text.slice(lineStart, close)}  ` : indentation(text, first.start)
    const lines = additions.map((addition) => indent + addition + endOfLine(text)).join('')
    return { start: lineStart, end: lineStart, text: lines }
  }
  const lead = /\s/.test(text.charAt(close - 1)) ? '' : ' '
  return { start: close, end: close, text: `${lead}${additions.join(' ')} ` }
}

/** The white space that the line of `offset` begins with. */
function indentation(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? ''
}
