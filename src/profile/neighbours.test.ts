import { expect, test } from 'vitest'
import { windowOf } from '../../test/support/windows.ts'
import type { Load } from '../domain/load.ts'
import { withNeighbours } from './neighbours.ts'
import type { Loaded } from './repetition.ts'
import { isDisturbed, noGpu, type Sample, toRepetition } from './sample.ts'

const load: Load = { mode: 'concurrency', concurrency: 1 }
const asked = ['a', 'b'].map((name) => ({ model: { name }, load })) as unknown as Loaded[]
const sample = (...windows: Sample['windows'][number][]): Sample => ({
  startNs: 0,
  windows,
  server: { status: 'unavailable', reason: 'not asked' },
  serverMemoryBytes: null,
  disturbances: [],
  ...noGpu,
})
const well = sample(windowOf([1, 2, 3]))

function reasons(samples: readonly Sample[], maxFailureRatio = 0.01): string[][] {
  return withNeighbours(asked, samples, maxFailureRatio).map(
    (each) => toRepetition(each, load, 0, null, maxFailureRatio).voidReasons,
  )
}

test('beside models that answer nothing is void', () => {
  expect(reasons([well, well])).toEqual([[], []])
})

test('a model that fails its requests voids what was measured beside it, with its name', () => {
  const failing = sample(windowOf([1, 2, 3], { failures: { UNAVAILABLE: 7 } }))
  const [a, b] = reasons([well, failing])
  expect(a).toEqual(['neighbour_failed: 7 of 10 requests to b failed (UNAVAILABLE × 7)'])
  expect(b).toEqual([expect.stringMatching(/^failed_requests: 7 of 10/)])
  // Within what may fail, nothing is void.
  expect(reasons([well, failing], 0.7)).toEqual([[], []])
})

test('so does one that is silent; that is no disturbance, after which it would be tried again', () => {
  const silent = sample(windowOf([], { failures: {} }))
  expect(reasons([silent, well])[1]).toEqual(['neighbour_failed: a answered not one request'])
  expect(withNeighbours(asked, [silent, well], 0.01).map(isDisturbed)).toEqual([false, false])
})
