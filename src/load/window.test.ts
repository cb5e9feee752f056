import { expect, test } from 'vitest'
import type { ThreadReport } from './protocol.ts'
import { mergeLatencies, mergeReports } from './window.ts'

test('latencies of all windows in one ascending array', () => {
  const windows = [[1, 10], [], [2, 3, 100]].map((latencies) => ({
    latenciesNs: Float64Array.from(latencies),
  }))
  expect([...mergeLatencies(windows)]).toEqual([1, 2, 3, 10, 100])
  expect(mergeLatencies([]).length).toBe(0)
})

const report = (change: Partial<ThreadReport>): ThreadReport => ({
  startHrtimeNs: 1000n,
  lateStartNs: 0,
  durationNs: 500,
  latenciesNs: new Float64Array(),
  completed: 1,
  issued: 2,
  requests: 1,
  late: 0,
  inTime: 1,
  failures: {},
  firstFailure: null,
  cpuNs: 0,
  health: {
    eventLoopUtilization: 0,
    eventLoopDelayP99Ns: 0,
    eventLoopGapNs: 0,
    gcPauseNs: 0,
    gcPauseMaxNs: 0,
  },
  ...change,
})

test('threads as one: from the first start to the last end, sums, and the first failure in words', () => {
  const merged = mergeReports([
    report({ latenciesNs: Float64Array.of(5), lateStartNs: 7, failures: { reset: 1 } }),
    report({
      startHrtimeNs: 900n,
      durationNs: 400,
      latenciesNs: Float64Array.of(1),
      failures: { reset: 2 },
      firstFailure: 'reset: x',
    }),
    // Had nothing to send: its window says nothing.
    report({ startHrtimeNs: 1n, durationNs: 0, completed: 0, issued: 0, requests: 0 }),
  ])
  expect(merged).toEqual({
    startHrtimeNs: 900n,
    lateStartNs: 7,
    durationNs: 600,
    latenciesNs: Float64Array.of(1, 5),
    completed: 2,
    issued: 4,
    failures: { reset: 3 },
    firstFailure: 'reset: x',
  })
})
