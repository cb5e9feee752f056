import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import { exactSpread, spreadOf } from './candidates.ts'
import type { SearchPoint } from './state.ts'

const configuration: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 4,
  dynamicBatching: true,
}

/** p99 is `tail` times what Little's law makes of the throughput. */
function at(concurrency: number, inferPerSec: number, tail: number): SearchPoint {
  const latencyP99Ns = (tail * concurrency * 1e9) / inferPerSec
  return { configuration, load: { mode: 'concurrency', concurrency }, metrics: { inferPerSec, latencyP99Ns } }
}

test("of nothing repeated the spread is a quiet machine's", () => {
  expect(spreadOf([at(1, 100, 1.3), at(2, 180, 1.31), at(4, 220, 1.5)])).toBeCloseTo(0.05)
  expect(spreadOf([at(1, 100, 1.3), at(2, 180, 1.3)])).toBeCloseTo(0.05)
})

test('pairs that differ more, or less, move it, one pair not all the way', () => {
  const pair = (ratio: number) => spreadOf([at(1, 100, 1.3), at(1, 100 * ratio, 1.3)])
  expect(pair(1.3)).toBeGreaterThan(0.08)
  expect(pair(1.3)).toBeLessThan(Math.log(1.3) / Math.SQRT2)
  expect(pair(1.001)).toBeLessThan(0.05)
  expect(pair(1.001)).toBeGreaterThan(0.03)
})

test('there is no noise where a repeated measurement says the same, or p99 is the same multiple everywhere', () => {
  expect(spreadOf([at(1, 100, 1.3), at(2, 180, 1.4), at(2, 180, 1.4)])).toBe(exactSpread)
  expect(spreadOf([at(1, 100, 1.3), at(2, 180, 1.3), at(4, 220, 1.3)])).toBe(exactSpread)
  // The pair knows better than the multiple.
  expect(spreadOf([at(1, 100, 1.3), at(2, 180, 1.3), at(2, 190, 1.3)])).toBeGreaterThan(exactSpread)
})
