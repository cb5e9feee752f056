import fc from 'fast-check'
import { expect, test } from 'vitest'
import { benjaminiHochberg } from './false-discovery.ts'

test('the example of Benjamini & Hochberg (1995): four of fifteen at 5 %', () => {
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
    0.759, 1,
  ]
  expect(benjaminiHochberg(p).filter((adjusted) => adjusted <= 0.05)).toHaveLength(4)
})

test('as their step-up rule says it: reject up to the largest k with p(k) ≤ k α / n', () => {
  const p = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(p, fc.double({ min: 0.001, max: 0.5, noNaN: true }), (pValues, alpha) => {
      const sorted = pValues.toSorted((a, b) => a - b)
      const k = sorted.findLastIndex((value, index) => (value * pValues.length) / (index + 1) <= alpha)
      const limit = k < 0 ? -1 : (sorted[k] as number)
      expect(benjaminiHochberg(pValues).map((adjusted) => adjusted <= alpha)).toEqual(
        pValues.map((value) => value <= limit),
      )
    }),
  )
  expect(benjaminiHochberg([])).toEqual([])
})
