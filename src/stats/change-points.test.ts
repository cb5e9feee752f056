import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { falseSteps, foundWithin, histories } from '../../test/calibration/histories.ts'
import { maximumPValue, minSeriesLength, segment } from './change-points.ts'
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

test('the p-value of the largest step is what independent values give, counted', () => {
  const random = createRandom(7)
  const [n, series] = [60, 6000]
  const largest = Array.from({ length: series }, () => {
    const sums = [0]
    for (let k = 0; k < n; k++) sums.push((sums[k] as number) + random.normal())
    let most = 0
    for (let k = 4; k <= n - 4; k++) {
      const gap = (sums[k] as number) / k - ((sums[n] as number) - (sums[k] as number)) / (n - k)
      most = Math.max(most, Math.abs(gap) / Math.sqrt(1 / k + 1 / (n - k)))
    }
    return most
  })
  for (const z of [2.8, 3.1, 3.4]) {
    const share = largest.filter((value) => value > z).length / series
    expect(maximumPValue(z, n) / share).toBeGreaterThan(0.8)
    expect(maximumPValue(z, n) / share).toBeLessThan(1.25)
  }
})

// What docs/history.md promises, with fewer series and bounds that chance does not break.
describe('the promises', () => {
  test('five percent at three percent of noise is found within eight commits', () => {
    expect(foundWithin(8, { before: 192, ratio: 1.05, sd: 0.03, series: 150, seed: 11 })).toBeGreaterThan(0.8)
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
