// npm run calibrate:search [-- COUNT]: judges the quick search on made-up landscapes, and writes docs/search-quality.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeHost } from '../../src/system/environment.ts'
import { type Family, families } from '../support/landscapes.ts'
import { bars, judgedBudget, medianOf, quickWorths, scenesOf } from '../support/search-worth.ts'

/** No seed from here on has served any tuning. */
const firstSeed = 1001
const count = Number(process.argv[2] ?? 100)
if (!Number.isSafeInteger(count) || count < 1) {
  console.error(
    'usage: npm run calibrate:search -- COUNT (landscapes of each family, default 100; about 10 s of a core each)',
  )
  process.exit(2)
}

const seeds = Array.from({ length: count }, (_, i) => firstSeed + i)
const percent = (value: number) => `${(100 * value).toFixed(0)} %`
const host = describeHost(null)
const names = Object.keys(families) as Family[]
const rows: string[] = []
for (const family of names) {
  const scenes = scenesOf(family, seeds)
  const cells = bars.map(({ noise, least, worst }) => {
    const found = quickWorths(scenes, noise)
    const below = found.filter((share) => share < worst).length
    const nothing = found.filter((share) => share === 0).length
    const cell = (value: number, bar: number) => (value >= bar ? percent(value) : `**${percent(value)}**`)
    return `${cell(medianOf(found), least)} / ${cell(found[0] ?? 0, worst)} | ${below}${nothing > 0 ? ` (${nothing} for a limit)` : ''}`
  })
  rows.push(`| ${family} | ${scenes.length} | ${cells.join(' | ')} |`)
  console.error(rows.at(-1))
  // After each family, which takes a minute.
  writeFileSync(join(import.meta.dirname, '../../docs/search-quality.md'), documentOf(rows))
}

function documentOf(done: readonly string[]): string {
  const heads = bars.flatMap(({ noise, least, worst }) => [
    `${noise === 0 ? 'exact' : `noise ${percent(noise)}`}: median (≥ ${percent(least)}) / worst (≥ ${percent(worst)})`,
    'below',
  ])
  const left = names.slice(done.length)
  return `# How good the quick search's answers are

Written by \`npm run calibrate:search\` on ${new Date().toISOString().slice(0, 10)} (${host.cpuModel}, Node ${process.version}): what the answer after ${judgedBudget} measurements
is worth, as a share of the best place of the landscape that meets all constraints. An answer that violates a constraint beyond the noise
where there is a place that does not is worth 0 (counted as \`for a limit\`). Made-up landscapes of seeds ${firstSeed} to ${firstSeed + count - 1}, on which
nothing was tuned; those without a place that meets the constraints are left out. \`test/support/landscapes.ts\` says what each family is. \`below\`
counts the answers below the bar for the worst; what misses its bar is bold.

| family | landscapes | ${heads.join(' | ')} |
| --- |${' --- |'.repeat(1 + heads.length)}
${done.join('\n')}
${left.length === 0 ? '' : `\nNot run yet: ${left.join(', ')}.\n`}
Where the worst misses its bar, a jump or a ridge lies where so few measurements do not come across it, or, under noise, what lies on
its limit was measured as missing it.
`
}
