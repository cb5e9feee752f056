import { expect, test } from 'vitest'
import { cholesky, dot, forward } from './triangle.ts'

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

test('forward solves for the triangle, also in place', () => {
  const factor = [[2], [1, 3], [0.5, -1, 4]]
  const b = Float64Array.from([2, 7, 9.5])
  const v = forward(factor, b, new Float64Array(3))
  for (const [i, row] of factor.entries()) expect(dot(row, v)).toBeCloseTo(b[i] ?? 0)
  expect([...forward(factor, b, b)]).toEqual([...v])
})
