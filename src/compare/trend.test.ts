import { describe, expect, test } from 'vitest'
import { makePoint } from '../../test/support/make-measurements.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import { createRandom } from '../stats/random.ts'
import { examineSeries, trendOf } from './trend.ts'

interface Shape {
  readonly model?: string
  readonly metric?: string
  readonly n?: number
  readonly sd?: number
  /** Log of the level at a run. */
  readonly level?: (index: number) => number
  readonly accepted?: number
  readonly seed?: number
}

function history({
  model = 'm',
  metric = 'latencyP99Ns',
  n = 80,
  sd = 0.02,
  level = () => 0,
  accepted,
  seed = 5,
}: Shape): HistoryPoint[] {
  const random = createRandom(seed)
  return Array.from({ length: n }, (_, index) =>
    makePoint({
      model,
      metric,
      commit: `c${index}`,
      createdAt: `2026-01-01T00:00:${String(index % 60).padStart(2, '0')}Z`,
      value: 1e7 * Math.exp(level(index) + sd * random.normal()),
      ...(index === accepted ? { accepted: 'meant' } : {}),
    }),
  )
}
/** Three steps of 4 %: each below the tolerance of 5 %. */
const staircase = (index: number) => 0.04 * Math.floor(index / 20)
const number = (commit: string | null | undefined) => Number(commit?.slice(1))

describe('creep', () => {
  test('steps that no comparison fails add up, with the commits between which each lies', () => {
    const trend = trendOf(history({ level: staircase }), null)
    expect(trend).toMatchObject({
      since: null,
      series: 1,
      tooShort: 0,
      notListed: 0,
      until: { commit: 'c79' },
    })
    const [crept] = trend?.crept ?? []
    expect(crept?.changeRatio).toBeGreaterThan(1.1)
    expect(crept?.changeRatio).toBeLessThan(1.15)
    expect(crept?.shifts.length).toBe(3)
    for (const [order, { lastBefore, firstAfter }] of (crept?.shifts ?? []).entries()) {
      expect(number(lastBefore.commit)).toBeLessThan(20 * (order + 1))
      expect(number(firstAfter.commit)).toBeGreaterThanOrEqual(20 * (order + 1))
      expect(number(firstAfter.commit) - number(lastBefore.commit)).toBeLessThan(15)
    }
    expect(crept?.points).toHaveLength(80)
  })

  test('throughput creeps downwards', () => {
    const up = history({ metric: 'inferPerSec', level: staircase })
    const down = history({ metric: 'inferPerSec', level: (index) => -staircase(index) })
    expect(trendOf(up, null)?.crept).toEqual([])
    expect(trendOf(down, null)?.crept[0]?.changeRatio).toBeLessThan(0.92)
  })

  test('what came back is none, and what is too small to matter neither', () => {
    const bump = (index: number) => (index >= 30 && index < 60 ? 0.1 : 0)
    expect(trendOf(history({ level: bump }), null)?.crept).toEqual([])
    const small = history({ sd: 0.0005, level: (index) => (index < 40 ? 0 : 0.005) })
    expect(examineSeries(small, null)[0]?.trend.shifts).toHaveLength(1)
    expect(trendOf(small, null)?.crept).toEqual([])
  })

  test('an accepted step begins the series anew', () => {
    const level = (index: number) => (index < 40 ? 0 : 0.2)
    expect(trendOf(history({ level }), null)?.crept).toHaveLength(1)
    const trend = trendOf(history({ level, accepted: 40 }), null)
    expect(trend?.crept).toEqual([])
    expect(examineSeries(history({ level, accepted: 40 }), null)[0]?.series).toHaveLength(40)
  })
})

describe('since a release', () => {
  test('only the steps after it count, against the level at it', () => {
    const trend = trendOf(history({ level: staircase }), 'c50')
    expect(trend?.since).toBe('c50')
    expect(trend?.crept[0]?.shifts).toHaveLength(1)
    expect(trend?.crept[0]?.changeRatio).toBeGreaterThan(1.02)
    expect(trend?.crept[0]?.changeRatio).toBeLessThan(1.06)
    expect(trendOf(history({ level: staircase }), 'c75')?.crept).toEqual([])
  })

  test('what crept before a step that was accepted since then is not hidden by it, nor is that step creep', () => {
    const level = (index: number) => (index < 25 ? 0 : index < 50 ? 0.045 : 0.145)
    const shape = { level, accepted: 50, sd: 0.01 }
    const [crept] = trendOf(history(shape), 'c10')?.crept ?? []
    expect(crept?.shifts).toHaveLength(1)
    expect(number(crept?.shifts[0]?.firstAfter.commit)).toBeLessThan(30)
    expect(crept?.changeRatio).toBeGreaterThan(1.03)
    expect(crept?.changeRatio).toBeLessThan(1.06)
    expect(crept?.points).toHaveLength(80)
    expect(crept?.levels.map(({ start, end }) => [start, end])).toEqual([
      [0, 25],
      [25, 50],
      [50, 80],
    ])
    // Of a release between the two, and of one after both, nothing crept; without a release the series begins at the accepted step.
    for (const since of ['c30', 'c60', null]) expect(trendOf(history(shape), since)?.crept).toEqual([])
  })

  test('a release that the history does not know leaves the whole of it, and that is said', () => {
    const trend = trendOf(history({ level: staircase }), 'unknown')
    expect(trend?.since).toBeNull()
    expect(trend?.crept[0]?.shifts).toHaveLength(3)
  })
})

describe('many series', () => {
  test('among two hundred of nothing but noise hardly one is called crept', () => {
    const all = Array.from({ length: 200 }, (_, index) =>
      history({ model: `m${index}`, seed: index, sd: 0.05 }),
    ).flat()
    expect(trendOf(all, null)).toMatchObject({ series: 200 })
    expect(trendOf(all, null)?.crept.length).toBeLessThanOrEqual(1)
  })

  test('the worst is listed first, at most fifty; the rest are counted', () => {
    const all = Array.from({ length: 60 }, (_, index) =>
      history({ model: `m${index}`, n: 40, sd: 0.003, level: (run) => (run < 20 ? 0 : 0.02 * (1 + index)) }),
    ).flat()
    const trend = trendOf(all, null)
    expect(trend?.crept).toHaveLength(50)
    expect(trend?.notListed).toBe(10)
    expect(trend?.crept[0]?.model).toBe('m59')
  })
})

test('there is no trend where no series has enough runs, or none that this version knows', () => {
  expect(trendOf([], null)).toBeNull()
  expect(trendOf(history({ n: 11 }), null)).toBeNull()
  expect(trendOf(history({ metric: 'latencyP12Ns' }), null)).toBeNull()
  const mixed = [...history({ n: 11, model: 'new' }), ...history({})]
  expect(trendOf(mixed, null)).toMatchObject({ series: 1, tooShort: 1 })
})

test('five hundred models with four metrics over a hundred commits take seconds', { timeout: 30_000 }, () => {
  const metrics = ['latencyP99Ns', 'inferPerSec', 'gpuMemoryBytes', 'latencyP50Ns']
  const all = Array.from({ length: 500 }, (_, model) =>
    metrics.flatMap((metric, order) =>
      history({ model: `m${model}`, metric, n: 100, seed: model * 4 + order }),
    ),
  ).flat()
  expect(trendOf(all, null)).toMatchObject({ series: 2000 })
})
