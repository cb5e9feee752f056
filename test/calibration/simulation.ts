import { type ComparedModel, compareModels } from '../../src/compare/compare.ts'
import type { HistoryPoint } from '../../src/domain/measurements.ts'
import type { Comparison } from '../../src/domain/result.ts'
import type { ModelMeasurement } from '../../src/domain/scenario.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import { binomialCdf } from '../../src/stats/special.ts'
import {
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePair,
  makeScenario,
} from '../support/make-measurements.ts'

/** The noise of a pair's log ratio, each with standard deviation 1. */
export const noises = {
  normal: (random: Random) => random.normal(),
  /** Skewed: now and then a pair is hit hard, on the slow side. */
  'log-normal': (random: Random) =>
    (Math.exp(0.8 * random.normal()) - Math.exp(0.32)) / Math.sqrt(Math.exp(1.28) - Math.exp(0.64)),
  /** Student's t with 3 degrees of freedom: one pair in 70 lies beyond three standard deviations. */
  'heavy-tailed': (random: Random) => {
    const chiSquare = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2
    return random.normal() / Math.sqrt(chiSquare / 3) / Math.sqrt(3)
  },
} as const
export type Noise = keyof typeof noises

export interface Scene {
  readonly noise: Noise
  /** Models in a report; each has two comparisons. */
  readonly models: number
  readonly repetitions: number
  /** Standard deviation of a pair's log ratio. */
  readonly sd: number
  /** True change for the worse of both metrics of the first model, as a log ratio. */
  readonly worse: number
}

export interface Tally {
  readonly reports: number
  /** Reports in which anything that did not change fails. */
  readonly falseFails: number
  /** Reports in which all comparisons pass. */
  readonly allPass: number
  /** Comparisons of the changed model by status. */
  readonly changed: Readonly<Record<Comparison['status'], number>>
  /** Two-sided 95 % intervals of unchanged comparisons, and those of them that hold the truth. */
  readonly intervals: number
  readonly covering: number
}

/** Simulated reports against a reference, judged by the real comparison. */
export function simulateReference(scene: Scene, reports: number, seed: number): Tally {
  const random = createRandom(seed)
  const noise = () => noises[scene.noise](random)
  return tally(scene, reports, () => {
    const sides = Array.from({ length: scene.models }, (_, index) => {
      const pair = makePair(random, {
        n: scene.repetitions,
        sd: scene.sd,
        worse: index === 0 ? scene.worse : 0,
        noise,
      })
      return { reference: [makeScenario(pair.reference)], candidate: [makeScenario(pair.candidate)] }
    })
    return judged(
      sides.map(({ candidate }, index) => makeModel(`m${index}`, candidate)),
      sides.map(({ reference }, index) => makeModel(`m${index}`, reference)),
    )
  })
}

/** The same against a stored baseline, whose runs (history, baseline, candidate) all vary by `sd` about the truth. */
export function simulateBaseline(scene: Scene, points: number, reports: number, seed: number): Tally {
  const random = createRandom(seed)
  const run = () => scene.sd * noises[scene.noise](random)
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
  return tally(scene, reports, () => {
    const models = Array.from({ length: scene.models }, (_, index) => `m${index}`)
    const stored = models.map((name) => makeModel(name, [scenario(0)]))
    const history = stored.flatMap((model) => [
      ...Array.from({ length: points - 1 }, () => pointsOf(makeModel(model.name, [scenario(0)]))).flat(),
      ...pointsOf(model),
    ])
    const candidates = models.map((name, index) => makeModel(name, [scenario(index === 0 ? scene.worse : 0)]))
    return judged(candidates, null, { models: stored, history })
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

function judged(
  models: ModelMeasurement[],
  reference: ModelMeasurement[] | null,
  stored?: { models: ModelMeasurement[]; history: HistoryPoint[] },
): readonly ComparedModel[] {
  return compareModels({
    measurements: makeMeasurements(models, reference),
    baseline: stored === undefined ? null : makeBaseline(stored.models, { history: stored.history }),
    baselineStatus:
      stored === undefined
        ? { status: 'notRequested' }
        : { status: 'found', source: 'simulation', commit: null, createdAt: '' },
    config: makeConfig(),
    mode: 'gate',
  }).models
}

function tally(scene: Scene, reports: number, simulate: () => readonly ComparedModel[]): Tally {
  const changed: Record<Comparison['status'], number> = {
    pass: 0,
    fail: 0,
    inconclusive: 0,
    invalid: 0,
    info: 0,
  }
  let [falseFails, allPass, intervals, covering] = [0, 0, 0, 0]
  for (let report = 0; report < reports; report++) {
    const models = simulate()
    const primaries = models.map(({ comparisons }) => comparisons.filter(({ primary }) => primary))
    const unchanged = (scene.worse === 0 ? primaries : primaries.slice(1)).flat()
    if (unchanged.some(({ status }) => status === 'fail')) falseFails++
    if (primaries.flat().every(({ status }) => status === 'pass')) allPass++
    if (scene.worse !== 0) for (const { status } of primaries[0] ?? []) changed[status]++
    for (const { changeInterval } of unchanged) {
      if (changeInterval === null) continue
      intervals++
      if (changeInterval[0] <= 1 && 1 <= changeInterval[1]) covering++
    }
  }
  return { reports, falseFails, allPass, changed, intervals, covering }
}

/** Whether so many events in so many trials speak against a rate of at most `rate` (one-sided, at 0.1 %). */
export function exceeds(events: number, trials: number, rate: number): boolean {
  return 1 - binomialCdf(events - 1, trials, rate) < 0.001
}
