import { describe, expect, test } from 'vitest'
import { isBetterThanMemory, rhoBeside } from './noise-memory.ts'
import { createRandom } from './random.ts'
import { mean, sumOf } from './robust.ts'

/** AR(1) noise with a standard deviation of one, and a step. */
const series = (n: number, rho: number, seed: number, step = { at: n, size: 0 }) => {
  const random = createRandom(seed)
  let state = random.normal()
  return Array.from({ length: n }, (_, index) => {
    state = rho * state + Math.sqrt(1 - rho ** 2) * random.normal()
    return state + (index < step.at ? 0 : step.size)
  })
}
const squaresBeside = (values: readonly number[], starts: readonly number[]) =>
  sumOf(starts, (start, index) => {
    const part = values.slice(start, starts[index + 1] ?? values.length)
    return sumOf(part, (value) => (value - mean(part)) ** 2)
  })
const believed = (values: readonly number[], starts: readonly number[]) =>
  isBetterThanMemory(values, starts.length, squaresBeside(values, starts))
const share = (of: (seed: number) => boolean) =>
  Array.from({ length: 200 }, (_, seed) => of(seed)).filter(Boolean).length / 200

describe('levels, or noise that remembers', () => {
  test('a step in independent noise is believed, the more easily the more values there are', () => {
    expect(share((seed) => believed(series(28, 0, seed, { at: 20, size: 2 }), [0, 20]))).toBeGreaterThan(0.85)
    expect(share((seed) => believed(series(100, 0, seed, { at: 92, size: 2 }), [0, 92]))).toBeGreaterThan(
      0.97,
    )
  })

  test('levels that noise with a memory was cut into are not', () => {
    const cut = [0, 20, 40, 60, 80]
    expect(share((seed) => believed(series(100, 0.7, seed), cut))).toBe(0)
    expect(share((seed) => believed(series(28, 0.7, seed), [0, 8, 20]))).toBeLessThan(0.05)
  })

  test('one level needs no evidence', () => {
    expect(believed(series(20, 0.9, 1), [0])).toBe(true)
  })
})

test('the correlation of neighbours is right about estimated levels, however many, where noise is independent', () => {
  const average = (rho: number, n: number, starts: number[]) =>
    mean(Array.from({ length: 300 }, (_, seed) => rhoBeside(series(n, rho, seed), starts)))
  expect(Math.abs(average(0, 60, [0]))).toBeLessThan(0.03)
  expect(Math.abs(average(0, 60, [0, 10, 20, 30, 40, 50]))).toBeLessThan(0.03)
  expect(average(0.7, 400, [0])).toBeCloseTo(0.7, 1)
  expect(rhoBeside([1, 1, 1, 2, 2, 2], [0, 3])).toBe(0)
})
