import { expect, test } from 'vitest'
import { mergeLatencies } from './window.ts'

test('latencies of all windows in one ascending array', () => {
  const windows = [[1, 10], [], [2, 3, 100]].map((latencies) => ({
    latenciesNs: Float64Array.from(latencies),
  }))
  expect([...mergeLatencies(windows)]).toEqual([1, 2, 3, 10, 100])
  expect(mergeLatencies([]).length).toBe(0)
})
