import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { describeHost } from '../src/system/environment.ts'
import type { BenchPart } from './part.ts'

const file = join(import.meta.dirname, 'RESULTS.md')

const heading = `# Benchmark results

Written by \`npm run bench\`: the latest run of each part. What is measured and how is in docs/benchmarks.md.
`

/** Puts a part's latest result in place of its earlier one, with machine, date, and how busy it was (of 5 minutes). */
export function keepResult(part: BenchPart): void {
  const host = describeHost(null)
  const where = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · ${host.cpuModel}, ${host.cpuCount} cores · ${host.os} · Node ${process.version} · load average at the end ${(loadavg()[1] ?? 0).toFixed(1)}`
  const sections = new Map<string, string>()
  const earlier = existsSync(file) ? readFileSync(file, 'utf8') : ''
  for (const section of earlier.split(/^## /m).slice(1)) {
    sections.set(section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n')).trim())
  }
  sections.set(part.title, `${where}\n\n${part.markdown}`)
  const body = [...sections].map(([title, text]) => `\n## ${title}\n\n${text}\n`).join('')
  writeFileSync(file, heading + body)
}
