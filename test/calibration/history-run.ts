// npm run calibrate:history [-- SERIES]: how well steps in a history are found, and how rarely where there are none. Writes its
// tables into docs/history.md, between the two marks there.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { everShown, falseSteps, foundWithin, histories, type StepScene } from './histories.ts'
import type { Noise } from './noise.ts'
import { simulateScreening } from './screening.ts'

const series = Number(process.argv[2] ?? 2000)
if (!Number.isSafeInteger(series) || series < 1) {
  console.error('usage: npm run calibrate:history -- SERIES (an integer from 1 on; default 2000)')
  process.exit(2)
}
const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const table = (header: string[], rows: string[][]) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const nulls = (Object.keys(histories) as Noise[]).flatMap((noise) =>
  [14, 20, 30, 50, 100, 200].map((length) => {
    const { points, flagged } = falseSteps(noise, { length, series, seed: 21 })
    return [noise, String(length), points.toFixed(3), percent(flagged)]
  }),
)
const shown = everShown('normal', { length: 200, series: Math.ceil(series / 10), seed: 24 })
const scenes: Omit<StepScene, 'series' | 'seed'>[] = [20, 50, 100, 192].flatMap((before) =>
  [1.03, 1.05, 1.1].map((ratio) => ({ before, ratio, sd: 0.03 })),
)
const steps = scenes.map((scene) => [
  String(scene.before),
  `+${Math.round((scene.ratio - 1) * 100)} %`,
  ...[4, 8, 16].map((commits) =>
    percent(foundWithin(commits, { ...scene, series: Math.ceil(series / 2), seed: 22 })),
  ),
])
const screened = [0.003, 0.006, 0.01].flatMap((sd) =>
  [10, 30, 100].map((runs) => {
    const worst = (ratio: number) => {
      const of = (Object.keys(histories) as Noise[]).map((noise) =>
        simulateScreening(
          { noise, runs, sd, ratio, both: false },
          { candidates: Math.ceil(series / 4), seed: 23 },
        ),
      )
      return {
        tried: Math.min(...of.map(({ tried }) => tried)),
        least: Math.min(...of.map(({ tried, cleared }) => tried * cleared)),
        most: Math.max(...of.map(({ tried, cleared }) => tried * cleared)),
      }
    }
    const [none, tolerance, large] = [worst(1), worst(1.05), worst(1.2)]
    return [
      percent(sd),
      String(runs),
      percent(none.tried),
      percent(none.least),
      percent(tolerance.most),
      percent(large.most),
    ]
  }),
)
const text = `By \`npm run calibrate:history\` on ${new Date().toISOString().slice(0, 10)} with Node ${process.version}: ${series} series for each line of the first table, ${Math.ceil(series / 2)} of the second.

${table(['noise', 'runs', 'false steps per series', 'series with any'], nulls)}

That is what a series of so many runs shows at its end. Looked at after every commit from the 12th to the 200th, ${percent(shown.looks)} of the looks
show a step where there is none, and ${percent(shown.ever)} of the series do at some time: these steps go again with further commits. A report of many
series lists fewer of them, since it corrects for their number.

${table(['runs before the step', 'step at 3 % noise', 'seen within 4 commits', 'within 8', 'within 16'], steps)}

Candidates that are measured alone first, of two metrics each, the worst of the five kinds of noise in each column:

${table(['spread of a run', 'runs', 'tried in', 'unchanged: cleared', 'p99 +5 %: cleared', 'p99 +20 %: cleared'], screened)}`

const path = join(import.meta.dirname, '../../docs/history.md')
const page = readFileSync(path, 'utf8')
const marks = /(<!-- calibration -->\n)[\s\S]*(\n<!-- end of calibration -->)/
if (!marks.test(page)) throw new Error(`${path} has lost its marks`)
writeFileSync(
  path,
  page.replace(marks, (_, start: string, end: string) => `${start}\n${text}\n${end}`),
)
console.log(text)
