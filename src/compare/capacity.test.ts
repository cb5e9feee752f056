import { expect, test } from 'vitest'
import { makeSweepSummary } from '../../test/support/make-measurements.ts'
import type { Constraint } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import { capacityOf } from './capacity.ts'

const committed: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 8, dynamicBatching: true }
const two: Configuration = { ...committed, committed: false, instanceCount: 2 }
const at = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const limit: Constraint = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 20e6 }
const least: Constraint = { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 1e9 }

function gated(load: Load, inferPerSec: number, p99Ms: number | null): Scenario {
  const n = 1000
  return {
    role: 'gate',
    configuration: committed,
    load,
    status: 'measured',
    metrics: {
      inferPerSec: { value: inferPerSec, interval: null, n, unit: 'infer/s' },
      latencyP99Ns: { value: p99Ms === null ? null : p99Ms * 1e6, interval: null, n, unit: 'ns' },
    },
    repetitions: [],
    warnings: [],
  }
}

const point = (configuration: Configuration, load: Load, inferPerSec: number, p99Ms: number) => ({
  configuration,
  load,
  metrics: { inferPerSec, latencyP99Ns: p99Ms * 1e6 },
})

function measurement(change: Partial<ModelMeasurement> = {}): ModelMeasurement {
  return {
    name: 'm',
    contentHash: null,
    configText: null,
    status: 'measured',
    scenarios: [],
    search: null,
    warnings: [],
    ...change,
  }
}

const swept = measurement({
  scenarios: [gated(at(1), 100, 9), gated(at(8), 240, 30)],
  sweep: {
    points: [
      point(committed, at(1), 100, 9),
      point(committed, at(4), 200, 25),
      point(two, at(4), 350, 12),
      { ...point(two, at(6), 410, 19), purpose: 'capacity' },
      point(two, at(8), 420, 21),
    ],
    spentBeforeNs: 0,
    spentNs: 0,
    loads: 0,
    loadingNs: 0,
    measuringNs: 0,
  },
  search: makeSweepSummary(two, at(4)),
})

const asked = { constraints: [limit, least], demandInferPerSec: 1000 }

test('the highest throughput within the latency limits, and what that means for the demand, before and after', () => {
  const capacity = capacityOf({ candidate: swept, reference: null, gpus: 2 }, asked)
  expect(capacity).toEqual({
    demandInferPerSec: 1000,
    rows: [
      {
        of: 'committed',
        configuration: committed,
        inferPerSec: 100,
        latencyP99Ns: 9e6,
        load: at(1),
        brokenAt: at(4),
        servers: 10,
        gpus: 20,
      },
      {
        of: 'best',
        configuration: two,
        inferPerSec: 410,
        latencyP99Ns: 19e6,
        load: at(6),
        brokenAt: at(8),
        servers: 3,
        gpus: 6,
      },
    ],
  })
})

test('a reference stands beside the candidate at the loads that both were measured at', () => {
  const reference = measurement({ scenarios: [gated(at(1), 120, 8), gated(at(8), 260, 19)] })
  const rows = capacityOf({ candidate: swept, reference, gpus: 0 }, asked)?.rows ?? []
  expect(rows.map(({ of, inferPerSec, servers, gpus }) => [of, inferPerSec, servers, gpus])).toEqual([
    ['reference', 260, 4, null],
    ['candidate', 100, 10, null],
    ['committed', 100, 10, null],
    ['best', 410, 3, null],
  ])
})

test('a limit that nothing holds, and a p99 that is not known, leave no capacity', () => {
  const candidate = measurement({ scenarios: [gated(at(1), 100, null), gated(at(8), 240, 30)] })
  const rows = capacityOf({ candidate, reference: null, gpus: 1 }, asked)?.rows
  expect(rows).toMatchObject([{ of: 'candidate', inferPerSec: null, load: null, servers: null, gpus: null }])
})

test('a load with too few requests for its p99 is not one that is too much', () => {
  const rowsOf = (scenarios: Scenario[]) =>
    capacityOf({ candidate: measurement({ scenarios }), reference: null, gpus: 0 }, asked)?.rows
  const few = gated(at(8), 240, null)
  expect(rowsOf([few])).toMatchObject([{ of: 'candidate', load: null, brokenAt: null }])
  expect(rowsOf([gated(at(1), 100, 9), few])).toMatchObject([{ load: at(1), brokenAt: null }])
  // What breaks it by a lower percentile is too much all the same.
  const p95 = (ms: number): Scenario => ({
    ...few,
    metrics: { ...few.metrics, latencyP95Ns: { value: ms * 1e6, interval: null, n: 200, unit: 'ns' } },
  })
  expect(rowsOf([p95(25)])).toMatchObject([{ load: null, brokenAt: at(8) }])
  expect(rowsOf([p95(15)])).toMatchObject([{ load: null, brokenAt: null }])
  const failed: Scenario = { ...few, status: 'failed', error: 'died', metrics: {} }
  expect(rowsOf([gated(at(1), 100, 9), failed])).toMatchObject([{ load: at(1), brokenAt: at(8) }])
})

test('without a limit of latency it is asked for by a demand alone, and is the highest throughput', () => {
  const candidate = measurement({ scenarios: [gated(at(1), 100, 9), gated(at(8), 240, 30)] })
  const without = (demandInferPerSec: number | null) =>
    capacityOf({ candidate, reference: null, gpus: 1 }, { constraints: [least], demandInferPerSec })
  expect(without(null)).toBeUndefined()
  expect(without(480)?.rows).toMatchObject([{ inferPerSec: 240, servers: 2, gpus: 2, brokenAt: null }])
})

test('an answer that breaks the limits is not the best', () => {
  const search = swept.search?.answer && {
    ...swept.search,
    answer: { ...swept.search.answer, meetsConstraints: false },
  }
  const rows = capacityOf(
    { candidate: { ...swept, search: search ?? null }, reference: null, gpus: 1 },
    asked,
  )?.rows
  expect(rows?.map(({ of }) => of)).toEqual(['committed', 'other'])
})

test('of the committed configuration the gated loads count where the sweep did not come to them', () => {
  const scenarios = [gated(at(1), 130, 9), gated(at(8), 240, 19)]
  const rows = capacityOf({ candidate: { ...swept, scenarios }, reference: null, gpus: 0 }, asked)?.rows
  expect(rows?.[0]).toMatchObject({
    of: 'committed',
    inferPerSec: 240,
    load: at(8),
    servers: 5,
    brokenAt: null,
  })
})
