import { resultSchema } from '../domain/result.ts'
import { renderHtml } from '../report/html.ts'
import { renderJson } from '../report/json.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { readDataFile } from './data-file.ts'
import type { Shell } from './shell.ts'

/** `report`: a result.json in another form; the exit code stays the verdict's. */
export async function report(
  shell: Shell,
  options: { readonly result: string; readonly format: 'markdown' | 'html' | 'json' },
): Promise<number> {
  const result = await readDataFile(options.result, resultSchema, 'result')
  const render = { markdown: renderMarkdown, html: renderHtml, json: renderJson }[options.format]
  shell.out(render(result))
  return result.verdict.exitCode
}
