import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import { costNs } from './budget.ts'
import { loadedAfter, replacedBy, startsServer } from './loaded.ts'
import type { SearchPoint, SearchState } from './state.ts'

const configuration = (instanceCount: number): Configuration => ({
  committed: instanceCount === 0,
  instanceCount,
  maxBatchSize: 8,
  dynamicBatching: true,
})
const load = { mode: 'concurrency', concurrency: 1 } as const
const point = (instanceCount: number, works = true): SearchPoint => ({
  configuration: configuration(instanceCount),
  load,
  metrics: works ? {} : null,
})
const counts = (points: readonly SearchPoint[], servers: number) =>
  loadedAfter(points, servers).configurations.map(({ instanceCount }) => instanceCount)

test.each([
  ['one server holds the last one', [0, 1, 2], 1, [2]],
  ['with room all stay', [0, 1, 2], 3, [0, 1, 2]],
  [
    'the one that was measured longest ago makes room, but not the committed one',
    [0, 1, 2, 1, 3],
    3,
    [0, 1, 3],
  ],
  ['the committed one comes back, too', [0, 1, 0, 2, 0], 2, [2, 0]],
])('%s', (_, measured, servers, expected) => {
  expect(
    counts(
      measured.map((each) => point(each)),
      servers,
    ),
  ).toEqual(expected)
})

test('what failed leaves its server free, and is not loaded', () => {
  const loaded = loadedAfter([point(0), point(1), point(2, false)], 2)
  expect(loaded).toEqual({ configurations: [configuration(0)], servers: 2 })
  expect(replacedBy(loaded, configuration(3), 2)).toBeNull()
  expect(startsServer(loaded, configuration(3), 2)).toBe(false)
  expect(startsServer(loadedAfter([point(0)], 2), configuration(3), 2)).toBe(true)
})

test('never more than there are servers, the last one always among them, and each once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6)), fc.integer({ min: 1, max: 4 }), (measured, servers) => {
      const loaded = counts(
        measured.map((each) => point(each)),
        servers,
      )
      expect(loaded.length).toBe(Math.min(servers, new Set(measured).size))
      expect(loaded.at(-1)).toBe(measured.at(-1))
      expect(new Set(loaded).size).toBe(loaded.length)
    }),
  )
})

test('a configuration that is loaded costs no load', () => {
  const points = [point(0), point(1), point(2)]
  const state = (loaded?: readonly string[]): SearchState => ({
    space: { committed: configuration(0), configurations: [], loads: [load] },
    objectives: [],
    constraints: [],
    points,
    budget: {
      maxMeasurements: 9,
      timeLeftNs: null,
      costNs: { load: 5, measure: 2 },
      ...(loaded === undefined ? {} : { loaded }),
    },
  })
  const cost = (instanceCount: number, loaded?: readonly string[]) =>
    costNs(state(loaded), { configuration: configuration(instanceCount) })
  expect([cost(1), cost(2)]).toEqual([7, 2])
  const keys = ['instances=1,max_batch_size=8,dynamic_batching=on']
  expect([cost(1, keys), cost(2, keys), cost(3, keys)]).toEqual([2, 2, 7])
})
