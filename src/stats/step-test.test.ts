import { expect, test } from 'vitest'
import { createRandom } from './random.ts'
import { criticalGain, maximumPValue, pValueOf } from './step-test.ts'

test('the p-value of the largest step is what independent values give, counted', () => {
  const random = createRandom(7)
  const [n, series] = [60, 6000]
  const largest = Array.from({ length: series }, () => {
    const sums = [0]
    for (let k = 0; k < n; k++) sums.push((sums[k] as number) + random.normal())
    let most = 0
    for (let k = 4; k <= n - 4; k++) {
      const gap = (sums[k] as number) / k - ((sums[n] as number) - (sums[k] as number)) / (n - k)
      most = Math.max(most, Math.abs(gap) / Math.sqrt(1 / k + 1 / (n - k)))
    }
    return most
  })
  for (const z of [2.8, 3.1, 3.4]) {
    const share = largest.filter((value) => value > z).length / series
    expect(maximumPValue(z, n) / share).toBeGreaterThan(0.8)
    expect(maximumPValue(z, n) / share).toBeLessThan(1.25)
  }
})

test('what a step must gain is as improbable as the false-alarm rate says, which falls with the length', () => {
  expect(pValueOf(criticalGain(20), 20)).toBeCloseTo(0.1, 3)
  expect(pValueOf(criticalGain(200), 200)).toBeCloseTo(0.1 * 10 ** -0.4, 3)
  expect(pValueOf(0, 50)).toBe(1)
  expect(pValueOf(1e6, 50)).toBeLessThan(1e-20)
})
