import { power } from '../../src/compare/judge.ts'
import { noises } from './noise.ts'
import type { ResultsFile } from './results.ts'
import { type Scene, simulateReference } from './simulation.ts'
import { type Change, type Tally, withoutDetectable } from './tally.ts'
import { kinds, middleOf, percent, shares, table } from './words.ts'

const tolerance = { p99: 0.05, throughput: 0.03 }
const repetitions = 14

function simulated(results: ResultsFile, scene: Scene, reports: number): Tally {
  return results.tally(JSON.stringify(scene), reports, (count, seed) =>
    withoutDetectable(simulateReference(scene, count, seed)),
  )
}

/** Whole reports without a change beyond the tolerance: how many fail all the same. */
export function falseAlarms(results: ResultsFile, reports: number): string {
  const rows = kinds.flatMap((noise) =>
    ([null, 'within'] as const).map((change) => {
      const scene: Scene = { noise, models: 15, repetitions, sd: 0.03, change }
      const tally = simulated(results, scene, reports)
      return [
        noise,
        change === null ? 'none' : 'of every model, between none and the tolerance',
        `${percent(tally.falseFails, reports)} (${tally.falseFails})`,
        percent(tally.allPass, reports),
        percent(tally.covering, tally.intervals),
        (tally.repetitions / (15 * reports)).toFixed(1),
      ]
    }),
  )
  const header = [
    'noise',
    'true change',
    'reports that fail (of how many)',
    'reports that pass',
    '95 % intervals that hold the truth',
    'repetitions',
  ]
  return table(header, rows)
}

const kindsOfChange: Record<string, (log: number) => Change> = {
  'whole distribution': (log) => ({ p99: log, throughput: log }),
  'tail only': (log) => ({ p99: log, throughput: 0 }),
  'throughput only': (log) => ({ p99: 0, throughput: log }),
}

const oneModel = (sd: number, change: Change): Scene => ({
  noise: 'normal',
  models: 1,
  repetitions,
  sd,
  change,
})

/** What a report of one changed model says, by the size of the change and the noise. */
export function powerCurve(results: ResultsFile, reports: number): string {
  const rows = [0.02, 0.05, 0.12].flatMap((sd) =>
    [1.03, 1.05, 1.1, 1.2, 1.5].flatMap((ratio) =>
      Object.entries(kindsOfChange).map(([name, change]) => {
        const tally = simulated(results, oneModel(sd, change(Math.log(ratio))), reports)
        // A change within its tolerance is not one to be found.
        const beyond = tally.changed.pass + tally.changed.fail + tally.changed.inconclusive
        return [
          percent(sd, 1),
          `${percent(ratio - 1, 1)}, ${name}`,
          ...(beyond === 0 ? ['–', '–', '–'] : shares(tally)),
          beyond === 0
            ? `within; fails in ${percent(tally.falseFails, reports)}`
            : percent(tally.found, reports),
          percent(flips(tally), 1),
          (tally.repetitions / reports).toFixed(1),
        ]
      }),
    ),
  )
  const header = [
    'spread of a pair',
    'true change',
    'pass',
    'inconclusive',
    'fail',
    'report fails',
    'pass ↔ fail on a re-run',
    'repetitions',
  ]
  return table(header, rows)
}

/** How often two runs of the same thing say the opposite: one report passes as a whole, the other fails. */
function flips({ allPass, anyFails, reports }: Tally): number {
  return (2 * allPass * anyFails) / reports ** 2
}

export function tightTolerance(results: ResultsFile, reports: number): string {
  const rows = Object.entries(kindsOfChange).map(([name, change]) => {
    const scene = { ...oneModel(0.02, change(Math.log(1.05))), tolerance: { p99: 0.02, throughput: 0.02 } }
    return [name, percent(simulated(results, scene, reports).found, reports)]
  })
  return table(['+5 % at a tolerance of 2 % and a spread of 2 %', 'report fails'], rows)
}

/** How often twice the tolerance is found, of one metric alone, by the spread. */
export function twiceTolerance(results: ResultsFile, reports: number): string {
  const twice = {
    p99: Math.log1p(2 * tolerance.p99),
    throughput: -Math.log1p(-2 * tolerance.throughput),
  }
  const rows = [0.02, 0.03, 0.04, 0.05].map((sd) => [
    percent(sd, 1),
    ...(['p99', 'throughput'] as const).map((metric) => {
      const change: Change = { p99: 0, throughput: 0, [metric]: twice[metric] }
      return percent(simulated(results, oneModel(sd, change), reports).found, reports)
    }),
  ])
  return table(['spread of a pair', 'p99 +10 %', 'throughput −6 %'], rows)
}

/**
 * The smallest change that inconclusive comparisons say would have been seen, beside the change that is found as often as
 * that promises.
 */
export function detectableChange(results: ResultsFile, reports: number): string {
  const rows = [0.02, 0.03, 0.05, 0.12].flatMap((sd) =>
    (['p99', 'throughput'] as const).map((metric) => {
      const only = (worse: number): Change => ({ p99: 0, throughput: 0, [metric]: worse })
      const tolerated = metric === 'p99' ? Math.log1p(tolerance.p99) : -Math.log1p(-tolerance.throughput)
      const scene = oneModel(sd, only(tolerated))
      const tally = results.tally(`detectable ${JSON.stringify(scene)}`, reports, (count, seed) =>
        simulateReference(scene, count, seed),
      )
      const stated = middleOf(tally.detectable[metric])
      const worse = results.value(`realised ${metric} ${sd} × ${reports}`, () => realised(sd, only, reports))
      const share = metric === 'p99' ? Math.expm1(worse) : -Math.expm1(-worse)
      return [percent(sd, 1), metric, percent(stated, 1), percent(share, 1), (stated / share).toFixed(2)]
    }),
  )
  return table(['spread of a pair', 'metric', 'stated', 'realised', 'stated ÷ realised'], rows)
}

/** The change for the worse, on the log scale, that is found as often as the stated one promises; by bisection on the same noise. */
function realised(sd: number, only: (worse: number) => Change, reports: number): number {
  let [low, high] = [0, 10 * sd + 0.05]
  while (high - low > 5e-4) {
    const middle = (low + high) / 2
    const { changed } = simulateReference(oneModel(sd, only(middle)), reports, 7)
    const all = changed.pass + changed.fail + changed.inconclusive
    if (all > 0 && changed.fail / all >= power) high = middle
    else low = middle
  }
  return (low + high) / 2
}

/** Intervals of a fixed number of pairs, without looks: what of the coverage is Student's t, and what the rule around it. */
export function coverage(results: ResultsFile, cases: number): string {
  const rows = (Object.keys(noises) as (keyof typeof noises)[]).map((noise) => [
    noise,
    ...[4, 8, repetitions].map((pairs) => {
      const scene: Scene = { noise, models: 1, repetitions: pairs, sd: 0.05, change: null }
      const tally = simulated(results, scene, cases / 2)
      return percent(tally.covering, tally.intervals)
    }),
  ])
  return table(['noise', '4 pairs', '8 pairs', '14 pairs'], rows)
}
