import { expect, test } from 'vitest'
import { cholesky, expectedExcess, type Hypothesis, regress } from './gaussian.ts'

const near = (a: number, b: number): number => Math.exp(-((a - b) ** 2) / 2)
const three = (): number => 3
const loose: Hypothesis<number> = { mean: three, variances: [4] }
const still: Hypothesis<number> = { mean: three, variances: [1e-4] }

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
  expect(regress([], [near], [loose])(0)).toEqual({ mean: 3, sd: 2 })
})

test('one sample: the closed form at the sample, near it and far from it', () => {
  const at = regress([{ x: 0, y: 5, noise: 1 }], [near], [loose])
  expect(at(0).mean).toBeCloseTo(3 + (4 / 5) * 2)
  expect(at(0).sd).toBeCloseTo(Math.sqrt(4 - 16 / 5))
  expect(at(1).mean).toBeCloseTo(3 + ((4 * near(0, 1)) / 5) * 2)
  expect(at(20)).toEqual({ mean: expect.closeTo(3), sd: expect.closeTo(2) })
})

test('the hypothesis that foretold the samples is believed', () => {
  const samples = [0, 4, 8].map((x, i) => ({ x, y: 3 + 4 * (i % 2) - 2, noise: 0.01 }))
  expect(regress(samples, [near], [still])(4).mean).toBeCloseTo(4, 0)
  expect(regress(samples, [near], [still, loose])(4).mean).toBeCloseTo(5, 1)
})

test('means are hypotheses as well: the one that fits is followed where nothing was measured', () => {
  const rising = { mean: (x: number) => x, variances: still.variances }
  const samples = [0, 1, 2].map((x) => ({ x, y: x, noise: 0.01 }))
  expect(regress(samples, [near], [still, rising])(30).mean).toBeCloseTo(30)
})

test('a doubt keeps its share of the belief however well the others foretold', () => {
  const samples = [0, 4, 8].map((x) => ({ x, y: 3, noise: 0.01 }))
  expect(regress(samples, [near], [still, loose])(30).sd).toBeLessThan(0.2)
  // A fifth of the belief has a variance of 4.
  expect(regress(samples, [near], [still, { ...loose, doubt: true }])(30).sd).toBeCloseTo(Math.sqrt(0.8), 1)
})

test('the expected excess of a normal over a floor', () => {
  expect(expectedExcess({ mean: 0, sd: 1 }, 0)).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 7)
  expect(expectedExcess({ mean: 5, sd: 0 }, 3)).toBe(2)
  expect(expectedExcess({ mean: 5, sd: 0 }, 8)).toBe(0)
  expect(expectedExcess({ mean: 0, sd: 1 }, 6)).toBeLessThan(1e-9)
})
