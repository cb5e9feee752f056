// What is said to be gained: never a loss, whatever fails and however it is measured; and the ranking in other words.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Family, landscape } from '../../test/support/landscapes.ts'
import type { Objective } from '../config/config.ts'
import { createRandom } from '../stats/random.ts'
import { type Landscape, replay } from './replay.ts'
import { gain, gainOfAll, logScore } from './score.ts'
import { placeKey } from './state.ts'

const throughput: Objective = { name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }
const latency: Objective = { name: 'perf_latency_p99', metric: 'latencyP99Ns', weight: 1 }
const memory: Objective = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', weight: 1 }

const value = fc.option(fc.double({ min: 1e-2, max: 1e4, noNaN: true }))
const measured = fc.record({ inferPerSec: value, latencyP99Ns: value, gpuMemoryBytes: value })
const objectives = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .map((all) => [throughput, latency, memory].map((each, index) => ({ ...each, weight: all[index] ?? 1 })))

test('what is ranked higher gains, what is ranked lower loses, and there and back is nothing', () => {
  let told = 0
  fc.assert(
    fc.property(measured, measured, objectives, (one, other, sought) => {
      const [there, back] = [gain(one, other, sought), gain(other, one, sought)]
      expect(there === null).toBe(back === null)
      if (there === null || back === null) return
      told++
      // Of a gain of −1 and a little, nine digits are left.
      expect(Math.log1p(there) + Math.log1p(back)).toBeCloseTo(0, 6)
      const score = logScore(one, other, sought)
      if (Math.abs(score) > 1e-9) expect(Math.sign(there)).toBe(Math.sign(score))
    }),
  )
  expect(told).toBeGreaterThan(5)
})

test('ten times better in one and ten times worse in another is nothing gained, and of models at once as well', () => {
  const [one, other] = [
    { inferPerSec: 1000, latencyP99Ns: 100 },
    { inferPerSec: 100, latencyP99Ns: 10 },
  ]
  expect(gain(one, other, [throughput, latency])).toBeCloseTo(0)
  expect(gain(one, other, [{ ...throughput, weight: 3 }, latency])).toBeCloseTo(10 ** 0.5 - 1)
  expect(gainOfAll([9, -0.9], [0.5, 0.5])).toBeCloseTo(0)
  expect(gainOfAll([3, 0], [0.5, 0.5])).toBeCloseTo(1)
  expect(gainOfAll([3, null], [0.5, 0.5])).toBeNull()
})

test('a gain is not known where one side alone has what is sought; what neither has is left out', () => {
  const sought = [throughput, memory]
  expect(gain({ inferPerSec: 2, gpuMemoryBytes: 5 }, { inferPerSec: 1 }, sought)).toBeNull()
  expect(
    gain({ inferPerSec: 2, gpuMemoryBytes: 0 }, { inferPerSec: 1, gpuMemoryBytes: 3 }, sought),
  ).toBeNull()
  expect(gain({ inferPerSec: 2 }, { inferPerSec: 1, gpuMemoryBytes: null }, sought)).toBeCloseTo(1)
  expect(gain({}, {}, sought)).toBeNull()
})

const families: readonly Family[] = [
  'saturating',
  'batching',
  'plateau',
  'crosstalk',
  'loadFailure',
  'committedBest',
]

/** A corner of a landscape where any measurement may fail, one that is made again mostly, or give no throughput. */
function flaky(scene: Landscape, seed: number): Landscape {
  const random = createRandom(seed)
  const known = new Set<string>()
  const { committed, configurations, loads } = scene.space
  const near = configurations.filter((each) => each.committed || (each.instanceCount ?? 1) <= 2).slice(0, 8)
  return {
    ...scene,
    space: { committed, configurations: [...new Set([committed, ...near])], loads: loads.slice(1, 4) },
    measure: (configuration, load) => {
      const key = placeKey({ configuration, load })
      const share = known.has(key) ? 0.6 : 0.1
      known.add(key)
      const metrics = scene.measure(configuration, load)
      const luck = random.uniform()
      if (luck < share) return null
      return luck > 0.97 && metrics !== null ? { ...metrics, inferPerSec: null } : metrics
    },
  }
}

test.each(['quick', 'brute'] as const)(
  '%s: the answer is never worse than the committed configuration, whatever fails at whichever time',
  (mode) => {
    const seen = { gained: 0, committed: 0, unsteady: 0, unknown: 0 }
    for (const family of families) {
      for (const seed of [1, 2, 3, 4]) {
        for (const sought of [[throughput], [throughput, { ...latency, weight: 2 }]]) {
          const scene = { ...flaky(landscape(family, 900 + seed), seed), objectives: sought }
          const { answer } = replay(mode, scene, { maxMeasurements: 30, noise: 0.05, seed })
          if (answer === null) continue
          const where = `${family} ${seed} ${sought.length}: ${answer.explanation}`
          if (answer.gain === null) seen.unknown++
          else if (answer.configuration.committed) {
            expect(answer.gain, where).toBe(0)
            seen.committed++
          } else {
            expect(answer.gain, where).toBeGreaterThan(0)
            seen.gained++
          }
          if (/unsteady/.test(answer.explanation)) seen.unsteady++
        }
      }
    }
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(0)
  },
)
