import { describe, expect, test } from 'vitest'
import { makePoint } from '../../test/support/make-measurements.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import { createRandom } from '../stats/random.ts'
import { runSpread, type Series, seriesIn, seriesKey } from './series.ts'

/** Runs whose level is `level(index)`, with noise of its own for each. */
function runs(
  count: number,
  sd: (index: number) => number,
  change: (index: number) => { readonly level?: number; readonly accepted?: boolean } = () => ({}),
): Series {
  const random = createRandom(3)
  return Array.from({ length: count }, (_, index): HistoryPoint => {
    const { level = 0, accepted = false } = change(index)
    const value = 40e6 * Math.exp(level + sd(index) * random.normal())
    return makePoint({ commit: `c${index}`, value, ...(accepted ? { accepted: 'meant' } : {}) })
  }) as unknown as Series
}

test('a history is taken apart by model, load and metric, the order of the runs kept', () => {
  const history = ['a', 'b'].flatMap((model) => [1, 2].map((value) => makePoint({ model, value })))
  const of = (model: string) => seriesIn(history).get(seriesKey(makePoint({ model })))
  expect(seriesIn(history).size).toBe(2)
  expect(of('b')).toEqual([makePoint({ model: 'b', value: 1 }), makePoint({ model: 'b', value: 2 })])
  expect(of('c')).toBeUndefined()
})

describe('the spread from run to run', () => {
  test('is that of the ratio of two runs, and unknown below ten of them', () => {
    expect(runSpread(runs(9, () => 0.02))).toBeNull()
    const spread = runSpread(runs(200, () => 0.02))
    expect(spread?.runs).toBe(200)
    expect(spread?.sd).toBeGreaterThan(0.02)
    expect(spread?.sd).toBeLessThan(0.04)
  })

  test('one wild run does not move it, nor does a step that the history shows', () => {
    const plain = runSpread(runs(60, () => 0.02))?.sd ?? 0
    const wild = runs(60, () => 0.02).map((point, index) => (index === 30 ? { ...point, value: 9e9 } : point))
    expect((runSpread(wild as unknown as Series)?.sd ?? 0) / plain).toBeLessThan(1.3)
    const stepped = runSpread(
      runs(
        60,
        () => 0.02,
        (index) => ({ level: index < 30 ? 0 : 0.3 }),
      ),
    )
    expect((stepped?.sd ?? 0) / plain).toBeLessThan(1.3)
    // The new level began about there.
    expect(stepped?.runs).toBeGreaterThanOrEqual(28)
    expect(stepped?.runs).toBeLessThanOrEqual(32)
  })

  test('is learnt anew after an accepted step, once ten runs came after it', () => {
    const quieter = (accepted: number) =>
      runSpread(
        runs(
          40,
          (index) => (index < accepted ? 0.1 : 0.01),
          (index) => ({ accepted: index === accepted }),
        ),
      )
    expect(quieter(30)).toMatchObject({ runs: 10 })
    expect(quieter(30)?.sd).toBeLessThan(0.03)
    // Too few to know: what was before is still the better guess.
    expect(quieter(35)).toMatchObject({ runs: 40 })
    expect(quieter(35)?.sd).toBeGreaterThan(0.05)
  })

  test('an accepted step is no noise, even where too few runs came after it', () => {
    const withStep = (accepted: boolean) =>
      runSpread(
        runs(
          10,
          () => 0,
          (index) => ({ level: index < 9 ? 0 : 1, accepted: accepted && index === 9 }),
        ),
      )
    expect(withStep(true)?.sd).toBe(0)
  })

  test('nor are runs on the two sides of one, some commits apart', () => {
    const spread = runSpread(
      runs(
        10,
        () => 0,
        (index) => ({ level: Math.floor(index / 3), accepted: index > 0 && index % 3 === 0 }),
      ),
    )
    expect(spread?.sd).toBe(0)
  })
})
