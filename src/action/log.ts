import { randomUUID } from 'node:crypto'

/**
 * Text that the runner cannot take for a command. It acts on a line that begins with `::` (after white space,
 * of which .NET knows more than JavaScript: control characters are taken for it) and
 * on `##[` anywhere in a line, and models print what they like.
 */
export function inertText(text: string): string {
  return linesOf(text)
    .map((line) => (/^[\s\p{C}]*::/u.test(line) ? `| ${line}` : line).replaceAll('##[', '## ['))
    .join('\n')
}

/**
 * The same for the log, where text with a command in it is fenced as well, with a word that nobody can have
 * guessed: the fence also holds for commands that a later runner knows, the lines also where a kill leaves the
 * fence open.
 */
export function inertLog(text: string, fence: string = randomUUID()): string {
  const inert = inertText(text)
  return inert === linesOf(text).join('\n') ? inert : `::stop-commands::${fence}\n${inert}\n::${fence}::`
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|[\r\n\u2028\u2029]/)
}
