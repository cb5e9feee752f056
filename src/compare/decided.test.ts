import { expect, test } from 'vitest'
import { base, steady } from '../../test/support/compare-model.ts'
import {
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Repetition } from '../domain/scenario.ts'
import { isDecided } from './compare.ts'

const family = { comparisons: 2, models: 1 }
const decided = (reference: readonly Repetition[], candidate: readonly Repetition[], constraints = {}) =>
  isDecided(
    {
      measurements: makeMeasurements(
        [makeModel('m', [makeScenario(candidate)])],
        [makeModel('m', [makeScenario(reference)])],
      ),
      config: makeConfig(constraints),
    },
    0,
    family,
  )

test('what passes or fails beyond doubt is decided at the first look', () => {
  expect(decided(steady(4, base), steady(4, base))).toBe(true)
  expect(decided(steady(4, base), steady(4, { latencyP99Ns: 400e6, inferPerSec: 30 }))).toBe(true)
})

test('a change about as large as the tolerance is not', () => {
  expect(decided(steady(4, base), steady(4, { ...base, latencyP99Ns: base.latencyP99Ns * 1.05 }))).toBe(false)
})

test('a budget that is a close call asks for more repetitions', () => {
  const limit = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 40.01e6 } as const
  const wobbling = steady(4, base).map((repetition, index) => ({
    ...repetition,
    metrics: { ...repetition.metrics, latencyP99Ns: 40e6 * (1 + 0.002 * index) },
  }))
  expect(decided(wobbling, wobbling, {})).toBe(true)
  expect(decided(wobbling, wobbling, { constraints: [limit] })).toBe(false)
})

test('a budget that waits for a percentile asks for more repetitions: with them there may be one', () => {
  const limit = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 90e6 } as const
  const scenario = makeScenario(steady(4, base))
  const { latencyP90Ns = null } = scenario.metrics
  const few = makeModel('m', [{ ...scenario, metrics: { latencyP90Ns } }])
  const measurements = makeMeasurements([few], [few])
  const withBudget = makeConfig({ constraints: [limit] })
  expect(isDecided({ measurements, config: makeConfig() }, 0, family)).toBe(true)
  expect(isDecided({ measurements, config: withBudget }, 0, family)).toBe(false)
})

test('nothing compared is nothing decided', () => {
  const alone = makeMeasurements([makeModel('m', [makeScenario(steady(4, base))])], [])
  expect(isDecided({ measurements: alone, config: makeConfig() }, 0, family)).toBe(false)
})
