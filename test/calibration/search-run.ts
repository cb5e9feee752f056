// npm run calibrate:search [-- COUNT [FIRST]]: judges the quick search on made-up landscapes, and writes docs/search-quality.md.
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { describeHost } from '../../src/system/environment.ts'
import { type Family, families } from '../support/landscapes.ts'
import { bars, isOnLimit, judged, judgedBudget, medianOf, scenesOf } from '../support/search-worth.ts'

/** No seed from here on has served any tuning. */
const heldOut = 1001
const names = Object.keys(families) as Family[]
const percent = (value: number) => `${(100 * value).toFixed(0)} %`

function rowOf(family: Family, seeds: readonly number[]): string {
  const scenes = scenesOf(family, seeds)
  const cells = bars.map(({ noise, least, worst }) => {
    const answers = judged(scenes, noise)
    const found = answers.map(({ share }) => share)
    const below = answers.filter(({ share }) => share < worst)
    const onLimit = below.filter(({ scene }) => isOnLimit(scene, worst, noise)).length
    const nothing = found.filter((share) => share === 0).length
    const notes = [
      ...(onLimit > 0 ? [`${onLimit} on a limit`] : []),
      ...(nothing > 0 ? [`${nothing} for a limit`] : []),
    ]
    const cell = (value: number, bar: number) => (value >= bar ? percent(value) : `**${percent(value)}**`)
    return `${cell(medianOf(found), least)} / ${cell(found[0] ?? 0, worst)} | ${below.length}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`
  })
  return `| ${family} | ${scenes.length} | ${cells.join(' | ')} |`
}

/** The families' rows in order, a core for each worker, which takes the next family that is left. */
async function run(first: number, count: number): Promise<void> {
  const seeds = Array.from({ length: count }, (_, i) => first + i)
  const rows = new Map<Family, string>()
  const left = [...names]
  const work = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      const next = () => {
        const family = left.shift()
        if (family === undefined) resolve(void worker.terminate())
        else worker.postMessage(family)
      }
      worker.on('message', ([family, row]: [Family, string]) => {
        rows.set(family, row)
        console.error(row)
        // A part of the table is of no use beside the whole of another range.
        if (first === heldOut)
          writeFileSync(join(import.meta.dirname, '../../docs/search-quality.md'), documentOf(rows, seeds))
        next()
      })
      worker.on('error', reject)
      next()
    })
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(import.meta.filename, { workerData: seeds }),
  )
  await Promise.all(workers.map(work))
}

function documentOf(rows: ReadonlyMap<Family, string>, seeds: readonly number[]): string {
  const heads = bars.flatMap(({ noise, least, worst }) => [
    `${noise === 0 ? 'exact' : `noise ${percent(noise)}`}: median (≥ ${percent(least)}) / worst (≥ ${percent(worst)})`,
    'below',
  ])
  const left = names.filter((family) => !rows.has(family))
  return `# How good the quick search's answers are

Written by \`npm run calibrate:search\` on ${new Date().toISOString().slice(0, 10)} (${describeHost(null).cpuModel}, Node ${process.version}): what the answer after ${judgedBudget} measurements
is worth, as a share of the best place of the landscape that meets all constraints. An answer that violates a constraint beyond the noise
where there is a place that does not is worth 0 (counted as \`for a limit\`). Made-up landscapes of seeds ${seeds[0]} to ${seeds.at(-1)}, on which
nothing was tuned; those without a place that meets the constraints are left out. \`test/support/landscapes.ts\` says what each family is. \`below\`
counts the answers below the bar for the worst, and among them those \`on a limit\`: where all that reaches the bar keeps a limit by less than
the noise of one measurement, so that whether it is measured as holding is luck. What misses its bar is bold.

| family | landscapes | ${heads.join(' | ')} |
| --- |${' --- |'.repeat(1 + heads.length)}
${names.flatMap((family) => rows.get(family) ?? []).join('\n')}
${left.length === 0 ? '' : `\nNot run yet: ${left.join(', ')}.\n`}
Where the worst misses its bar, a jump or a ridge lies where so few measurements do not come across it, or, under noise, what lies on
its limit was measured as missing it. Another range of seeds (\`-- COUNT FIRST\`) is printed only.
`
}

if (isMainThread) {
  const [count = 100, first = heldOut] = process.argv.slice(2).map(Number)
  if (![count, first].every((value) => Number.isSafeInteger(value) && value >= 1)) {
    console.error(
      'usage: npm run calibrate:search -- COUNT FIRST (landscapes of each family, default 100 from seed 1001 on; some seconds of a core each)',
    )
    process.exit(2)
  }
  await run(first, count)
} else {
  parentPort?.on('message', (family: Family) => parentPort?.postMessage([family, rowOf(family, workerData)]))
}
