import { describe, expect, test } from 'vitest'
import { type EnsembleScene, part, scene, ensembleTop as top } from '../../test/support/ensemble-scene.ts'
import type { Constraint, Objective } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { createRandom, type Random } from '../stats/random.ts'
import { median } from '../stats/robust.ts'
import { combinations, type Members } from './members.ts'
import { meets } from './score.ts'
import { nextStep } from './search.ts'
import { sizeOf } from './space.ts'
import type { SearchPoint, SearchState } from './state.ts'

const objectives: Objective[] = [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }]
function sweep(
  { space, play }: EnsembleScene,
  constraints: readonly Constraint[],
  maxMeasurements: number,
  random: Random | null = null,
) {
  const points: SearchPoint[] = []
  for (;;) {
    const state: SearchState = {
      space,
      objectives,
      constraints,
      points,
      budget: { maxMeasurements, timeLeftNs: null, costNs: { load: 2e9, measure: 1e9 } },
    }
    const step = nextStep('quick', state)
    if (step.kind === 'done') return { points, ...step }
    const { metrics, composing } = play(step.configuration, step.load)
    const noise = () => (random === null ? 1 : Math.exp(0.03 * random.normal()))
    const noisy = Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [name, (value ?? 0) * noise()]),
    )
    points.push({ configuration: step.configuration, load: step.load, metrics: noisy, composing })
  }
}

function optimum({ space, members, play }: EnsembleScene, constraints: readonly Constraint[]): number {
  const all = combinations(members, [space.committed]).flatMap((configuration) =>
    space.loads.map((load) => play(configuration, load).metrics),
  )
  return Math.max(
    ...all.filter((metrics) => meets(metrics, constraints)).map(({ inferPerSec }) => inferPerSec ?? 0),
  )
}

test('the one model that makes requests wait gets the instances', () => {
  const planted = scene([part('quick', 1), part('slow', 20), part('other', 1)])
  const { answer, points } = sweep(planted, [], 15)
  expect(points[0]?.configuration).toBe(top)
  const slow = answer?.configuration.others?.slow
  expect(slow?.instanceCount).toBe(4)
  // What does not help is left as it is.
  expect(Object.keys(answer?.configuration.others ?? {})).toEqual(['slow'])
  expect(answer?.gain).toBeGreaterThan(2.5)
})

test('two models that are full are changed together, since one alone brings nothing', () => {
  const { answer } = sweep(scene([part('a', 10, { fixed: 1e-9 }), part('b', 10, { fixed: 1e-9 })]), [], 12)
  expect(answer?.configuration.others).toMatchObject({ a: { instanceCount: 4 }, b: { instanceCount: 4 } })
})

test('where nothing helps the committed configuration stands', () => {
  const parts = [part('a', 5, { processors: 1, fixed: 1e-9 }), part('b', 5, { processors: 1, fixed: 1e-9 })]
  const { answer } = sweep(scene(parts), [], 20)
  expect(answer?.configuration.committed).toBe(true)
})

test('of what failed nothing as large is tried again', () => {
  const { space, play } = scene([part('a', 10), part('b', 1)])
  const failing: SearchPoint[] = []
  const points: SearchPoint[] = []
  for (let i = 0; i < 15; i++) {
    const budget = { maxMeasurements: 15, timeLeftNs: null, costNs: { load: 2e9, measure: 1e9 } }
    const step = nextStep('quick', { space, objectives, constraints: [], points, budget })
    if (step.kind === 'done') break
    const { configuration, load } = step
    const count = configuration.others?.a?.instanceCount ?? 1
    const larger = failing.find((point) => (point.configuration.others?.a?.instanceCount ?? 1) <= count)
    expect(larger).toBeUndefined()
    if (count > 2) failing.push({ configuration, load, metrics: null })
    points.push(
      count > 2
        ? { configuration, load, metrics: null }
        : { configuration, load, ...play(configuration, load) },
    )
  }
  expect(failing.length).toBeGreaterThan(0)
  expect(points.some(({ configuration }) => configuration.others?.a?.instanceCount === 2)).toBe(true)
})

test('a failure at a light load of what answers under more is no limit; what failed is not asked under more', () => {
  const { space, play } = scene([part('a', 10), part('b', 1)])
  const [light, ...others] = space.loads
  const [next, heavy] = others
  const budget = { maxMeasurements: 15, timeLeftNs: null, costNs: { load: 2e9, measure: 1e9 } }
  if (light === undefined || next === undefined || heavy === undefined) throw new Error('no loads')
  const worked = (configuration: Configuration, load: Load) => ({
    configuration,
    load,
    ...play(configuration, load),
  })
  const once: SearchPoint[] = [{ configuration: top, load: light, metrics: null }, worked(top, next)]
  expect(nextStep('quick', { space, objectives, constraints: [], points: once, budget }).kind).toBe('measure')

  // Fewer instances fail whatever the load, more work.
  const more = {
    ...top,
    committed: false,
    others: { a: { instanceCount: 4, maxBatchSize: 8, dynamicBatching: false } },
  }
  const points: SearchPoint[] = [{ configuration: top, load: light, metrics: null }, worked(more, light)]
  for (;;) {
    const step = nextStep('quick', { space, objectives, constraints: [], points, budget })
    if (step.kind === 'done') break
    expect(configurationKey(step.configuration)).not.toBe(configurationKey(top))
    points.push(worked(step.configuration, step.load))
  }
  expect(points.length).toBeGreaterThan(2)
})

test('while nothing meets the constraints a place comes nearer to them, and is not said to be better', () => {
  const { space, play } = scene([part('quick', 1), part('slow', 20)])
  const constraints: Constraint[] = [
    { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 1000 },
  ]
  const { points } = sweep({ space, play, members: space.members as Members }, constraints, 8)
  const whys = points.slice(1).map((_, i) => {
    const budget = { maxMeasurements: 8, timeLeftNs: null, costNs: { load: 2e9, measure: 1e9 } }
    const step = nextStep('quick', { space, objectives, constraints, points: points.slice(0, i + 1), budget })
    return step.kind === 'measure' ? step.why : ''
  })
  expect(whys).toContain('expected to come nearer to the constraints')
  expect(whys.join()).not.toContain('expected to be')
})

// Seconds of a core, more on a machine that is shared.
describe('of ensembles at random', { timeout: 60_000 }, () => {
  const random = createRandom(5)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.uniform() * values.length)] as T
  const scenes = Array.from({ length: 6 }, () =>
    scene(
      Array.from({ length: 2 }, (_, i) =>
        part(`m${i}`, 2 ** (random.uniform() * 5), {
          fixed: pick([0.05, 0.4, 0.9]),
          processors: pick([null, 2, 4]),
          instanceCount: pick([1, 1, 2]),
          dynamicBatching: pick([true, false]),
        }),
      ),
      3,
    ),
  )

  test.each([
    ['whatever the latency', Number.POSITIVE_INFINITY],
    ['within a latency budget', 3],
  ])('the best is found %s, in fifteen measurements of a few hundred places', (_, times) => {
    const shares = scenes.map((one) => {
      const alone = one.play(top, { mode: 'concurrency', concurrency: 1 }).metrics.latencyP99Ns ?? 0
      const constraints: Constraint[] = Number.isFinite(times)
        ? [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: times * alone }]
        : []
      const { answer, points } = sweep(one, constraints, 15, createRandom(9))
      expect(points.length).toBeLessThanOrEqual(15)
      expect(new Set(points.map(({ configuration }) => configurationKey(configuration))).size).toBeLessThan(
        sizeOf(one.space),
      )
      const best = answer === null ? null : one.play(answer.configuration, answer.load).metrics.inferPerSec
      return (best ?? 0) / optimum(one, constraints)
    })
    const sorted = shares.toSorted((a, b) => a - b)
    expect(median(shares)).toBeGreaterThan(0.93)
    expect(sorted[0]).toBeGreaterThan(0.6)
  })
})
