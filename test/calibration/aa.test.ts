import { describe, expect, test } from 'vitest'
import { exceeds, type Noise, noises, simulateBaseline, simulateReference } from './simulation.ts'

// A seeded simulation at the level of repetitions: what the decision rule promises, it keeps. The larger counts are in
// docs/statistics.md (npm run calibrate).

const reports = 150
/** 15 models with two comparisons each. */
const aa = { models: 15, repetitions: 6, sd: 0.03, worse: 0 } as const
const kinds = Object.keys(noises) as Noise[]

describe('against a reference', () => {
  test.each(kinds)(
    'without any change a report of 30 comparisons fails in one percent of the runs at most: %s noise',
    (noise) => {
      const { falseFails, intervals } = simulateReference({ ...aa, noise }, reports, 1)
      expect(intervals).toBe(reports * 30)
      expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
    },
  )

  test('noise far beyond the tolerance makes no more false alarms', () => {
    const { falseFails } = simulateReference({ ...aa, noise: 'normal', sd: 0.2 }, reports, 2)
    expect(exceeds(falseFails, reports, 0.01), `${falseFails} of ${reports}`).toBe(false)
  })

  test('the 95 % intervals hold the truth in 95 % of the cases', () => {
    const { intervals, covering } = simulateReference({ ...aa, noise: 'normal' }, reports, 3)
    // 4500 intervals: a standard deviation of 0.32 points, three each way.
    expect(covering / intervals).toBeGreaterThan(0.94)
    expect(covering / intervals).toBeLessThan(0.96)
  })

  test('a clear change is found in a small report at four repetitions', () => {
    const scene = { noise: 'normal', models: 1, repetitions: 4, sd: 0.025, worse: Math.log(1.4) } as const
    const { changed } = simulateReference(scene, reports, 4)
    expect(changed.fail / (2 * reports)).toBeGreaterThan(0.95)
    expect(changed.pass).toBe(0)
  })

  test('twice the tolerance is found with eight repetitions on a quiet machine', () => {
    const scene = { noise: 'normal', models: 1, repetitions: 8, sd: 0.025, worse: Math.log(1.1) } as const
    const { changed } = simulateReference(scene, reports, 5)
    expect(changed.fail / (2 * reports)).toBeGreaterThan(0.9)
    expect(changed.pass).toBe(0)
  })

  test('a change of exactly the tolerance passes in 5 % of the runs at most', () => {
    // p99 only: the tolerance of throughput is smaller, and the same change is beyond it.
    const scene = { noise: 'normal', models: 1, repetitions: 8, sd: 0.025, worse: Math.log(1.05) } as const
    const { changed } = simulateReference(scene, reports, 6)
    expect(exceeds(changed.pass, reports, 0.05), `${changed.pass} of ${reports}`).toBe(false)
  })

  test('on a quiet machine an unchanged model passes', () => {
    const scene = { noise: 'normal', models: 1, repetitions: 8, sd: 0.01, worse: 0 } as const
    expect(simulateReference(scene, reports, 7).allPass / reports).toBeGreaterThan(0.9)
  })
})

describe('against a stored baseline', () => {
  const scene = { noise: 'normal', models: 15, repetitions: 4, sd: 0.05, worse: 0 } as const

  // Skewed noise needs more than the least history: docs/statistics.md has the numbers.
  test.each([
    [10, 'normal'],
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
