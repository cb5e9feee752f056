import fc from 'fast-check'
import { expect, test } from 'vitest'
import fixture from '../../test/support/scipy-fixture.json' with { type: 'json' }
import { pairedEstimate, pValueAbove } from './paired.ts'
import { createRandom } from './random.ts'
import { signFlipPValue } from './sign-flip.ts'

test('all of one sign is the rarest pattern of all', () => {
  expect(signFlipPValue([1, 2, 3, 4, 5, 6, 7])).toBe(1 / 128)
  expect(signFlipPValue([-1, -2, -3])).toBe(1)
})

test('by hand: 3 − 1 of {1, 3} is reached by two of four patterns', () => {
  expect(signFlipPValue([-1, 3])).toBe(0.5)
})

test('the p-value is that of scipy.stats.permutation_test over all patterns', () => {
  expect(fixture.signFlip.length).toBeGreaterThanOrEqual(60)
  for (const { differences, pValue } of fixture.signFlip)
    expect(signFlipPValue(differences)).toBeCloseTo(pValue, 12)
})

test('it counts the patterns that a naive twin counts', () => {
  const naive = (values: readonly number[]) => {
    const observed = values.reduce((sum, value) => sum + value, 0)
    let count = 0
    for (let pattern = 0; pattern < 2 ** values.length; pattern++) {
      const sum = values.reduce((total, value, index) => total + ((pattern >> index) & 1 ? value : -value), 0)
      if (sum >= observed) count++
    }
    return count / 2 ** values.length
  }
  // Integers: their sums are exact in every order, ties included.
  const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 12 })
  fc.assert(fc.property(values, (differences) => signFlipPValue(differences) === naive(differences)))
})

test('a p-value and that of the opposite add up to one, and those that are equal count on both sides', () => {
  const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(values, (differences) => {
      const both = signFlipPValue(differences) + signFlipPValue(differences.map((value) => -value))
      expect(both).toBeGreaterThanOrEqual(1)
      expect(signFlipPValue(differences)).toBeGreaterThanOrEqual(2 ** -differences.length)
    }),
  )
})

test('on normal differences it is near the t-test', () => {
  const random = createRandom(3)
  for (let trial = 0; trial < 20; trial++) {
    const differences = Array.from({ length: 12 }, () => random.normal() + 0.3)
    const t = pValueAbove(pairedEstimate(differences, 0), 0)
    expect(Math.abs(signFlipPValue(differences) - t)).toBeLessThan(0.05)
  }
})

test('too many or none are refused', () => {
  expect(() => signFlipPValue([])).toThrow(RangeError)
  expect(() => signFlipPValue(new Array<number>(17).fill(1))).toThrow(RangeError)
})
