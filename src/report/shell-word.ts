import { cleanText } from './escape.ts'

/**
 * A text as one word of a POSIX shell's line: as it is where no shell finds anything in it, else in single quotes, inside which nothing has
 * a meaning but the quote itself (POSIX.1-2024, Shell Command Language 2.2.2). null for what a report cannot show as it is, such as a
 * newline: half of a word is another word.
 */
export function shellWord(text: string): string | null {
  if (text !== '' && cleanText(text, Number.POSITIVE_INFINITY) !== text) return null
  // A `~` or `=` has a meaning at the beginning only, and is quoted there.
  if (/^[\w./:@%+,-][\w./:@%+=,~-]*$/.test(text)) return text
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * `--flag value`, as files hold it, as words of a shell's line; null where it is no flag or its value cannot be shown. What begins
 * with a dash would be taken for a flag by itself.
 */
export function shellFlag(flag: string): string | null {
  const [, name, value] = /^(--[a-z][a-z-]*)(?: (.*))?$/su.exec(flag) ?? []
  if (name === undefined) return null
  if (value === undefined) return name
  const word = shellWord(value)
  return word === null ? null : `${name}${value.startsWith('-') ? '=' : ' '}${word}`
}
