import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { falseSteps, foundWithin, histories } from '../../test/calibration/histories.ts'
import { minSeriesLength, segment } from './change-points.ts'
import { createRandom } from './random.ts'

const stepAt = (place: number, n: number, size: number, sd: number, seed: number) => {
  const random = createRandom(seed)
  return Array.from({ length: n }, (_, index) => (index < place ? 0 : size) + sd * random.normal())
}

describe('a step', () => {
  test('is found where it is, with its levels and the places where it may be', () => {
    const { levels, changePoints } = segment(stepAt(60, 100, 0.1, 0.03, 1))
    expect(changePoints).toHaveLength(1)
    const [step] = changePoints
    expect(Math.abs((step?.index ?? 0) - 60)).toBeLessThanOrEqual(2)
    expect(step?.lastBefore).toBeLessThan(60)
    expect(step?.firstAfter).toBeGreaterThanOrEqual(60)
    expect(step?.pValue).toBeLessThan(1e-6)
    expect(levels.map(({ start, end }) => [start, end])).toEqual([
      [0, step?.index],
      [step?.index, 100],
    ])
    expect(levels[0]?.level).toBeCloseTo(0, 1)
    expect(levels[1]?.level).toBeCloseTo(0.1, 1)
  })

  test('down, or up and down again, as well', () => {
    expect(segment(stepAt(60, 100, -0.1, 0.03, 2)).changePoints).toHaveLength(1)
    const bump = stepAt(60, 100, 0.1, 0.03, 9).map((value, index) => value - (index < 80 ? 0 : 0.1))
    expect(segment(bump).changePoints).toHaveLength(2)
  })

  test('in a series without noise, too', () => {
    const { levels, changePoints } = segment(Array.from({ length: 40 }, (_, index) => (index < 30 ? 5 : 6)))
    expect(changePoints.map(({ index }) => index)).toEqual([30])
    expect(changePoints[0]).toMatchObject({ lastBefore: 29, firstAfter: 30 })
    expect(levels.map(({ level }) => level)).toEqual([5, 6])
  })

  test('a slow ramp is a staircase, though each of its commits drowns in the noise', () => {
    const random = createRandom(4)
    const ramp = Array.from(
      { length: 100 },
      (_, index) => 0.005 * Math.min(20, Math.max(0, index - 40)) + 0.03 * random.normal(),
    )
    const { levels } = segment(ramp)
    expect(levels.length).toBeGreaterThan(1)
    expect((levels.at(-1)?.level ?? 0) - (levels[0]?.level ?? 0)).toBeGreaterThan(0.07)
  })
})

describe('no step', () => {
  test('where all is the same, where a few values are wild, or where there are too few', () => {
    expect(segment(new Array(50).fill(3))).toEqual({
      levels: [{ start: 0, end: 50, level: 3 }],
      changePoints: [],
    })
    const wild = stepAt(0, 60, 0, 0.01, 5).map((value, index) => (index % 20 === 7 ? 9 : value))
    expect(segment(wild).changePoints).toEqual([])
    expect(segment(stepAt(6, minSeriesLength - 1, 9, 0.01, 6)).changePoints).toEqual([])
    expect(() => segment([])).toThrow(RangeError)
  })
})

test('only the order of the values counts: steps are the same on any rising scale', () => {
  const series = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 12, maxLength: 60 })
  fc.assert(
    fc.property(series, (values) => {
      const places = (of: readonly number[]) => segment(of).changePoints.map(({ index }) => index)
      expect(places(values.map((value) => value ** 3 + 7))).toEqual(places(values))
    }),
    { numRuns: 50 },
  )
})

test('levels follow each other without a gap and last at least four values', () => {
  const series = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(series, (values) => {
      const { levels, changePoints } = segment(values)
      expect(levels[0]?.start).toBe(0)
      expect(levels.at(-1)?.end).toBe(values.length)
      expect(levels.slice(1).map(({ start }) => start)).toEqual(levels.slice(0, -1).map(({ end }) => end))
      expect(changePoints.map(({ index }) => index)).toEqual(levels.slice(1).map(({ start }) => start))
      if (levels.length > 1)
        for (const { start, end } of levels) expect(end - start).toBeGreaterThanOrEqual(4)
    }),
    { numRuns: 50 },
  )
})

// What docs/history.md promises, with fewer series and bounds that chance does not break.
describe('the promises', () => {
  test('five percent at three percent of noise is found within eight commits', () => {
    expect(foundWithin(8, { before: 192, ratio: 1.05, sd: 0.03, series: 150, seed: 11 })).toBeGreaterThan(0.8)
  })

  test.each([20, 50, 100])('and after %i runs as well', (before) => {
    const series = before === 20 ? 300 : 100
    expect(foundWithin(8, { before, ratio: 1.05, sd: 0.03, series, seed: 11 })).toBeGreaterThan(0.8)
  })

  test.each(Object.keys(histories) as (keyof typeof histories)[])(
    'series of 20 commits without a step rarely show one: %s',
    (noise) => {
      const { points, flagged } = falseSteps(noise, { length: 20, series: 500, seed: 13 })
      if (noise === 'AR(1)') expect(flagged).toBeLessThan(0.24)
      else expect(points).toBeLessThan(0.1)
    },
  )

  test('the p-value of the clearest of all steps is no smaller than chance makes it', () => {
    const random = createRandom(14)
    const smallest = Array.from({ length: 1500 }, () => {
      const { changePoints } = segment(Array.from({ length: 100 }, () => random.normal()))
      return Math.min(1, ...changePoints.map(({ pValue }) => pValue))
    })
    // 1.5 and 15 of 1500; with the gain of a bump counted for each of its two steps it would be 13 and 30.
    expect(smallest.filter((pValue) => pValue < 0.001).length).toBeLessThanOrEqual(6)
    expect(smallest.filter((pValue) => pValue < 0.01).length).toBeLessThanOrEqual(25)
  })

  test('a large step does not take the waves of noise that remembers with it', () => {
    const random = createRandom(15)
    const found = Array.from({ length: 150 }, () => {
      const next = histories['AR(1)'](random)
      return segment(Array.from({ length: 100 }, (_, index) => next() + (index < 60 ? 0 : 6))).changePoints
    })
    const isIt = ({ index }: { readonly index: number }) => Math.abs(index - 60) <= 4
    expect(found.filter((steps) => steps.some(isIt)).length / found.length).toBeGreaterThan(0.8)
    expect(found.flatMap((steps) => steps.filter((step) => !isIt(step))).length / found.length).toBeLessThan(
      0.6,
    )
  })

  test('the interval of the place holds 95 of 100 steps that were found, in short histories too', () => {
    const held = [
      [20, 5],
      [20, 8],
      [50, 8],
    ].flatMap(([before = 0, after = 0]) =>
      Array.from({ length: 600 }, (_, seed) =>
        segment(stepAt(before, before + after, 0.05, 0.03, 1000 + seed)),
      ).flatMap(({ changePoints: [step, another] }) =>
        step === undefined || another !== undefined
          ? []
          : [step.lastBefore < before && step.firstAfter >= before],
      ),
    )
    expect(held.length).toBeGreaterThan(1000)
    expect(held.filter(Boolean).length / held.length).toBeGreaterThan(0.935)
  })

  test.each(Object.keys(histories) as (keyof typeof histories)[])(
    'series of 200 commits without a step rarely show one: %s',
    (noise) => {
      const { points, flagged } = falseSteps(noise, { length: 200, series: 100, seed: 12 })
      if (noise === 'AR(1)') expect(flagged).toBeLessThan(0.25)
      else expect(points).toBeLessThan(0.2)
    },
  )
})
