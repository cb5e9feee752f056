import { type ComparedModel, compareModels, isDecided } from '../../src/compare/compare.ts'
import type { Family } from '../../src/compare/judge.ts'
import type { Config } from '../../src/config/config.ts'
import type { HistoryPoint } from '../../src/domain/measurements.ts'
import type { Comparison } from '../../src/domain/result.ts'
import type { ModelMeasurement, Repetition } from '../../src/domain/scenario.ts'
import { lookSchedule } from '../../src/stats/looks.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import { binomialCdf } from '../../src/stats/special.ts'
import {
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePair,
  makeRepetition,
  makeScenario,
} from '../support/make-measurements.ts'
import { type Noise, noises } from './noise.ts'

/** A true change for the worse, as log ratios. */
export interface Change {
  readonly p99: number
  readonly throughput: number
}

export interface Scene {
  readonly noise: Noise
  /** Models in a report; each has two comparisons. */
  readonly models: number
  /** At most; the measurement of a model ends at a look where all of it is decided. */
  readonly repetitions: number
  /** Standard deviation of a pair's log ratio. */
  readonly sd: number
  /** Of the first model; `within`: every model gets its own change, anywhere between none and the tolerance. */
  readonly change: Change | 'within' | null
  /** Relative tolerances; the defaults where left out. */
  readonly tolerance?: Change
}

export interface Tally {
  readonly reports: number
  /** Reports in which anything fails that did not change, or changed by no more than the tolerance. */
  readonly falseFails: number
  /** Reports in which all comparisons pass. */
  readonly allPass: number
  /** Reports in which the changed model fails. */
  readonly found: number
  /** Comparisons of the changed model by status. */
  readonly changed: Readonly<Record<Comparison['status'], number>>
  /** Two-sided 95 % intervals of comparisons, and those of them that hold the truth. */
  readonly intervals: number
  readonly covering: number
  /** Repetitions that a model took, summed over models and reports. */
  readonly repetitions: number
  /** Smallest changes that are said to be seen, one for each inconclusive comparison of p99. */
  readonly detectable: readonly number[]
}

/** Simulated reports against a reference, with looks as the gate has them, judged by the real comparison. */
export function simulateReference(scene: Scene, reports: number, seed: number): Tally {
  const random = createRandom(seed)
  const config = makeConfig(
    scene.tolerance === undefined
      ? {}
      : {
          tolerance: {
            latencyP99Ns: scene.tolerance.p99,
            inferPerSec: scene.tolerance.throughput,
          },
        },
  )
  const looks = lookSchedule(scene.repetitions)
  const family = { comparisons: 2 * scene.models, models: scene.models }
  return tally(reports, () => {
    const measured = Array.from({ length: scene.models }, (_, index) => {
      const truth = truthOf(scene, index, random)
      return { truth, ...measureUntilDecided(scene, `m${index}`, truth, looks, family, config, random) }
    })
    const models = compareModels({
      measurements: makeMeasurements(
        measured.map(({ candidate }) => candidate),
        measured.map(({ reference }) => reference),
      ),
      baseline: null,
      baselineStatus: { status: 'notRequested' },
      config,
      mode: 'gate',
    }).models
    return { models, truths: measured.map(({ truth }) => truth), tolerance: scene.tolerance ?? defaults }
  })
}

const none: Change = { p99: 0, throughput: 0 }
const defaults: Change = { p99: 0.05, throughput: 0.03 }

function truthOf({ change, tolerance = defaults }: Scene, index: number, random: Random): Change {
  if (change === 'within') {
    const share = random.uniform()
    return { p99: share * Math.log1p(tolerance.p99), throughput: -share * Math.log1p(-tolerance.throughput) }
  }
  return index === 0 && change !== null ? change : none
}

/** One model's repetitions, side beside side, until a look finds all of it decided, as profile/ measures them. */
function measureUntilDecided(
  scene: Scene,
  name: string,
  truth: Change,
  looks: readonly number[],
  family: Family,
  config: Config,
  random: Random,
): { readonly reference: ModelMeasurement; readonly candidate: ModelMeasurement } {
  const [latencyNoise, rateNoise] = [
    noises[scene.noise](random, scene.sd),
    noises[scene.noise](random, scene.sd),
  ]
  const sides: [Repetition[], Repetition[]] = [[], []]
  const model = (repetitions: readonly Repetition[]) =>
    makeModel(name, [makeScenario(repetitions)], { looks })
  for (let index = 0; index < scene.repetitions; index++) {
    for (const side of random.shuffle([0, 1])) {
      const [p99, rate] = side === 0 ? [0, 0] : [truth.p99, truth.throughput]
      sides[side as 0 | 1].push(
        makeRepetition(index, {
          latencyP99Ns: 40e6 * Math.exp(p99 + latencyNoise()),
          inferPerSec: 300 * Math.exp(-rate - rateNoise()),
        }),
      )
    }
    const look = looks.indexOf(index + 1)
    if (look < 0 || index + 1 === scene.repetitions) continue
    const measurements = makeMeasurements([model(sides[1])], [model(sides[0])])
    if (isDecided({ measurements, config }, look, family)) break
  }
  return { reference: model(sides[0]), candidate: model(sides[1]) }
}

/** The same against a stored baseline, whose runs (history, baseline, candidate) all vary by `sd` about the truth. */
export function simulateBaseline(
  scene: Omit<Scene, 'repetitions' | 'change'> & { readonly worse: number },
  points: number,
  reports: number,
  seed: number,
): Tally {
  const random = createRandom(seed)
  const run = noises[scene.noise](random, scene.sd * Math.SQRT2)
  // Repetitions of one run agree closely: what differs from run to run is the machine's hour.
  const scenario = (worse: number) => {
    const { candidate } = makePair(random, { n: 4, sd: 0 })
    const [latency, rate] = [Math.exp(run() + worse), Math.exp(run() - worse)]
    return makeScenario(
      candidate.map((repetition, index) => {
        const wobble = 1 + 0.002 * index
        const metrics = {
          latencyP99Ns: 40e6 * latency * wobble,
          latencyP50Ns: 30e6 * latency * wobble,
          inferPerSec: (300 * rate) / wobble,
        }
        return { ...repetition, metrics }
      }),
    )
  }
  return tally(reports, () => {
    const names = Array.from({ length: scene.models }, (_, index) => `m${index}`)
    const stored = names.map((name) => makeModel(name, [scenario(0)]))
    const history = stored.flatMap((model) => [
      ...Array.from({ length: points - 1 }, () => pointsOf(makeModel(model.name, [scenario(0)]))).flat(),
      ...pointsOf(model),
    ])
    const candidates = names.map((name, index) => makeModel(name, [scenario(index === 0 ? scene.worse : 0)]))
    const { models } = compareModels({
      measurements: makeMeasurements(candidates),
      baseline: makeBaseline(stored, { history }),
      baselineStatus: { status: 'found', source: 'simulation', commit: null, createdAt: '' },
      config: makeConfig(),
      mode: 'gate',
    })
    const truths = names.map((_, index) =>
      index === 0 ? { p99: scene.worse, throughput: scene.worse } : none,
    )
    return { models, truths, tolerance: defaults }
  })
}

function pointsOf({ name, scenarios }: ModelMeasurement): HistoryPoint[] {
  return scenarios.flatMap(({ repetitions }) =>
    (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => {
      const value = repetitions[0]?.metrics[metric] ?? Number.NaN
      return { commit: null, createdAt: '', model: name, load: 'concurrency=8', metric, value }
    }),
  )
}

interface Judged {
  readonly models: readonly ComparedModel[]
  readonly truths: readonly Change[]
  readonly tolerance: Change
}

function tally(reports: number, simulate: () => Judged): Tally {
  const changed: Record<Comparison['status'], number> = {
    pass: 0,
    fail: 0,
    inconclusive: 0,
    invalid: 0,
    info: 0,
  }
  const detectable: number[] = []
  let [falseFails, allPass, found, intervals, covering, repetitions] = [0, 0, 0, 0, 0, 0]
  for (let report = 0; report < reports; report++) {
    const { models, truths, tolerance } = simulate()
    const rows = models.flatMap(({ comparisons }, index) =>
      comparisons
        .filter(({ primary }) => primary)
        .map((row) => ({ row, ...truthOfRow(row, truths[index] ?? none, tolerance) })),
    )
    if (rows.some(({ row, beyond }) => row.status === 'fail' && !beyond)) falseFails++
    if (rows.every(({ row }) => row.status === 'pass')) allPass++
    const ofChanged = rows.filter(({ beyond }) => beyond)
    if (ofChanged.some(({ row }) => row.status === 'fail')) found++
    for (const { row } of ofChanged) changed[row.status]++
    for (const { row, ratio } of rows) {
      if (row.metric === 'latencyP99Ns') repetitions += row.repetitions
      if (row.metric === 'latencyP99Ns' && row.detectableChange !== null)
        detectable.push(row.detectableChange)
      if (row.changeInterval === null) continue
      intervals++
      if (row.changeInterval[0] <= ratio && ratio <= row.changeInterval[1]) covering++
    }
  }
  return { reports, falseFails, allPass, found, changed, intervals, covering, repetitions, detectable }
}

/** The true ratio behind a comparison, and whether it is worse by more than the tolerance. */
function truthOfRow(row: Comparison, truth: Change, tolerance: Change): { ratio: number; beyond: boolean } {
  return row.metric === 'inferPerSec'
    ? {
        ratio: Math.exp(-truth.throughput),
        beyond: truth.throughput > -Math.log1p(-tolerance.throughput) + 1e-9,
      }
    : { ratio: Math.exp(truth.p99), beyond: truth.p99 > Math.log1p(tolerance.p99) + 1e-9 }
}

/** Whether so many events in so many trials speak against a rate of at most `rate` (one-sided, at 0.1 %). */
export function exceeds(events: number, trials: number, rate: number): boolean {
  return 1 - binomialCdf(events - 1, trials, rate) < 0.001
}
