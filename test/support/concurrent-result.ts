import { readConfig } from '../../src/config/load-config.ts'
import type { Configuration } from '../../src/domain/configuration.ts'
import { type Load, together } from '../../src/domain/load.ts'
import type { Result } from '../../src/domain/result.ts'
import type { ModelMeasurement } from '../../src/domain/scenario.ts'
import { judge } from '../../src/judge.ts'
import { answersOf } from '../../src/search/concurrent-answer.ts'
import type { ConcurrentAnswer, ConcurrentModel } from '../../src/search/concurrent-state.ts'
import { makeSpace } from '../../src/search/make-space.ts'
import { notRequested, steady } from './compare-model.ts'
import { makeMeasurements, makeModel, makeScenario, type RepetitionNumbers } from './make-measurements.ts'

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const names = ['detector', 'classifier']
const configText = 'max_batch_size: 8\ninstance_group [{ count: 1 }]\ndynamic_batching { }\n'
const committed: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 8, dynamicBatching: true }
const { committed: _, ...twice } = { ...committed, instanceCount: 2 }
const { committed: __, ...once } = committed

const gatedLoads = together(names.map((model, index) => ({ model, load: closed([8, 16][index] ?? 1) })))
const sweptLoads = together(names.map((model) => ({ model, load: closed(16) })))
const numbers = (ms: number, inferPerSec: number): RepetitionNumbers => ({
  latencyP99Ns: ms * 1e6,
  inferPerSec,
})

/** The gated loads of both models on one side. */
function side(own: readonly RepetitionNumbers[], hashes: readonly string[]): ModelMeasurement[] {
  return names.map((name, index) =>
    makeModel(
      name,
      [
        makeScenario(steady(8, own[index] ?? numbers(1, 1)), {
          load: gatedLoads[index] ?? closed(1),
          configuration: committed,
        }),
      ],
      { contentHash: hashes[index] ?? null, configText },
    ),
  )
}

const models: ConcurrentModel[] = names.map((name, index) => ({
  name,
  space: makeSpace(readConfig('', 'x.yml', {}).settingsFor(name).search, committed, {
    batching: true,
    instances: true,
    loadsAllowed: true,
  }),
  objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
  constraints: [],
  weight: [0.75, 0.25][index] ?? 0,
}))

const found: ConcurrentAnswer = {
  configurations: [{ committed: false, ...twice }, committed],
  loads: [closed(16), closed(16)],
  metrics: [numbers(48, 330), numbers(62, 250)],
  measurements: 2,
  committed: {
    configurations: [committed, committed],
    loads: [closed(8), closed(16)],
    metrics: [numbers(45, 200), numbers(60, 260)],
  },
  unsteady: null,
  gains: [0.65, -0.038],
  gain: 0.442,
  tie: false,
  meetsConstraints: true,
}

/** What a combination is for one model: its own configuration, and the other's where that is not as committed. */
const parts: Configuration[] = [
  { committed: false, ...twice },
  { committed: false, ...once, others: { detector: twice } },
]

/** Two models at once: one got slower by its own files, the other beside it; and a sweep that found a better combination. */
export function concurrentResult(): Result {
  const reference = side([numbers(40, 220), numbers(50, 300)], ['d1', 'c1'])
  const candidate = side([numbers(60, 150), numbers(60, 255)], ['d2', 'c1']).map(
    (model, index): ModelMeasurement => {
      const [load, configuration] = [sweptLoads[index] ?? closed(1), parts[index] ?? committed]
      const answer = answersOf(models, found)[index]
      const swept = makeScenario(steady(1, numbers([48, 62][index] ?? 1, [330, 250][index] ?? 1)), {
        role: 'sweep',
        load,
        configuration,
      })
      return {
        ...model,
        scenarios: [...model.scenarios, swept, swept],
        search: {
          mode: 'quick',
          measurements: 14,
          stopped: 'no step from the best combination is left',
          wallNs: 40e9,
          underLoadNs: 28e9,
          notes: ['12 combinations of detector and classifier at their loads were tried'],
          answer: answer === undefined ? null : { ...answer, configuration, load },
        },
      }
    },
  )
  const config = readConfig(
    'run_config_profile_models_concurrently_enable: true\nprofile_models:\n  detector: {parameters: {concurrency: 8}, weighting: 3, constraints: {perf_latency_p99: {max: 55}}}\n  classifier: {parameters: {concurrency: 16}}\n',
    'triton-perf-gate.yml',
    {},
  )
  return judge({
    measurements: makeMeasurements(candidate, reference),
    config,
    baseline: null,
    baselineStatus: notRequested,
    mode: 'gate',
  })
}
