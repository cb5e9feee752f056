import { expect, test } from 'vitest'
import { quantile } from '../stats/quantile.ts'
import { perfAnalyzerFigures, perfAnalyzerPercentile } from './perf-analyzer-rules.ts'
import { mergeLogs, RequestLogger } from './request-log.ts'
import { setUpOnCores } from './testing-generator.ts'
import { succeed } from './testing-server.ts'

const ms = 1e6
test('on one recorded trace: our rule takes what was sent inside the window, perf_analyzer what ended there', async () => {
  const { generator, id } = await setUpOnCores(
    (stream, index) => setTimeout(() => succeed(stream), index % 20 === 0 ? 60 : 5),
    2,
  )
  const load = { mode: 'concurrency', concurrency: 4 } as const
  const options = { leadInNs: 80 * ms, durationNs: 300 * ms }
  expect(await generator.run(id, load, options)).not.toHaveProperty('log')
  // Over two threads, whose logs have clocks of their own.
  await generator.widen([id], load)
  const window = await generator.run(id, load, { ...options, requestLog: true })
  const { log, durationNs } = window
  if (log === undefined) throw new Error('no log was kept')
  expect(log.endNs).toHaveLength(window.issued)
  expect(log.failure.every((each) => each === -1)).toBe(true)

  const rows = Array.from(log.endNs, (endNs, row) => ({
    endNs,
    dueNs: log.dueNs[row] ?? 0,
    sentNs: log.sentNs[row] ?? 0,
  }))
  expect(rows.every(({ dueNs, sentNs, endNs }) => dueNs <= sentNs && sentNs <= endNs)).toBe(true)
  const own = rows.filter(({ dueNs }) => dueNs >= 0 && dueNs < durationNs)
  const ownNs = own.map(({ dueNs, endNs }) => endNs - dueNs).toSorted((a, b) => a - b)
  // Times in the log are rounded each, and those of the second thread moved by whole ns.
  expect(Math.abs(ownNs.length - window.latenciesNs.length)).toBeLessThanOrEqual(1)
  expect(quantile(ownNs, 0.99)).toBeCloseTo(quantile(window.latenciesNs, 0.99) ?? 0, -2)

  const theirs = rows.filter(({ endNs }) => endNs >= 0 && endNs <= durationNs)
  const theirNs = theirs.map(({ sentNs, endNs }) => endNs - sentNs).toSorted((a, b) => a - b)
  const figures = perfAnalyzerFigures([window], 1)
  expect(Math.abs(figures.requests - window.completed)).toBeLessThanOrEqual(1)
  expect(figures.latencyP99Ns).toBe(perfAnalyzerPercentile(theirNs, 99))
  expect(figures.inferPerSec).toBeCloseTo((theirs.length * 1e9) / durationNs)
  // What was on its way over the first edge is theirs alone, over the last one ours.
  expect(theirs.filter(({ dueNs }) => dueNs < 0).length).toBeGreaterThan(0)
  expect(own.filter(({ endNs }) => endNs > durationNs).length).toBeGreaterThan(0)
})

test('logs of several threads: one clock, one list of failures', () => {
  const first = new RequestLogger()
  first.add(100, 110, 150, 'reset')
  const second = new RequestLogger()
  second.add(7, 8, 9, null)
  second.add(7, Number.NaN, 12, 'connection')
  const reports = [
    { startHrtimeNs: 1000n, log: first.report(100) },
    { startHrtimeNs: 1040n, log: second.report(7) },
  ]
  expect(mergeLogs(reports, 1000n)).toEqual({
    dueNs: Float64Array.of(0, 40, 40),
    sentNs: Float64Array.of(10, 41, Number.NaN),
    endNs: Float64Array.of(50, 42, 45),
    failure: Float64Array.of(0, -1, 1),
    failures: ['reset', 'connection'],
  })
  expect(mergeLogs([{ startHrtimeNs: 1n }], 1n)).toBeUndefined()
})
