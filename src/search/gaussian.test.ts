import { expect, test } from 'vitest'
import { cholesky, expectedExcess, type Prior, regress } from './gaussian.ts'

const near = (a: number, b: number): number => Math.exp(-((a - b) ** 2) / 2)
const prior: Prior<number> = { mean: () => 3, kernels: [near], hypotheses: [[4]] }

test('the Cholesky factor multiplies back to the matrix', () => {
  const matrix = [
    [4, 2, 0.6],
    [2, 5, 1],
    [0.6, 1, 3],
  ]
  const factor = cholesky(matrix)
  for (const [i, row] of matrix.entries()) {
    for (const [j, value] of row.entries()) {
      let product = 0
      for (let k = 0; k <= Math.min(i, j); k++) product += (factor[i]?.[k] ?? 0) * (factor[j]?.[k] ?? 0)
      expect(product).toBeCloseTo(value, 12)
    }
  }
})

test('without samples the belief is the prior', () => {
  expect(regress([], prior)(0)).toEqual({ mean: 3, sd: 2 })
})

test('one sample: the closed form at the sample, near it and far from it', () => {
  const at = regress([{ x: 0, y: 5, noise: 1 }], prior)
  expect(at(0).mean).toBeCloseTo(3 + (4 / 5) * 2)
  expect(at(0).sd).toBeCloseTo(Math.sqrt(4 - 16 / 5))
  expect(at(1).mean).toBeCloseTo(3 + ((4 * near(0, 1)) / 5) * 2)
  expect(at(20)).toEqual({ mean: expect.closeTo(3), sd: expect.closeTo(2) })
})

test('the hypothesis that foretold the samples is believed', () => {
  const still = { ...prior, hypotheses: [[1e-4]] }
  const both = { ...prior, hypotheses: [[1e-4], [4]] }
  const samples = [0, 4, 8].map((x, i) => ({ x, y: 3 + 4 * (i % 2) - 2, noise: 0.01 }))
  expect(regress(samples, still)(4).mean).toBeCloseTo(4, 0)
  expect(regress(samples, both)(4).mean).toBeCloseTo(5, 1)
})

test('the expected excess of a normal over a floor', () => {
  expect(expectedExcess({ mean: 0, sd: 1 }, 0)).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 7)
  expect(expectedExcess({ mean: 5, sd: 0 }, 3)).toBe(2)
  expect(expectedExcess({ mean: 5, sd: 0 }, 8)).toBe(0)
  expect(expectedExcess({ mean: 0, sd: 1 }, 6)).toBeLessThan(1e-9)
})
