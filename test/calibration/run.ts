// npm run calibrate [-- REPORTS]: simulates reports, judges them with the real comparison, and writes docs/statistics.md.
// What was simulated is kept in results.json beside this file, so that a run that was stopped goes on where it was; a
// result counts only for the code that it was made with.
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minHistoryPoints } from '../../src/compare/against-baseline.ts'
import { familyAlpha, passConfidence, power } from '../../src/compare/judge.ts'
import { type Noise, noises } from './noise.ts'
import { type Change, type Scene, simulateBaseline, simulateReference, type Tally } from './simulation.ts'

const reports = Number(process.argv[2] ?? 10_000)
if (!Number.isSafeInteger(reports) || reports < 1) {
  console.error('usage: npm run calibrate -- REPORTS (an integer from 1 on; default 10000)')
  process.exit(2)
}
const kinds = Object.keys(noises) as Noise[]
const seed = 100
const percent = (events: number, of: number) => `${((100 * events) / of).toFixed(of >= 5000 ? 2 : 1)} %`
const table = (header: string[], rows: string[][]) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const root = join(import.meta.dirname, '../..')
const code = createHash('sha256')
for (const file of globSync(['src/{compare,stats}/*.ts', 'test/calibration/{noise,simulation}.ts'], {
  cwd: root,
}).sort()) {
  if (!file.endsWith('.test.ts')) code.update(readFileSync(join(root, file)))
}
const version = code.digest('hex').slice(0, 16)
const resultsFile = join(import.meta.dirname, 'results.json')
type Results = {
  version: string
  tallies: Record<string, Omit<Tally, 'detectable'> & { detectable: number | null }>
}
const stored = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results) : null
const results: Results = stored?.version === version ? stored : { version, tallies: {} }

/** Simulates, or takes what an earlier run of the same code simulated. `detectable` is the median. */
function once(name: string, count: number, simulate: () => Tally): Results['tallies'][string] {
  const key = `${name} × ${count}, seed ${seed}`
  const known = results.tallies[key]
  if (known !== undefined) return known
  const { detectable, ...tally } = simulate()
  const sorted = [...detectable].sort((a, b) => a - b)
  const result = { ...tally, detectable: sorted[Math.floor(sorted.length / 2)] ?? null }
  results.tallies[key] = result
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 1)}\n`)
  console.error(`${new Date().toISOString().slice(11, 19)} ${key}`)
  return result
}

const reference = (scene: Scene, count: number) =>
  once(JSON.stringify(scene), count, () => simulateReference(scene, count, seed))

/** Share of the changed model's comparisons that passed / were inconclusive / failed. */
function shares({ changed }: Pick<Tally, 'changed'>): string[] {
  const all = changed.pass + changed.fail + changed.inconclusive
  return [percent(changed.pass, all), percent(changed.inconclusive, all), percent(changed.fail, all)]
}

function falseAlarms(): string {
  const rows = kinds.flatMap((noise) =>
    ([null, 'within'] as const).map((change) => {
      const result = reference({ noise, models: 15, repetitions: 14, sd: 0.03, change }, reports)
      return [
        noise,
        change === null ? 'none' : 'of every model, between none and the tolerance',
        percent(result.falseFails, reports),
        percent(result.allPass, reports),
        percent(result.covering, result.intervals),
        (result.repetitions / (15 * reports)).toFixed(1),
      ]
    }),
  )
  return table(
    [
      'noise',
      'true change',
      'reports that fail',
      'reports that pass',
      '95 % intervals that hold the truth',
      'repetitions',
    ],
    rows,
  )
}

const powerReports = Math.min(reports, 2000)
const kindsOfChange: Record<string, (log: number) => Change> = {
  'p99 and throughput': (log) => ({ p99: log, throughput: log }),
  'p99 only': (log) => ({ p99: log, throughput: 0 }),
  'throughput only': (log) => ({ p99: 0, throughput: log }),
}

function powerTable(): string {
  const rows = [0.02, 0.05, 0.12].flatMap((sd) =>
    [1.03, 1.05, 1.1, 1.2, 1.5].flatMap((ratio) =>
      Object.entries(kindsOfChange).map(([name, change]) => {
        const scene: Scene = {
          noise: 'normal',
          models: 1,
          repetitions: 14,
          sd,
          change: change(Math.log(ratio)),
        }
        const result = reference(scene, powerReports)
        // A change within its tolerance is not one to be found.
        const beyond = result.changed.pass + result.changed.fail + result.changed.inconclusive
        return [
          percent(sd, 1),
          `${percent(ratio - 1, 1)}, ${name}`,
          ...(beyond === 0 ? ['–', '–', '–'] : shares(result)),
          beyond === 0
            ? `within; fails in ${percent(result.falseFails, powerReports)}`
            : percent(result.found, powerReports),
          (result.repetitions / powerReports).toFixed(1),
          result.detectable === null ? '–' : percent(result.detectable, 1),
        ]
      }),
    ),
  )
  return table(
    [
      'spread of a pair',
      'true change',
      'pass',
      'inconclusive',
      'fail',
      'report fails',
      'repetitions',
      'stated smallest change',
    ],
    rows,
  )
}

function tightTable(): string {
  const tolerance = { p99: 0.02, throughput: 0.02 }
  const rows = Object.entries(kindsOfChange).map(([name, change]) => {
    const scene: Scene = {
      noise: 'normal',
      models: 1,
      repetitions: 14,
      sd: 0.02,
      change: change(Math.log(1.05)),
      tolerance,
    }
    return [name, percent(reference(scene, powerReports).found, powerReports)]
  })
  return table(['+5 % at a tolerance of 2 % and a spread of 2 %', 'report fails'], rows)
}

const baselineReports = Math.min(reports, 1000)

function baselineTable(): string {
  const rows = [1, minHistoryPoints, 30, 100].flatMap((points) =>
    kinds.map((noise) => {
      const scene = { noise, models: 15, sd: 0.05, worse: 0 }
      const changed = { ...scene, models: 2, worse: Math.log(1.4) }
      const run = (of: typeof scene) =>
        once(`baseline of ${points}: ${JSON.stringify(of)}`, baselineReports, () =>
          simulateBaseline(of, points, baselineReports, seed),
        )
      return [String(points), noise, percent(run(scene).falseFails, baselineReports), ...shares(run(changed))]
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

Each repetition of each side has noise of its own; a pair's log ratio spreads by the standard deviation named. The measurement of a
model ends after 4 or 8 repetitions where all of it is decided, else after 14. It shows that the rule does what it says if repetitions
are what they are here; whether they are on a given machine only an A/A run there can show.

## Against a reference: false alarms

Reports of 15 models with two comparisons each, at a spread of 3 %. \`log-normal\` is skewed, \`bimodal-node\` has 15 % slow server
starts, \`AR(1)\` drifts from measurement to measurement (ρ = 0.7), \`heavy-tailed\` is Student's t with 3 degrees of freedom. A report
fails falsely if a comparison fails that is worse by no more than its tolerance (5 % for p99, 3 % for throughput).

${falseAlarms()}

A report passes only if each of its 30 comparisons does.

## Against a reference: what a changed model gets

Reports of one model with two comparisons, normal noise. Pass, inconclusive and fail count the comparisons that truly are beyond their
tolerance. The stated smallest change is the median of what inconclusive p99 comparisons say.

${powerTable()}

${tightTable()}

## Against a stored baseline

Each run as a whole varies by 5 %, its repetitions hardly: the case a stored baseline suffers from. Reports of 15 models for the false
alarms, of two for the change. With fewer than ${minHistoryPoints} earlier runs the spread is assumed.

${baselineTable()}

The test takes the tails of Student's t with 3 degrees of freedom, which is what keeps the promise under noise that is not normal; the price is
that only large changes are found. Very skewed noise with no more than ${minHistoryPoints} earlier runs still fails more often than promised: a failure
against a stored baseline asks to be confirmed with \`--reference\`.
`
const path = join(root, 'docs/statistics.md')
writeFileSync(path, document)
console.log(`wrote ${path}`)
