import { isDecided } from '../../src/compare/compare.ts'
import type { Family } from '../../src/compare/judge.ts'
import type { CompareInput } from '../../src/compare/sides.ts'
import type { Config } from '../../src/config/config.ts'
import type { HistoryPoint } from '../../src/domain/measurements.ts'
import type { ModelMeasurement, Repetition } from '../../src/domain/scenario.ts'
import { lookSchedule } from '../../src/stats/looks.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import {
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../support/make-measurements.ts'
import { type Noise, noises } from './noise.ts'
import { type Change, none, type SimulatedReport, type Tally, tally } from './tally.ts'

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

/** Simulated reports against a reference, with looks as the gate has them, judged by the real comparison. */
export function simulateReference(scene: Scene, reports: number, seed: number): Tally {
  const random = createRandom(seed)
  return tally(reports, () => referenceReport(scene, random))
}

export function referenceReport(scene: Scene, random: Random): SimulatedReport {
  const { tolerance } = scene
  const config = makeConfig(
    tolerance === undefined
      ? {}
      : { tolerance: { latencyP99Ns: tolerance.p99, inferPerSec: tolerance.throughput } },
  )
  const family = { comparisons: 2 * scene.models, models: scene.models }
  const measured = Array.from({ length: scene.models }, (_, index) => {
    const truth = truthOf(scene, index, random)
    const pair = noisyPair(scene, truth, random)
    return { truth, ...measureUntilDecided(`m${index}`, pair, scene.repetitions, family, config) }
  })
  const input: CompareInput = {
    measurements: makeMeasurements(
      measured.map(({ candidate }) => candidate),
      measured.map(({ reference }) => reference),
    ),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config,
    mode: 'gate',
  }
  return { input, truths: measured.map(({ truth }) => truth), tolerance: tolerance ?? defaults }
}

const defaults: Change = { p99: 0.05, throughput: 0.03 }

function truthOf({ change, tolerance = defaults }: Scene, index: number, random: Random): Change {
  if (change === 'within') {
    const share = random.uniform()
    return { p99: share * Math.log1p(tolerance.p99), throughput: -share * Math.log1p(-tolerance.throughput) }
  }
  return index === 0 && change !== null ? change : none
}

/** What one repetition finds on each side. */
type MeasurePair = (index: number) => { readonly reference: Repetition; readonly candidate: Repetition }

function noisyPair(scene: Scene, truth: Change, random: Random): MeasurePair {
  const [latencyNoise, rateNoise] = [
    noises[scene.noise](random, scene.sd),
    noises[scene.noise](random, scene.sd),
  ]
  const measure = (index: number, { p99, throughput }: Change) =>
    repetition(index, 40e6 * Math.exp(p99 + latencyNoise()), 300 * Math.exp(-throughput - rateNoise()))
  return (index) => {
    if (random.integer(2) === 0) return { reference: measure(index, none), candidate: measure(index, truth) }
    const candidate = measure(index, truth)
    return { reference: measure(index, none), candidate }
  }
}

/** One model's repetitions, side beside side, until a look finds all of it decided, as profile/ measures them. */
export function measureUntilDecided(
  name: string,
  measure: MeasurePair,
  repetitions: number,
  family: Family,
  config: Config,
): { readonly reference: ModelMeasurement; readonly candidate: ModelMeasurement } {
  const looks = lookSchedule(repetitions)
  const pairs: ReturnType<MeasurePair>[] = []
  const side = (of: 'reference' | 'candidate') =>
    makeModel(name, [{ ...emptyScenario, repetitions: pairs.map((pair) => pair[of]) }], { looks })
  while (pairs.length < repetitions) {
    pairs.push(measure(pairs.length))
    const look = looks.indexOf(pairs.length)
    if (look < 0 || pairs.length === repetitions) continue
    const measurements = makeMeasurements([side('candidate')], [side('reference')])
    if (isDecided({ measurements, config }, look, family)) break
  }
  return { reference: side('reference'), candidate: side('candidate') }
}

// Millions of these are made: nothing is in them but what decides.
const emptyRepetition = makeRepetition(0, { latencyP99Ns: 1, inferPerSec: 1 })
const emptyScenario = makeScenario([])

export function repetition(index: number, latencyP99Ns: number, inferPerSec: number): Repetition {
  return { ...emptyRepetition, index, pairedWith: index, metrics: { latencyP99Ns, inferPerSec } }
}

/** Every run varies by `sd` about the truth; of the first model it is worse by `worse` in both metrics. */
export interface BaselineScene extends Omit<Scene, 'repetitions' | 'change'> {
  readonly worse: number
}

/** The same against a stored baseline, whose runs (history, baseline, candidate) all vary. */
export function simulateBaseline(scene: BaselineScene, points: number, reports: number, seed: number): Tally {
  const random = createRandom(seed)
  return tally(reports, () => baselineReport(scene, points, random))
}

export function baselineReport(scene: BaselineScene, points: number, random: Random): SimulatedReport {
  const run = noises[scene.noise](random, scene.sd * Math.SQRT2)
  // Repetitions of one run agree closely: what differs from run to run is the machine's hour.
  const scenario = (worse: number) => {
    const [latency, rate] = [40e6 * Math.exp(run() + worse), 300 * Math.exp(run() - worse)]
    const repetitions = [0, 1, 2, 3].map((index) => {
      const wobble = 1 + 0.002 * index
      return repetition(index, latency * wobble, rate / wobble)
    })
    return { ...emptyScenario, repetitions }
  }
  const names = Array.from({ length: scene.models }, (_, index) => `m${index}`)
  const stored = names.map((name) => makeModel(name, [scenario(0)]))
  const history = stored.flatMap((model) => [
    ...Array.from({ length: points - 1 }, () => pointsOf(makeModel(model.name, [scenario(0)]))).flat(),
    ...pointsOf(model),
  ])
  const candidates = names.map((name, index) => makeModel(name, [scenario(index === 0 ? scene.worse : 0)]))
  const input: CompareInput = {
    measurements: makeMeasurements(candidates),
    baseline: makeBaseline(stored, { history }),
    baselineStatus: { status: 'found', source: 'simulation', commit: null, createdAt: '' },
    config: makeConfig(),
    mode: 'gate',
  }
  const changed = { p99: scene.worse, throughput: scene.worse }
  return { input, truths: names.map((_, index) => (index === 0 ? changed : none)), tolerance: defaults }
}

function pointsOf({ name, scenarios }: ModelMeasurement): HistoryPoint[] {
  return scenarios.flatMap(({ repetitions }) =>
    (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => {
      const value = repetitions[0]?.metrics[metric] ?? Number.NaN
      return makePoint({ model: name, metric, value })
    }),
  )
}
