import type { Result } from '../domain/result.ts'
import { renderJson } from '../report/json.ts'
import { renderMarkdown } from '../report/markdown.ts'
import type { Shell } from './shell.ts'

/** What a command that judges ends with: the result on stdout, and the verdict's exit code. */
export function printResult(shell: Shell, result: Result, options: { readonly json?: boolean }): number {
  shell.out(options.json === true ? renderJson(result) : renderMarkdown(result))
  return result.verdict.exitCode
}
