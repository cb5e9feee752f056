import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Constraint } from '../config/config.ts'
import { defaultSearch } from '../config/defaults.ts'
import type { Configuration } from '../domain/configuration.ts'
import { type Load, levelOf } from '../domain/load.ts'
import { mixCapacity, nextMixStep } from './concurrent-capacity.ts'
import type { ConcurrentAnswer, ConcurrentModel, ConcurrentPoint } from './concurrent-state.ts'
import { makeSpace } from './make-space.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const twice: Configuration = { ...committed, committed: false, instanceCount: 2 }
const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const rate = (requestRate: number): Load => ({ mode: 'requestRate', requestRate })
const budgetOf = (limitMs: number): Constraint[] => [
  { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: limitMs * 1e6 },
]

function modelOf(name: string, constraints: readonly Constraint[]): ConcurrentModel {
  const traits = { batching: false, instances: true, loadsAllowed: true }
  return {
    name,
    space: makeSpace(defaultSearch, committed, traits),
    objectives: [],
    constraints,
    weight: 0.5,
  }
}

interface Scene {
  readonly gated: readonly (readonly Load[])[]
  readonly limitsMs: readonly (number | null)[]
  /** What is outstanding in all, at which the latency of all is 1 ms for each, with one instance. */
  readonly failsFrom?: number
}

/** Latency grows with all that is asked for, throughput up to 16 at a time; with twice the instances half of the one, twice of the other. */
function play(
  { gated, limitsMs, failsFrom = Infinity }: Scene,
  most: number,
  searched: readonly ConcurrentPoint[] = [],
) {
  const models = limitsMs.map((limit, index) => modelOf(`m${index}`, limit === null ? [] : budgetOf(limit)))
  const measure = (configurations: readonly Configuration[], loads: readonly Load[]): ConcurrentPoint => {
    const all = loads.reduce((sum, load) => sum + levelOf(load), 0)
    if (all >= failsFrom) return { configurations, loads, metrics: null, purpose: 'capacity' }
    const speed = configurations[0]?.instanceCount ?? 1
    const metrics = loads.map((load) => ({
      latencyP99Ns: (all / speed) * 1e6,
      inferPerSec: Math.min(levelOf(load), 16 * speed),
    }))
    return { configurations, loads, metrics, purpose: 'capacity' }
  }
  const answer: ConcurrentAnswer = {
    configurations: models.map(() => twice),
    loads: gated.at(-1) ?? [],
    metrics: [],
    measurements: 1,
    committed: null,
    unsteady: null,
    gains: [],
    gain: null,
    tie: false,
    meetsConstraints: true,
  }
  const points: ConcurrentPoint[] = [...searched]
  const budget = { maxMeasurements: 0, timeLeftNs: null, costNs: { load: 1, measure: 1 } }
  for (;;) {
    const step = nextMixStep({ models, gated, points, budget }, answer, most)
    if (step === null) break
    points.push(measure(step.place.configurations, step.place.loads))
  }
  const capacity = (configuration: Configuration) =>
    mixCapacity(
      points.filter(({ configurations }) => configurations[0] === configuration),
      gated,
      models.map(({ constraints }) => constraints),
    )
  return { points, committed: capacity(committed), best: capacity(twice) }
}

test('all loads of the gated mix grow together, up to the most at which every model holds its limits', () => {
  const scene: Scene = {
    gated: [
      [closed(1), closed(2)],
      [closed(2), closed(4)],
    ],
    limitsMs: [15, 1000],
  }
  const { committed: before, best } = play(scene, 8)
  expect(before.at?.loads).toEqual([closed(5), closed(10)])
  expect(before.brokenAt).toEqual([closed(6), closed(11)])
  expect(best.at?.loads).toEqual([closed(10), closed(20)])
  // With the limit a tenth lower than what the lightest mix takes there is none.
  expect(play({ ...scene, limitsMs: [0.4, null] }, 8).best).toMatchObject({
    at: null,
    brokenAt: [closed(1), closed(1)],
  })
})

test('a model that stays at one load while the others differ stays there', () => {
  const gated = [
    [closed(1), closed(4)],
    [closed(8), closed(4)],
  ]
  const { committed: before } = play({ gated, limitsMs: [14, null] }, 8)
  expect(before.at?.loads).toEqual([closed(10), closed(4)])
})

test('request rates are bisected, too', () => {
  const { committed: before } = play({ gated: [[rate(10), rate(5)]], limitsMs: [60, 60] }, 8)
  const [first, second] = (before.at?.loads ?? []).map(levelOf)
  expect(first).toBeGreaterThan(34)
  expect(first).toBeLessThanOrEqual(40)
  expect(second).toBeCloseTo((first ?? 0) / 2, 1)
})

test('what fails breaks the limit; without a limit, or steps, nothing is measured', () => {
  const gated = [[closed(2), closed(2)]]
  const { committed: before } = play({ gated, limitsMs: [1000, null], failsFrom: 15 }, 8)
  expect(before.at?.loads).toEqual([closed(7), closed(7)])
  expect(play({ gated, limitsMs: [null, null] }, 8).points).toEqual([])
  expect(play({ gated, limitsMs: [10, null] }, 0).points).toEqual([])
})

test('of committed ones that gave nothing in the search no capacity is bisected', () => {
  const gated = [[closed(2), closed(2)]]
  const failed = { configurations: [committed, committed], loads: gated[0] ?? [], metrics: null }
  const { points } = play({ gated, limitsMs: [1000, null] }, 3, [failed])
  expect(points.length).toBeGreaterThan(2)
  for (const { configurations } of points.slice(1)) expect(configurations).toEqual([twice, twice])
})

test('whatever the mix: it ends within its steps, what is told holds, and what breaks is heavier', () => {
  const load = fc.oneof(
    fc.integer({ min: 1, max: 64 }).map(closed),
    fc.integer({ min: 1, max: 500 }).map(rate),
  )
  const scenes = fc.record({
    gated: fc.array(fc.tuple(load, load), { minLength: 1, maxLength: 3 }),
    limitsMs: fc.tuple(fc.integer({ min: 1, max: 300 }), fc.option(fc.integer({ min: 1, max: 300 }))),
    failsFrom: fc.integer({ min: 1, max: 2000 }),
  })
  fc.assert(
    fc.property(scenes, fc.integer({ min: 0, max: 6 }), (scene, most) => {
      const { points, ...found } = play(scene, most)
      expect(points.length).toBeLessThanOrEqual(2 * most)
      for (const { at, brokenAt } of Object.values(found)) {
        const limit = Math.min(...scene.limitsMs.map((each) => each ?? Infinity))
        for (const { latencyP99Ns = null } of at?.metrics ?? [])
          expect(latencyP99Ns).toBeLessThanOrEqual(limit * 1e6)
        if (at === null || brokenAt === null) continue
        const sum = (loads: readonly Load[]) => loads.reduce((all, each) => all + levelOf(each), 0)
        expect(sum(brokenAt)).toBeGreaterThan(sum(at.loads))
      }
    }),
  )
})

test('listed rates of more than three digits are the mix as they are', () => {
  const gated = [
    [rate(1025), rate(10)],
    [rate(2050.5), rate(20)],
  ]
  const { points, committed: before } = play({ gated, limitsMs: [1e6, 1e6] }, 3)
  expect(points[0]?.loads).toEqual(gated[1])
  expect(new Set(points.map(({ loads }) => loads.map(levelOf).join())).size).toBe(points.length / 2)
  expect(before.at?.loads.map(levelOf)).not.toEqual([])
  const models = [[], []]
  const of = (loads: readonly Load[]) => ({
    loads,
    metrics: loads.map((load) => ({ inferPerSec: levelOf(load) })),
  })
  expect(mixCapacity(gated.map(of), gated, models).at?.loads).toEqual(gated[1])
  expect(mixCapacity([of(gated[0] ?? [])], gated, models).at?.loads).toEqual(gated[0])
  expect(mixCapacity([of([rate(1025), rate(20)])], gated, models).at).toBeNull()
})
