import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import { featuresOf } from './features.ts'
import { rateKernels } from './kernels.ts'
import type { Place } from './state.ts'
import { cholesky } from './triangle.ts'

const place = (
  instanceCount: number,
  maxBatchSize: number,
  concurrency: number,
  dynamicBatching = true,
): Place => {
  const configuration: Configuration = { committed: false, instanceCount, maxBatchSize, dynamicBatching }
  return { configuration, load: { mode: 'concurrency', concurrency } }
}
const features = featuresOf([])
const covariances = (one: Place, other: Place): Float64Array => {
  const into = new Float64Array(rateKernels.count)
  rateKernels.from(features(one))(features(other), into)
  return into
}

test('each kernel is a covariance: symmetric, and of any places positive semidefinite', () => {
  const arbitrary = fc
    .tuple(
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(1, 2, 3, 8, 64),
      fc.constantFrom(1, 4, 10, 256),
      fc.boolean(),
    )
    .map((of) => place(...of))
  fc.assert(
    fc.property(fc.array(arbitrary, { minLength: 2, maxLength: 7 }), (places) => {
      const all = places.map((one) => places.map((other) => covariances(one, other)))
      for (let kernel = 0; kernel < rateKernels.count; kernel++) {
        const matrix = all.map((row) => row.map((values) => values[kernel] ?? Number.NaN))
        for (const [i, row] of matrix.entries())
          for (const [j, value] of row.entries()) expect(value).toBeCloseTo(matrix[j]?.[i] ?? Number.NaN, 10)
        // L·Lᵀ gives the matrix back: no pivot was below 0, and had to be lifted to the floor.
        const factor = cholesky(matrix.map((row, i) => row.map((value, j) => value + (i === j ? 1e-6 : 0))))
        for (const [i, row] of factor.entries())
          for (let j = 0; j <= i; j++) {
            const product = row.reduce((sum, value, k) => sum + value * (factor[j]?.[k] ?? 0), 0)
            expect(Math.abs(product - (matrix[i]?.[j] ?? 0))).toBeLessThan(1e-4)
          }
      }
    }),
    { numRuns: 100 },
  )
})

test('at a load that uses no more of it, a larger configuration works alike', () => {
  const alike = covariances(place(4, 8, 4), place(5, 128, 4))
  const unlike = covariances(place(4, 8, 4), place(4, 8, 64))
  // What executes: the same here, another batch there.
  expect(alike[3]).toBe(1)
  expect(unlike[3]).toBeLessThan(0.1)
})

test('a step to a higher count, or a larger batch, changes everything from there on', () => {
  const [batch, count] = [rateKernels.count - 2, rateKernels.count - 1]
  const variance = (one: Place, kernel: number) => covariances(one, one)[kernel] ?? 0
  const betweenOf = (one: Place, other: Place, kernel: number) => covariances(one, other)[kernel] ?? 0
  const [first, second, third] = [place(1, 1, 64), place(2, 4, 64), place(8, 64, 64)]
  // Of the first nothing differs; beyond, the step to the second is what both have in common.
  for (const kernel of [batch, count]) {
    expect(variance(first, kernel)).toBe(0)
    expect(betweenOf(second, third, kernel)).toBe(variance(second, kernel))
    expect(variance(third, kernel)).toBeGreaterThan(variance(second, kernel))
  }
})
