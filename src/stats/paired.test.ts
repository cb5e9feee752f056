import fc from 'fast-check'
import { expect, test } from 'vitest'
import fixture from '../../test/support/scipy-fixture.json' with { type: 'json' }
import { confidenceInterval, detectableMean, pairedEstimate, pValueAbove, upperBound } from './paired.ts'
import { createRandom } from './random.ts'
import { studentTQuantile } from './special.ts'

test('p-value, interval and bound are those of scipy.stats.ttest_rel', () => {
  expect(fixture.paired.length).toBeGreaterThanOrEqual(100)
  for (const { differences, pValue, interval, upperBound: bound } of fixture.paired) {
    const estimate = pairedEstimate(differences, 0)
    expect(pValueAbove(estimate, 0)).toBeCloseTo(pValue, 9)
    const [low, high] = confidenceInterval(estimate, 0.95)
    expect(low).toBeCloseTo(interval[0] as number, 9)
    expect(high).toBeCloseTo(interval[1] as number, 9)
    expect(upperBound(estimate, 0.95)).toBeCloseTo(bound, 9)
  }
})

test('equal differences have the spread of the floor, not none', () => {
  const estimate = pairedEstimate([0.01, 0.01, 0.01, 0.01], 0.02)
  expect(estimate.standardError).toBeCloseTo(0.01, 12)
  expect(pValueAbove(estimate, 0)).toBeGreaterThan(0.1)
})

test('the floor never makes a change look more certain', () => {
  const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 })
  fc.assert(
    fc.property(differences, fc.double({ min: 0.001, max: 0.2, noNaN: true }), (values, floor) => {
      const plain = pairedEstimate(values, 0.001)
      const floored = pairedEstimate(values, floor)
      expect(Math.abs(pValueAbove(floored, 0) - 0.5)).toBeLessThanOrEqual(
        Math.abs(pValueAbove(plain, 0) - 0.5) + 1e-12,
      )
      expect(upperBound(floored, 0.95)).toBeGreaterThanOrEqual(upperBound(plain, 0.95) - 1e-12)
    }),
  )
})

test('one pair has no spread', () => {
  expect(() => pairedEstimate([0.1], 0.01)).toThrow(RangeError)
})

test('a change of the detectable size is found about as often as promised', () => {
  const random = createRandom(11)
  const known = { mean: 0, standardError: 0.05 / Math.sqrt(8), degreesOfFreedom: 7 }
  const change = detectableMean(known, 0.01, 0.9)
  let found = 0
  for (let trial = 0; trial < 1000; trial++) {
    const estimate = pairedEstimate(
      Array.from({ length: 8 }, () => change + 0.05 * random.normal()),
      0,
    )
    if (pValueAbove(estimate, 0) <= 0.01) found++
  }
  expect(found / 1000).toBeGreaterThan(0.87)
})

test('infinitely many degrees of freedom are a known spread', () => {
  const estimate = { mean: 1, standardError: 1, degreesOfFreedom: Number.POSITIVE_INFINITY }
  expect(pValueAbove(estimate, 0)).toBeCloseTo(0.15865525393145707, 12)
  expect(upperBound(estimate, 0.95)).toBeCloseTo(1 + studentTQuantile(0.95, Number.POSITIVE_INFINITY), 12)
})
