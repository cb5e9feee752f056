import { expect, test } from 'vitest'
import { type Family, landscape } from '../../test/support/landscapes.ts'
import type { Constraint } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import { type Load, loadKey } from '../domain/load.ts'
import { createRandom } from '../stats/random.ts'
import {
  capacitiesOf,
  capacityLimits,
  limitsKept,
  limitsLatency,
  nextCapacityLoad,
  nextCapacityStep,
} from './capacity.ts'
import { type Landscape, places } from './replay.ts'
import { violation } from './score.ts'
import {
  type SearchAnswer,
  type SearchMetrics,
  type SearchPoint,
  type SearchState,
  sameConfiguration,
} from './state.ts'

/** Everything that bisecting asks for, from one measured load of a configuration on. */
function bisected(scene: Landscape, configuration: Configuration, from: Load): SearchPoint[] {
  const pointAt = (load: Load): SearchPoint => ({
    configuration,
    load,
    metrics: scene.measure(configuration, load),
  })
  const points = [pointAt(from)]
  for (;;) {
    const load = nextCapacityLoad(points, configuration, scene.space, scene.constraints)
    if (load === null) return points
    points.push(pointAt(load))
  }
}

/** By looking at every load. */
function exact(scene: Landscape, configuration: Configuration): number | null {
  const limits = capacityLimits(scene.constraints)
  const rates = places(scene).flatMap((place) =>
    sameConfiguration(place.configuration, configuration) &&
    place.metrics !== null &&
    violation(place.metrics, limits) === 0
      ? (place.metrics.inferPerSec ?? [])
      : [],
  )
  return rates.length === 0 ? null : Math.max(...rates)
}

/** Where throughput never falls under more load, which is what bisecting takes for granted. */
const families: readonly Family[] = ['saturating', 'batching', 'memoryCliff', 'plateau', 'powerLaw']
const scenes = families.flatMap((family) =>
  [501, 502, 503, 504, 505, 506, 507, 508, 509]
    .map((seed) => landscape(family, seed))
    .filter(({ constraints }) => limitsLatency(constraints)),
)

test('on landscapes the capacity is the exact one, wherever one begins', () => {
  expect(scenes.length).toBeGreaterThan(20)
  const random = createRandom(1)
  let [limited, level, none] = [0, 0, 0]
  for (const scene of scenes) {
    const loads = scene.space.loads
    for (const configuration of random.shuffle(scene.space.configurations).slice(0, 6)) {
      const from = loads[Math.floor(random.uniform() * loads.length)]
      if (from === undefined || scene.measure(configuration, from) === null) continue
      const points = bisected(scene, configuration, from)
      expect(new Set(points.map(({ load }) => loadKey(load))).size, scene.name).toBe(points.length)
      const [capacity] = capacitiesOf(points, scene.constraints)
      const found = capacity?.at?.metrics.inferPerSec ?? null
      const truth = exact(scene, configuration)
      if (found === null || truth === null) {
        none++
        expect(found, scene.name).toBe(truth)
        continue
      }
      expect(found).toBeLessThanOrEqual(truth)
      // Exact where a limit ends it; where throughput levels off, within what more load would bring.
      if (capacity?.brokenAt != null) {
        limited++
        expect(found, scene.name).toBeCloseTo(truth, 6)
      } else {
        level++
        expect(found / truth, scene.name).toBeGreaterThan(0.95)
      }
    }
  }
  expect({ limited, level, none }).toEqual({
    limited: expect.toSatisfy((count: number) => count > 40),
    level: expect.toSatisfy((count: number) => count > 5),
    none: expect.toSatisfy((count: number) => count > 5),
  })
})

test('a step is for what is loaded first, then for the other one, each with its share of measurements', () => {
  const scene = scenes.find(({ name }) => name.startsWith('batching'))
  if (scene === undefined) throw new Error('no landscape')
  const [other] = scene.space.configurations.filter((each) => !each.committed)
  const [lightest] = scene.space.loads
  if (other === undefined || lightest === undefined) throw new Error('no space')
  const points: SearchPoint[] = [scene.space.committed, other].map((configuration) => ({
    configuration,
    load: lightest,
    metrics: scene.measure(configuration, lightest),
  }))
  const answer: SearchAnswer = {
    configuration: other,
    load: lightest,
    metrics: {},
    measurements: 1,
    gain: null,
    tie: false,
    meetsConstraints: true,
    explanation: '',
  }
  const next = (most: number, change: Partial<SearchState> = {}) => {
    const budget: SearchState['budget'] = {
      maxMeasurements: 2,
      timeLeftNs: null,
      costNs: { load: 2, measure: 1 },
    }
    return nextCapacityStep({ ...scene, points, budget, ...change }, answer, most)
  }
  const asked: Configuration[] = []
  for (let step = next(2); step !== null; step = next(2)) {
    const { configuration, load } = step
    asked.push(configuration)
    points.push({ configuration, load, metrics: scene.measure(configuration, load), purpose: 'capacity' })
  }
  expect(asked).toEqual([other, other, scene.space.committed, scene.space.committed])
  expect(next(0)).toBeNull()
  expect(next(9, { constraints: [] })).toBeNull()
  const soon = { maxMeasurements: 2, timeLeftNs: 0, costNs: { load: 2, measure: 1 } }
  expect(next(9, { budget: soon })).toBeNull()
})

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const limit: Constraint = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 47e6 }
/** 1 ms for each request under way: 47 at once hold the limit. */
const measure = (load: Load): SearchPoint => {
  const level = load.mode === 'concurrency' ? load.concurrency : load.requestRate
  return { configuration: committed, load, metrics: { inferPerSec: 10 * level, latencyP99Ns: level * 1e6 } }
}

test.each<[Load['mode'], (level: number) => Load]>([
  ['concurrency', (concurrency) => ({ mode: 'concurrency', concurrency })],
  ['requestRate', (requestRate) => ({ mode: 'requestRate', requestRate })],
])('between two loads of mode %s it halves until they are alike', (_, loadOf) => {
  const space = {
    committed,
    configurations: [committed],
    loads: [1, 2, 4, 8, 16, 32, 64, 128].map(loadOf),
    divisible: true,
  }
  const points = [1, 4, 128].map((level) => measure(loadOf(level)))
  const asked: number[] = []
  for (;;) {
    const load = nextCapacityLoad(points, committed, space, [limit])
    if (load === null) break
    asked.push(load.mode === 'concurrency' ? load.concurrency : load.requestRate)
    points.push(measure(load))
  }
  expect(asked.slice(0, 3)).toEqual([32, 64, expect.closeTo(46.5, -1)])
  const [capacity] = capacitiesOf(points, [limit])
  const found = capacity?.at?.metrics.inferPerSec ?? 0
  expect(found).toBeLessThanOrEqual(470)
  expect(found).toBeGreaterThan(470 / 1.1)
  // A recorded landscape has no loads in between.
  expect(
    nextCapacityLoad(
      [32, 64].map((level) => measure(loadOf(level))),
      committed,
      { ...space, divisible: false },
      [limit],
    ),
  ).toBeNull()
})

test('a configuration whose lightest load breaks the limit has no capacity', () => {
  const points = [measure({ mode: 'concurrency', concurrency: 64 })]
  const space = {
    committed,
    configurations: [committed],
    loads: points.map(({ load }) => load),
    divisible: true,
  }
  expect(nextCapacityLoad(points, committed, space, [limit])).toBeNull()
  expect(capacitiesOf(points, [limit])).toEqual([
    { configuration: committed, at: null, brokenAt: { mode: 'concurrency', concurrency: 64 } },
  ])
})

test('what a measurement says of limits from above: held, broken, or open', () => {
  const memory: Constraint = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit: 100 }
  const rate: Constraint = { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 1e9 }
  const kept = (metrics: SearchMetrics | null, limits: readonly Constraint[] = [limit]) =>
    limitsKept(metrics, limits)
  expect(kept({ latencyP99Ns: 47e6 })).toBe('held')
  expect(kept({ latencyP99Ns: 48e6 })).toBe('broken')
  expect(kept(null)).toBe('broken')
  expect(kept({ latencyP95Ns: 40e6 })).toBe('open')
  expect(kept({ latencyP95Ns: 48e6 })).toBe('broken')
  expect(kept({ latencyP99Ns: 1, gpuMemoryBytes: null }, [limit, memory])).toBe('open')
  expect(kept({ latencyP99Ns: 1e9, gpuMemoryBytes: null }, [limit, memory])).toBe('broken')
  // What a demand asks of throughput is another question.
  expect(kept({ latencyP99Ns: 1, inferPerSec: 1 }, [limit, rate])).toBe('held')
})

test('where nothing that is measured tells of a limit, no load is asked for', () => {
  const memory: Constraint = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit: 100 }
  const loads = [1, 2, 4, 8].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))
  const space = { committed, configurations: [committed], loads, divisible: true }
  const points = loads.slice(0, 1).map(measure)
  expect(nextCapacityLoad(points, committed, space, [limit])).toEqual(loads[1])
  expect(nextCapacityLoad(points, committed, space, [limit, memory])).toBeNull()
  expect(capacitiesOf(points, [limit, memory])).toEqual([
    { configuration: committed, at: null, brokenAt: null },
  ])
})

test('a client batch of which nothing is known does not hide another one that breaks a limit', () => {
  const configuration = { committed: true, instanceCount: 1, maxBatchSize: 8, dynamicBatching: true }
  const at = (concurrency: number, batchSize: number) =>
    ({ mode: 'concurrency', concurrency, batchSize }) as const
  const limits = [{ name: 'perf_latency_p95', metric: 'latencyP95Ns', bound: 'max', limit: 10 } as const]
  const points = [
    { configuration, load: at(1, 1), metrics: { inferPerSec: 10, latencyP95Ns: null } },
    { configuration, load: at(8, 8), metrics: { inferPerSec: 50, latencyP95Ns: 20 } },
  ]
  expect(capacitiesOf(points, limits)).toMatchObject([{ at: null, brokenAt: at(8, 8) }])
  const space = {
    committed: configuration,
    configurations: [configuration],
    loads: [at(2, 1), at(4, 8), at(8, 8)],
  }
  expect(nextCapacityLoad(points, configuration, space, limits)).toEqual(at(4, 8))
})
