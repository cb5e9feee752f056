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
let missed = 0
const rows = (Object.keys(families) as Family[]).map((family) => {
  const scenes = scenesOf(family, seeds)
  const cells = bars.map(({ noise, least, worst }) => {
    const found = quickWorths(scenes, noise)
    const below = found.filter((share) => share < worst).length
    const nothing = found.filter((share) => share === 0).length
    const marks = [medianOf(found) >= least, (found[0] ?? 0) >= worst]
    missed += marks.filter((met) => !met).length
    const cell = (text: string, met: boolean | undefined) => (met ? text : `**${text}**`)
    return `${cell(percent(medianOf(found)), marks[0])} / ${cell(percent(found[0] ?? Number.NaN), marks[1])} | ${below}${nothing > 0 ? ` (${nothing} for a limit)` : ''}`
  })
  const row = `| ${family} | ${scenes.length} | ${cells.join(' | ')} |`
  console.error(row)
  return row
})

const host = describeHost(null)
const heads = bars.flatMap(({ noise, least, worst }) => [
  `${noise === 0 ? 'exact' : `noise ${percent(noise)}`}: median (≥ ${percent(least)}) / worst (≥ ${percent(worst)})`,
  'below',
])
const document = `# How good the quick search's answers are

Written by \`npm run calibrate:search\` on ${new Date().toISOString().slice(0, 10)} (${host.cpuModel}, Node ${process.version}): what the answer after ${judgedBudget} measurements
is worth, as a share of the best place of the landscape that meets all constraints. An answer that violates a constraint beyond the noise
where there is a place that does not is worth 0 (counted as \`for a limit\`). Made-up landscapes of seeds ${firstSeed} to ${firstSeed + count - 1}, on which
nothing was tuned; those without a place that meets the constraints are left out. \`test/support/landscapes.ts\` says what each family is. \`below\`
counts the answers below the bar for the worst.

| family | landscapes | ${heads.join(' | ')} |
| --- |${' --- |'.repeat(1 + heads.length)}
${rows.join('\n')}

${missed === 0 ? 'All bars are met.' : `Bars are missed in ${missed} cells (bold): in the worst of a hundred landscapes a jump or a ridge lies where fifteen measurements do not come across it.`}
`
const path = join(import.meta.dirname, '../../docs/search-quality.md')
writeFileSync(path, document)
console.log(`wrote ${path}`)
