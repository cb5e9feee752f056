import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { answerOf, estimateOf, rank } from './answer.ts'
import type { SearchPoint } from './state.ts'

const load: Load = { mode: 'concurrency', concurrency: 16 }
const withInstances = (instanceCount: number): Configuration => ({
  committed: instanceCount === 1,
  instanceCount,
  maxBatchSize: 4,
  dynamicBatching: true,
})
const configurations = [1, 2, 3, 4, 5, 6].map(withInstances)

function question(rates: readonly (readonly [instances: number, inferPerSec: number])[]) {
  const points = rates.map(
    ([instances, inferPerSec], i): SearchPoint => ({
      configuration: withInstances(instances),
      load,
      // A tail that differs from measurement to measurement, as under noise.
      metrics: { inferPerSec, latencyP99Ns: ((1.3 + i / 50) * 16e9) / inferPerSec },
    }),
  )
  return {
    space: { committed: withInstances(1), configurations, loads: [load] },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 } as const],
    constraints: [],
    points,
  }
}

test('one lucky measurement among its neighbours is not the best', () => {
  const asked = question([
    [1, 100],
    [2, 195],
    [3, 330],
    [3, 250],
    [4, 400],
    [4, 380],
    [5, 420],
    [6, 500],
    [6, 480],
    [5, 565],
    [5, 500],
  ])
  expect(rank(asked)[0]?.configuration.instanceCount).toBe(5)
  expect(rank(asked, estimateOf(asked))[0]?.configuration.instanceCount).toBe(6)
})

test('a tie is what neither its own measurements nor all others tell apart from the committed configuration', () => {
  const alike = question([
    [1, 100],
    [2, 104],
    [3, 97],
    [4, 108],
    [5, 99],
  ])
  expect(answerOf(alike, estimateOf(alike))).toMatchObject({ tie: true, configuration: { instanceCount: 1 } })
  // Single measurements of 100 and 111 are within their noise; of a trend over six configurations they are not.
  const trend = question([
    [1, 100],
    [2, 102.5],
    [3, 104.5],
    [4, 107],
    [5, 109],
    [6, 111.4],
    [6, 110.6],
  ])
  expect(answerOf(trend)?.tie).toBe(true)
  expect(answerOf(trend, estimateOf(trend))).toMatchObject({
    tie: false,
    configuration: { instanceCount: 6 },
  })
})
