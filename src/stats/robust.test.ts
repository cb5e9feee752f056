import fc from 'fast-check'
import { expect, test } from 'vitest'
import fixture from '../../test/support/scipy-fixture.json' with { type: 'json' }
import { createRandom } from './random.ts'
import { geometricMean, mean, median, robustSdAboutZero } from './robust.ts'

test('the median has half of the values on each side', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([5])).toBe(5)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1 }), (values) => {
      const middle = median(values)
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2)
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2)
    }),
  )
})

test('median, means and robust spread are those of NumPy and SciPy', () => {
  expect(fixture.robust.length).toBeGreaterThanOrEqual(40)
  for (const expected of fixture.robust) {
    const { values, shifted } = expected
    expect(median(values)).toBeCloseTo(expected.median, 12)
    expect(mean(values)).toBeCloseTo(expected.mean, 9)
    expect(geometricMean(values.map((value) => Math.max(value, 0.001)))).toBeCloseTo(
      expected.geometricMean,
      9,
    )
    expect(robustSdAboutZero(shifted)).toBeCloseTo(expected.sdAboutZero, 9)
  }
})

test('means', () => {
  expect(mean([1, 2, 6])).toBe(3)
  expect(geometricMean([1, 10, 100])).toBeCloseTo(10, 12)
})

test('no values, or values without a logarithm, are refused', () => {
  expect(() => median([])).toThrow(RangeError)
  expect(() => mean([])).toThrow(RangeError)
  expect(() => geometricMean([1, 0])).toThrow(RangeError)
  expect(() => geometricMean([1, Number.NaN])).toThrow(RangeError)
})

test('the robust spread is that of normal values, and a few wild ones hardly move it', () => {
  const random = createRandom(3)
  const values = Array.from({ length: 4000 }, () => 0.05 * random.normal())
  expect(robustSdAboutZero(values)).toBeCloseTo(0.05, 2)
  const wild = values.map((value, index) => (index % 20 === 0 ? 5 : value))
  expect(robustSdAboutZero(wild) / robustSdAboutZero(values)).toBeLessThan(1.15)
})
