// npm run calibrate [-- REPORTS]: simulates reports, judges them with the real comparison, and writes docs/statistics.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minHistoryPoints } from '../../src/compare/against-baseline.ts'
import { familyAlpha, passConfidence, power } from '../../src/compare/judge.ts'
import {
  type Noise,
  noises,
  type Scene,
  simulateBaseline,
  simulateReference,
  type Tally,
} from './simulation.ts'

const reports = Number(process.argv[2] ?? 1000)
if (!Number.isSafeInteger(reports) || reports < 1) {
  console.error('usage: npm run calibrate -- REPORTS (an integer from 1 on; default 1000)')
  process.exit(2)
}
const kinds = Object.keys(noises) as Noise[]
let seed = 100
const percent = (events: number, of: number) => `${((100 * events) / of).toFixed(1)} %`
const table = (header: string[], rows: string[][]) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** Share of the changed model's comparisons that passed / were inconclusive / failed. */
function shares({ changed }: Tally): string[] {
  const all = changed.pass + changed.fail + changed.inconclusive
  return [percent(changed.pass, all), percent(changed.inconclusive, all), percent(changed.fail, all)]
}

function falseAlarms(): string {
  const rows = kinds.flatMap((noise) =>
    [4, 8, 14].map((repetitions) => {
      const scene: Scene = { noise, models: 15, repetitions, sd: 0.03, worse: 0 }
      const result = simulateReference(scene, reports, seed++)
      return [
        noise,
        String(repetitions),
        percent(result.falseFails, reports),
        percent(result.allPass, reports),
        percent(result.covering, result.intervals),
      ]
    }),
  )
  return table(
    ['noise', 'repetitions', 'reports that fail', 'reports that pass', '95 % intervals that hold the truth'],
    rows,
  )
}

function powerTable(): string {
  const rows = [0.01, 0.025, 0.05].flatMap((sd) =>
    [4, 8, 14].flatMap((repetitions) =>
      [1.05, 1.1, 1.2].map((change) => {
        const scene: Scene = { noise: 'normal', models: 2, repetitions, sd, worse: Math.log(change) }
        return [
          percent(sd, 1),
          String(repetitions),
          percent(change - 1, 1),
          ...shares(simulateReference(scene, reports, seed++)),
        ]
      }),
    ),
  )
  return table(['spread of a pair', 'repetitions', 'true change', 'pass', 'inconclusive', 'fail'], rows)
}

function baselineTable(): string {
  const rows = [1, minHistoryPoints, 30, 100].flatMap((points) =>
    kinds.map((noise) => {
      const scene: Scene = { noise, models: 15, repetitions: 4, sd: 0.05, worse: 0 }
      const unchanged = simulateBaseline(scene, points, reports, seed++)
      const changed = simulateBaseline({ ...scene, models: 2, worse: Math.log(1.4) }, points, reports, seed++)
      return [String(points), noise, percent(unchanged.falseFails, reports), ...shares(changed)]
    }),
  )
  return table(
    ['earlier runs', 'noise', 'unchanged reports that fail', '+40 %: pass', 'inconclusive', 'fail'],
    rows,
  )
}

const document = `# How well the decision rule keeps its promises

Written by \`npm run calibrate\` on ${new Date().toISOString().slice(0, 10)} with Node ${process.version}: ${reports} simulated reports for each line, from
fixed seeds, judged by the code in \`src/compare/\`. A share near 1 % of ${reports} reports is known to about ±${((300 * Math.sqrt(0.0099 * reports)) / reports).toFixed(1)} points.

What is promised: without a regression a whole report fails in ${familyAlpha * 100} % of the runs at most; a change of exactly the tolerance
passes in ${((1 - passConfidence) * 100).toFixed(0)} % of the runs at most; the "smallest change that could have been seen" is found in ${power * 100} % of the runs.

The simulation draws one log ratio for each pair of repetitions. It shows that the rule does what it says if repetitions are
independent; whether they are on a given machine only an A/A run there can show.

## Against a reference: false alarms

Reports of 15 unchanged models with two comparisons each; a pair's log ratio spreads by 3 %. \`log-normal\` is skewed,
\`heavy-tailed\` is Student's t with 3 degrees of freedom.

${falseAlarms()}

A report passes only if each of its 30 comparisons does, which at this spread takes many repetitions: four find collapses, and say how
many more are needed. Skewed noise has intervals that are somewhat too short, and no more false alarms.

## Against a reference: what a changed model gets

Reports of two models, one of which is worse by the true change in p99 latency (tolerance 5 %) and in throughput (3 %).

${powerTable()}

## Against a stored baseline

Each run as a whole varies by 5 %, its repetitions hardly: the case a stored baseline suffers from. Reports of 15 models for the false
alarms, of two for the change. With fewer than ${minHistoryPoints} earlier runs the spread is assumed.

${baselineTable()}

The test takes the tails of Student's t with 3 degrees of freedom, which is what keeps the promise under noise that is not normal; the price is
that only large changes are found. Very skewed noise with no more than ${minHistoryPoints} earlier runs still fails more often than promised: a failure
against a stored baseline asks to be confirmed with \`--reference\`.
`
const path = join(import.meta.dirname, '../../docs/statistics.md')
writeFileSync(path, document)
console.log(`wrote ${path}`)
