import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstFree, linearScale, logScale, niceTicks } from './chart-scale.ts'

test('ticks are round', () => {
  expect(niceTicks(0, 344, 7)).toEqual([0, 50, 100, 150, 200, 250, 300, 350])
  expect(niceTicks(0, 0.31, 3)).toEqual([0, 0.2, 0.4])
  expect(niceTicks(5, 5, 4).length).toBeGreaterThan(1)
})

test('a linear scale covers its values with few ticks and keeps their order', () => {
  const range = fc
    .tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true }))
    .map(([low, span]): [number, number] => [low, low + span])
  fc.assert(
    fc.property(range, ([low, high]) => {
      const scale = linearScale([low, high], [0, 100], 5)
      expect(scale.at(low)).toBeGreaterThanOrEqual(-1e-6)
      expect(scale.at(high)).toBeLessThanOrEqual(100 + 1e-6)
      expect(scale.at(low)).toBeLessThan(scale.at(high))
      expect(scale.ticks.length).toBeLessThanOrEqual(8)
    }),
  )
})

test('a logarithmic scale gives equal factors equal lengths', () => {
  const scale = logScale([3, 700], [0, 100])
  expect(scale.ticks).toEqual([2, 5, 10, 20, 50, 100, 200, 500, 1000])
  expect(scale.at(20) - scale.at(10)).toBeCloseTo(scale.at(200) - scale.at(100))
  expect(scale.at(2)).toBe(0)
  expect(scale.at(1000)).toBe(100)
})

test('a label goes where nothing else is, or nowhere', () => {
  const area = { x: 0, y: 0, width: 100, height: 100 }
  const box = (x: number) => ({ x, y: 0, width: 10, height: 10 })
  expect(firstFree([box(0), box(20)], [box(5)], area)).toEqual(box(20))
  expect(firstFree([box(95)], [], area)).toBeNull()
})
