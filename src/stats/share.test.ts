import { expect, test } from 'vitest'
import { createRandom } from './random.ts'
import { interval95, shareEstimate } from './share.ts'

test('a part that is always all, half or none of the whole is known as such, whatever the whole does', () => {
  const wholes = [0.3, 0.5, 0.2, 0.4]
  for (const share of [0, 0.5, 1]) {
    const estimate = shareEstimate(
      wholes.map((whole) => share * whole),
      wholes,
      1e-9,
    )
    expect(estimate.mean).toBeCloseTo(share, 12)
    expect(estimate.standardError).toBeLessThan(1e-8)
  }
})

test('the floor stands in for residuals that agree by luck', () => {
  const estimate = shareEstimate([0.2, 0.2, 0.2, 0.2], [0.4, 0.4, 0.4, 0.4], 0.01)
  expect(estimate).toMatchObject({ mean: 0.5, degreesOfFreedom: 3 })
  expect(estimate.standardError).toBeCloseTo(0.01 / 2 / 0.4, 12)
})

test('the 95 % interval holds the true share in 93 to 97 of 100 simulated cases', () => {
  const random = createRandom(7)
  let held = 0
  const cases = 2000
  for (let index = 0; index < cases; index++) {
    // Two parts of 70 and 30 % with noise of their own: the whole shares the noise of both.
    const first = Array.from({ length: 6 }, () => 0.35 + 0.03 * random.normal())
    const wholes = first.map((part) => part + 0.15 + 0.03 * random.normal())
    const [low, high] = interval95(shareEstimate(first, wholes, 0))
    if (low <= 0.7 && 0.7 <= high) held++
  }
  expect(held / cases).toBeGreaterThan(0.93)
  expect(held / cases).toBeLessThan(0.97)
})

test('no share of single values or of lists that do not pair', () => {
  expect(() => shareEstimate([1], [1], 0)).toThrow(RangeError)
  expect(() => shareEstimate([1, 2], [1, 2, 3], 0)).toThrow(RangeError)
})
