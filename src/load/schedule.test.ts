import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dueTimes } from './schedule.ts'

const take = (next: () => number, count: number) => Array.from({ length: count }, next)

test('a constant rate is due every period from the start, without drift', () => {
  const times = take(dueTimes({ mode: 'requestRate', requestRate: 3 }, 1000, 0), 300_001)
  expect(times.slice(0, 2)).toEqual([1000, 1000 + 1e9 / 3])
  expect(times.at(-1)).toBe(1000 + 100_000 * 1e9)
})

test('a Poisson schedule ascends, is the same for the same seed, and has the gaps of its rate', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0.5, max: 20_000, noNaN: true }), (seed, requestRate) => {
      const load = { mode: 'requestRate', requestRate, distribution: 'poisson' } as const
      const times = take(dueTimes(load, 5e9, seed), 2000)
      expect(take(dueTimes(load, 5e9, seed), 2000)).toEqual(times)
      const gaps = times.map((time, index) => (time - (times[index - 1] ?? 5e9)) * (requestRate / 1e9))
      expect(gaps.every((gap) => gap >= 0)).toBe(true)
      // Mean 1, standard deviation 1: over 2000 gaps the mean's error is 0.022; six of those.
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
      expect(Math.abs(mean - 1)).toBeLessThan(0.14)
      // Exponential, not merely irregular: 1/e of the gaps are longer than the mean.
      expect(Math.abs(gaps.filter((gap) => gap > 1).length / gaps.length - Math.exp(-1))).toBeLessThan(0.07)
    }),
    { numRuns: 30 },
  )
})

test('another seed gives another schedule', () => {
  const load = { mode: 'requestRate', requestRate: 100, distribution: 'poisson' } as const
  expect(take(dueTimes(load, 0, 1), 5)).not.toEqual(take(dueTimes(load, 0, 2), 5))
})
