import fc from 'fast-check'
import { expect, test } from 'vitest'
import { perfAnalyzerFigures, perfAnalyzerPercentile } from './perf-analyzer-rules.ts'
import type { RequestLog } from './request-log.ts'

/** [due, sent, end, failed] of each request. */
function logOf(rows: readonly (readonly [number, number, number, boolean?])[]): RequestLog {
  const column = (of: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, of)
  return {
    dueNs: column(([due]) => due),
    sentNs: column(([, sent]) => sent),
    endNs: column(([, , end]) => end),
    failure: column(([, , , failed]) => (failed ? 0 : -1)),
    failures: ['INTERNAL'],
  }
}

const oneTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

test('the index of a percentile is trunc(p/100·(n−1)+0.5), by hand', () => {
  // 0.5·9 + 0.5 = 5 → index 5; nearest rank is the fifth value.
  expect(perfAnalyzerPercentile(oneTo(10), 50)).toBe(6)
  // 0.99·99 + 0.5 = 98.51 → 98; 0.99·149 + 0.5 = 148.01 → 148, of the 150 that perf_analyzer takes as enough.
  expect(perfAnalyzerPercentile(oneTo(100), 99)).toBe(99)
  expect(perfAnalyzerPercentile(oneTo(150), 99)).toBe(149)
  expect(perfAnalyzerPercentile(oneTo(4), 90)).toBe(4)
  expect(perfAnalyzerPercentile(oneTo(2), 50)).toBe(2)
  expect(perfAnalyzerPercentile([7], 99)).toBe(7)
  expect(perfAnalyzerPercentile([], 99)).toBeNull()
})

test('a request counts where it ends, both edges included, with its whole time from the send', () => {
  const log = logOf([
    [-30, -20, -1], // ended before the window
    [-30, -20, 0], // on its first edge: 20
    [5, 15, 100], // sent late, ended on the last edge: 85
    [50, 50, 101], // ended behind it
    [10, 10, 20, true], // failed
    [20, 20, 60], // 40
  ])
  expect(perfAnalyzerFigures([{ durationNs: 100, log }], 4)).toEqual({
    requests: 3,
    inferPerSec: (3 * 4 * 1e9) / 100,
    latencyP50Ns: 40,
    latencyP90Ns: 85,
    latencyP95Ns: 85,
    latencyP99Ns: 85,
  })
})

test('several windows are one population over their time together', () => {
  const windows = [
    { durationNs: 100, log: logOf([[0, 0, 10]]) },
    {
      durationNs: 300,
      log: logOf([
        [0, 0, 30],
        [0, 0, 20],
      ]),
    },
  ]
  expect(perfAnalyzerFigures(windows, 1)).toMatchObject({
    requests: 3,
    inferPerSec: (3 * 1e9) / 400,
    latencyP50Ns: 20,
    latencyP99Ns: 30,
  })
  expect(perfAnalyzerFigures([{ durationNs: 1, log: logOf([]) }], 1)).toMatchObject({
    requests: 0,
    latencyP50Ns: null,
  })
})

test('a request is in exactly one of two windows that share an edge, unless it ends on that edge', () => {
  const times = fc.array(fc.integer({ min: -50, max: 250 }), { maxLength: 40 })
  fc.assert(
    fc.property(times, (ends) => {
      const log = (shift: number) => logOf(ends.map((end) => [end - 5 - shift, end - 5 - shift, end - shift]))
      const count = (shift: number) => perfAnalyzerFigures([{ durationNs: 100, log: log(shift) }], 1).requests
      const inside = ends.filter((end) => end >= 0 && end <= 200).length
      return count(0) + count(100) === inside + ends.filter((end) => end === 100).length
    }),
  )
})
