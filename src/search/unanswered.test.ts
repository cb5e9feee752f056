import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { part, scene } from '../../test/support/ensemble-scene.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type Landscape, type ReplayOptions, replay } from './replay.ts'
import { loadsFor, type Space } from './space.ts'
import { type Place, placeKey, sameConfiguration } from './state.ts'
import { nextUnanswered } from './unanswered.ts'

const loads = [1, 4, 16].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))
const make = (instanceCount: number, maxBatchSize: number, dynamicBatching: boolean): Configuration => ({
  committed: false,
  instanceCount,
  maxBatchSize,
  dynamicBatching,
})

/** All instance counts and batch sizes, with dynamic batching and without, one of which is committed. */
function spaceOf(counts: readonly number[], sizes: readonly number[], own: number): Space {
  const all = counts.flatMap((count) =>
    sizes.flatMap((size) => [true, false].map((batching) => make(count, size, batching))),
  )
  const configurations = all.map((each, i) => (i === own % all.length ? { ...each, committed: true } : each))
  const [committed] = configurations.filter((each) => each.committed)
  if (committed === undefined) throw new Error('none is committed')
  return { committed, configurations, loads }
}

function run(space: Space, works: (place: Place) => boolean, options: Partial<ReplayOptions> = {}) {
  const landscape: Landscape = {
    name: 'mostly failing',
    space,
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
    constraints: [],
    measure: (configuration, load) =>
      works({ configuration, load })
        ? { inferPerSec: 100 * (configuration.instanceCount ?? 1) + configuration.maxBatchSize }
        : null,
  }
  return replay('quick', landscape, { maxMeasurements: 20, ...options })
}

const ofLeast = spaceOf([1, 2, 4], [1, 4, 16], 0)

describe('where the committed configuration fails and is the smallest', () => {
  test('a larger one that works is found: more instances', () => {
    const { answer, points } = run(ofLeast, ({ configuration }) => (configuration.instanceCount ?? 1) > 1)
    expect(answer?.configuration.instanceCount).toBe(4)
    expect(answer?.explanation).toContain('The committed configuration gave no measurement')
    expect(points.findIndex(({ metrics }) => metrics !== null)).toBeLessThan(7)
  })

  test('the batcher the other way, and other batches', () => {
    const off = run(ofLeast, ({ configuration }) => !configuration.dynamicBatching)
    expect(off.answer?.configuration.dynamicBatching).toBe(false)
    // One field, once: nothing differs less from the committed configuration.
    expect(off.points.findIndex(({ metrics }) => metrics !== null)).toBe(1)
    const batches = run(ofLeast, ({ configuration }) => configuration.maxBatchSize > 1)
    expect(batches.answer?.configuration).toMatchObject({ instanceCount: 4, maxBatchSize: 16 })
  })
})

test('first the committed configuration at its lightest load, then the smallest of all, then what differs least', () => {
  const space = spaceOf([1, 2, 4], [1, 4, 16], 8)
  expect(configurationKey(space.committed)).toBe('instances=2,max_batch_size=4,dynamic_batching=on')
  const { points } = run(space, () => false, { maxMeasurements: 8 })
  const [first, ...others] = points.map(({ configuration: at, load }) => [
    at.instanceCount,
    at.maxBatchSize,
    at.dynamicBatching,
    load,
  ])
  expect(first?.slice(0, 3)).toEqual([2, 4, true])
  expect(others.map((each) => each.slice(0, 3))).toEqual([
    [2, 4, true],
    [1, 1, true],
    [1, 4, true],
    [2, 4, false],
    [4, 4, true],
    [1, 4, false],
    [2, 1, true],
  ])
  expect(others.every(([, , , load]) => load === loads[0])).toBe(true)
})

test('where nothing answers it ends, having tried all, and says so; a budget ends it sooner', () => {
  const all = ofLeast.configurations.length * loads.length
  const { answer, points, reason } = run(ofLeast, () => false, { maxMeasurements: 1000 })
  expect(answer).toBeNull()
  expect(new Set(points.map(placeKey)).size).toBe(all)
  expect(points).toHaveLength(all)
  expect(reason).toBe('nothing in the space is left to be tried, and nothing has answered')
  expect(run(ofLeast, () => false, { maxMeasurements: 7 }).reason).toBe(
    'the budget of 7 measurements is used',
  )
})

const spaces = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }),
    fc.uniqueArray(fc.constantFrom(0, 1, 2, 8, 64), { minLength: 1, maxLength: 3 }),
    fc.nat(17),
  )
  .map(([counts, sizes, own]) => spaceOf(counts, sizes, own))

test('wherever a configuration works, one is found in as many measurements as there are configurations, and one more of the committed one', () => {
  fc.assert(
    fc.property(spaces, fc.nat(17), fc.boolean(), (space, at, asWell) => {
      const { configurations } = space
      const working = [configurations[at % configurations.length], asWell ? configurations[0] : undefined]
      const { answer } = run(
        space,
        ({ configuration }) =>
          working.some((each) => each !== undefined && sameConfiguration(each, configuration)),
        { maxMeasurements: configurations.length + 1 },
      )
      expect(answer).not.toBeNull()
    }),
    { numRuns: 150 },
  )
})

test('wherever a place works, one is found in as many measurements as there are places', () => {
  fc.assert(
    fc.property(spaces, fc.nat(200), (space, at) => {
      const places = space.configurations.flatMap((configuration) =>
        loadsFor(space, configuration).map((load) => placeKey({ configuration, load })),
      )
      const only = places[at % places.length]
      const { answer } = run(space, (place) => placeKey(place) === only, { maxMeasurements: places.length })
      expect(answer === null ? null : placeKey(answer)).toBe(only)
    }),
    { numRuns: 60 },
  )
})

test('where several models are varied each is changed alone', () => {
  const { space } = scene([part('a', 1), part('b', 1)])
  const points: (Place & { metrics: null })[] = []
  for (;;) {
    const place = nextUnanswered({ points, space })
    if (place === null) break
    points.push({ ...place, metrics: null })
  }
  const changed = points.map(({ configuration }) => Object.keys(configuration.others ?? {}).length)
  expect(Math.max(...changed)).toBe(1)
  // Four counts with the batcher and without, less the committed one, of each model, at five loads.
  expect(points).toHaveLength(5 * (1 + 2 * 7))
})
