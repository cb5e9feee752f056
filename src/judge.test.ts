import { expect, test } from 'vitest'
import {
  concurrency8,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../test/support/make-measurements.ts'
import type { MetricValue, Scenario, SearchSummary } from './domain/scenario.ts'
import { judge } from './judge.ts'

const configuration = { committed: false, instanceCount: 4, maxBatchSize: 8, dynamicBatching: true }
const value = (number: number | null, n: number, unit: MetricValue['unit']): MetricValue => ({
  value: number,
  interval: number === null ? null : [number * 0.9, number * 1.1],
  n,
  unit,
  ...(number === null ? { reason: 'too few' } : {}),
})
const sweep = (inferPerSec: number, latencyP99Ns: number | null, change: Partial<Scenario> = {}) =>
  makeScenario([makeRepetition(0, { latencyP99Ns: latencyP99Ns ?? 1, inferPerSec })], {
    role: 'sweep',
    configuration,
    metrics: {
      inferPerSec: value(inferPerSec, 600, 'infer/s'),
      latencyP99Ns: value(latencyP99Ns, 600, 'ns'),
    },
    ...change,
  })

function bestOf(scenarios: readonly Scenario[], metrics: NonNullable<SearchSummary['answer']>['metrics']) {
  const answer = {
    configuration,
    load: concurrency8,
    metrics,
    measurements: scenarios.length,
    gain: 0.2,
    tie: false,
    meetsConstraints: true,
    explanation: '20 % better',
  }
  const search: SearchSummary = {
    mode: 'quick',
    measurements: 9,
    stopped: 'done',
    wallNs: 1,
    underLoadNs: 1,
    notes: [],
    answer,
  }
  const result = judge({
    measurements: makeMeasurements([makeModel('m', scenarios, { search })]),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config: makeConfig(),
    mode: 'gate',
  })
  return result.models[0]?.best?.metrics
}

test('the best configuration shows the means that its gain rests on, without the interval of one measurement', () => {
  const failed = sweep(1, 1, { status: 'failed' })
  const elsewhere = sweep(900, 1, { configuration: { ...configuration, instanceCount: 5 } })
  const best = bestOf([sweep(400, 30e6), failed, elsewhere, sweep(380, 40e6)], {
    inferPerSec: 390,
    latencyP99Ns: 35e6,
  })
  expect(best).toEqual({
    inferPerSec: { value: 390, interval: null, n: 1200, unit: 'infer/s' },
    latencyP99Ns: { value: 35e6, interval: null, n: 1200, unit: 'ns' },
  })
})

test('one measurement keeps its interval; a percentile that one lacks requests for is not shown', () => {
  expect(bestOf([sweep(400, 30e6)], { inferPerSec: 400, latencyP99Ns: 30e6 })).toMatchObject({
    inferPerSec: value(400, 600, 'infer/s'),
  })
  expect(
    bestOf([sweep(400, null), sweep(380, 40e6)], { inferPerSec: 390, latencyP99Ns: 35e6 }),
  ).toMatchObject({
    latencyP99Ns: { value: null, n: 1200, reason: 'too few' },
  })
})
