import { expect, test } from 'vitest'
import type { SearchSettings } from '../config/config.ts'
import { defaultSearch } from '../config/defaults.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { createRandom } from '../stats/random.ts'
import { makeSpace } from './make-space.ts'
import { type Landscape, replay, shareOfOptimum } from './replay.ts'
import { firstLoad } from './space.ts'
import type { SearchMetrics } from './state.ts'

const committed: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
const model = { batching: true, instances: true, loadsAllowed: true }

/** Requests that come by themselves to instances that batch: what queues is served in batches, and beyond that waits. */
function openLoop(seed: number): Landscape {
  const random = createRandom(seed).uniform
  const fixedNs = 1e6 * (1 + 9 * random())
  const perItemNs = 1e6 * (0.2 + 2 * random())
  const contention = 0.4 * random()
  // Steps of a fifth: with doubling ones the next best of an answer is half of it.
  const rates = Array.from({ length: 20 }, (_, i) => Math.round(20 * 1.2 ** i))
  const settings: SearchSettings = {
    ...defaultSearch,
    instanceCount: { min: 1, max: 5 },
    modelBatchSize: { min: 1, max: 16 },
    requestRates: { rates, distribution: 'poisson', listed: true },
  }
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const rate = load.mode === 'requestRate' ? load.requestRate : Number.NaN
    const k = configuration.instanceCount ?? 1
    const batch = configuration.dynamicBatching ? configuration.maxBatchSize : 1
    const serviceNs = fixedNs + perItemNs * batch
    const capacity = ((k / (1 + contention * (k - 1))) * batch * 1e9) / serviceNs
    const busy = Math.min(rate / capacity, 0.999)
    const idleNs = fixedNs + perItemNs
    const waitNs = ((serviceNs / k) * busy) / (1 - busy) + Math.max(0, rate / capacity - 1) * 2e9
    return {
      inferPerSec: Math.min(rate, capacity),
      latencyAvgNs: idleNs + waitNs,
      latencyP99Ns: 1.3 * idleNs + 4 * waitNs,
    }
  }
  return {
    name: `open loop ${seed}`,
    space: makeSpace(settings, committed, model),
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
    constraints: [
      {
        name: 'perf_latency_p99',
        metric: 'latencyP99Ns',
        bound: 'max',
        limit: (fixedNs + perItemNs) * (2 + 8 * random()),
      },
    ],
    measure,
  }
}

test('rates are tried in place of concurrencies, the lightest first', () => {
  const { space } = openLoop(1)
  expect(space.loads.every(({ mode }) => mode === 'requestRate')).toBe(true)
  expect(firstLoad(space, committed)).toEqual({
    mode: 'requestRate',
    requestRate: 20,
    distribution: 'poisson',
  })
})

test.each([0, 0.03])(
  'within 15 measurements at noise %d the best configuration at its best rate is found',
  (noise) => {
    const shares = Array.from({ length: 8 }, (_, seed) => {
      const scene = openLoop(seed)
      const { points, answer } = replay('quick', scene, { maxMeasurements: 15, noise, seed })
      expect(points.length).toBeLessThanOrEqual(15)
      return shareOfOptimum(scene, answer) ?? 0
    }).sort((a, b) => a - b)
    console.info(`request rates, noise ${noise}: ${shares.map((share) => share.toFixed(2)).join(' ')}`)
    expect(shares[4]).toBeGreaterThanOrEqual(0.95)
    // Two steps of the ladder at worst.
    expect(shares[0]).toBeGreaterThanOrEqual(0.6)
  },
  // Eight searches take 3 s of CPU time, many times that on a machine that is busy otherwise.
  60_000,
)
