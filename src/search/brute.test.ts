import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type Landscape, replay } from './replay.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const loads = [1, 2, 4, 8, 16, 32].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))

/** Throughput that no load raises. */
const flat = (allLoads: boolean): Landscape => ({
  name: 'flat',
  space: { committed, configurations: [committed], loads, ...(allLoads ? { allLoads } : {}) },
  objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
  constraints: [],
  measure: () => ({ inferPerSec: 100 }),
})

test.each(['brute', 'manual'] as const)('%s measures each load that is listed, also on a plateau', (mode) => {
  const measured = (allLoads: boolean) => replay(mode, flat(allLoads), { maxMeasurements: 100 }).points.length
  expect([measured(false), measured(true)]).toEqual([4, 6])
})
