import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dealt, partOf } from './share.ts'

test('the parts of a number are even and add up to it', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 64 }), (total, of) => {
      const parts = Array.from({ length: of }, (_, index) => partOf(total, { index, of }))
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total)
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1)
      expect(parts).toEqual(parts.toSorted((a, b) => b - a))
    }),
  )
})

test('a dealt sequence is each value once over the threads, in turn', () => {
  const deal = (index: number) => {
    let value = 0
    return dealt(() => value++, { index, of: 3 })
  }
  const hands = [0, 1, 2].map(deal)
  expect(hands.map((next) => [next(), next(), next()])).toEqual([
    [0, 3, 6],
    [1, 4, 7],
    [2, 5, 8],
  ])
})
