/**
 * Text for the log that the runner cannot take for a command. It acts on a line that begins with `::`
 * (after white space) and on `##[` anywhere in a line, and models print what they like.
 */
export function inertLog(text: string): string {
  return text
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map((line) => (line.trimStart().startsWith('::') ? `| ${line}` : line).replaceAll('##[', '## ['))
    .join('\n')
}
