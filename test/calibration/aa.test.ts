import { describe, expect, test } from 'vitest'
import { type Noise, noises } from './noise.ts'
import { simulateBaseline, simulateReference } from './simulation.ts'
import { exceeds } from './tally.ts'

// A seeded simulation at the level of repetitions: what the decision rule promises, it keeps. The larger counts are in
// docs/statistics.md (npm run calibrate).

const reports = 100
const one = { models: 1, repetitions: 14, noise: 'normal' } as const
const kinds = Object.keys(noises) as Noise[]
const worse = (ratio: number) => ({ p99: Math.log(ratio), throughput: Math.log(ratio) })

describe('against a reference, with looks after 4, 8 and 14 repetitions', () => {
  test.each(kinds.flatMap((noise) => ([null, 'within'] as const).map((change) => ({ noise, change }))))(
    'a report of 30 comparisons without a change beyond the tolerance fails in one percent of the runs at most: $noise noise, change $change',
    ({ noise, change }) => {
      const scene = { models: 15, repetitions: 14, sd: 0.03, noise, change } as const
      const { falseFails, intervals, covering } = simulateReference(scene, reports, 1)
      expect(intervals).toBe(reports * 30)
      expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
      // Nominally 95 %; 3000 intervals know it to about a point. Symmetric noise of few values covers a little more.
      expect(covering / intervals).toBeGreaterThan(0.925)
      expect(covering / intervals).toBeLessThan(0.985)
    },
  )

  test('noise far beyond the tolerance makes no more false alarms', () => {
    const scene = { models: 15, repetitions: 14, sd: 0.2, noise: 'normal', change: null } as const
    const { falseFails } = simulateReference(scene, reports, 2)
    expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
  })

  test('a clear change is found at the first look', () => {
    const { found, changed, repetitions } = simulateReference(
      { ...one, sd: 0.02, change: worse(1.5) },
      reports,
      4,
    )
    expect(found).toBe(reports)
    expect(changed.pass).toBe(0)
    expect(repetitions / reports).toBeLessThan(5)
  })

  test('twice the tolerance is found nine times in ten at a spread of 5 %', () => {
    const { found, changed } = simulateReference({ ...one, sd: 0.05, change: worse(1.1) }, 2 * reports, 5)
    expect(found / (2 * reports)).toBeGreaterThan(0.9)
    expect(changed.pass).toBe(0)
  })

  test('a change of exactly the tolerance passes in 5 % of the runs at most, and fails no more often', () => {
    const change = { p99: Math.log(1.05) + 1e-6, throughput: 0 }
    const { changed } = simulateReference({ ...one, sd: 0.025, change }, 2 * reports, 6)
    expect(exceeds(changed.pass, 2 * reports, 0.05), `${changed.pass} pass`).toBe(false)
    expect(exceeds(changed.fail, 2 * reports, 0.05), `${changed.fail} fail`).toBe(false)
  })

  test('a bad host says so: at a spread of 12 % hardly any +20 % passes', () => {
    const { changed } = simulateReference({ ...one, sd: 0.12, change: worse(1.2) }, 2 * reports, 8)
    expect(exceeds(changed.pass, 4 * reports, 0.01), `${changed.pass} pass`).toBe(false)
  })

  test('on a quiet machine an unchanged model passes, and early', () => {
    const { allPass, repetitions } = simulateReference({ ...one, sd: 0.01, change: null }, reports, 7)
    expect(allPass / reports).toBeGreaterThan(0.9)
    expect(repetitions / reports).toBeLessThan(9)
  })
})

describe('against a stored baseline', () => {
  const scene = { noise: 'normal', models: 15, sd: 0.05, worse: 0 } as const

  test.each([
    [10, 'normal'],
    [10, 'log-normal'],
    [10, 'heavy-tailed'],
    [30, 'log-normal'],
    [30, 'heavy-tailed'],
  ] as const)(
    'with %i earlier runs 30 unchanged comparisons fail in one percent of the runs at most: %s noise',
    (points, noise) => {
      const { falseFails } = simulateBaseline({ ...scene, noise }, points, reports, 8)
      expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
    },
  )

  test('without history, too, at the spread that is assumed', () => {
    const { falseFails } = simulateBaseline({ ...scene, sd: 0.1 }, 1, reports, 9)
    expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
  })

  test('a quiet history finds a clear change', () => {
    const quiet = { ...scene, models: 1, sd: 0.01, worse: Math.log(1.4) }
    expect(simulateBaseline(quiet, 30, reports, 10).changed.fail / (2 * reports)).toBeGreaterThan(0.9)
  })
})
