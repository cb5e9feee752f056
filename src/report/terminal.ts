import type { Result } from '../domain/result.ts'
import { cleanText } from './escape.ts'
import { reportRows } from './rows.ts'

/** The verdict and its reasons as a few plain lines, without colour and without control characters. */
export function renderTerminal(result: Result): string {
  const report = reportRows(result)
  const lines = [`${report.title}. ${report.summary}`, ...report.notices.map((notice) => `note: ${notice}`)]
  for (const { outcome, model, message, next } of report.reasons) {
    lines.push(`${outcome}: ${model === undefined ? '' : `${model}: `}${message}`)
    if (next !== undefined) lines.push(`  next: ${next}`)
  }
  return `${lines.map((line) => indented(line)).join('\n')}\n`
}

function indented(line: string): string {
  return line.startsWith('  ') ? `  ${cleanText(line)}` : cleanText(line)
}
