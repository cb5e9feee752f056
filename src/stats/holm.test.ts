import fc from 'fast-check'
import { expect, test } from 'vitest'
import fixture from '../../test/support/scipy-fixture.json' with { type: 'json' }
import { holm } from './holm.ts'

/** Holm's procedure as he wrote it: step down through the ordered p-values, stop at the first that is too large. */
function rejected(pValues: number[], alpha: number): Set<number> {
  const order = pValues
    .map((_, index) => index)
    .sort((a, b) => (pValues[a] as number) - (pValues[b] as number))
  const result = new Set<number>()
  for (const [rank, index] of order.entries()) {
    if ((pValues[index] as number) * (pValues.length - rank) > alpha) break
    result.add(index)
  }
  return result
}

test('adjusted p-values are those of statsmodels', () => {
  expect(fixture.holm.length).toBeGreaterThanOrEqual(40)
  for (const { pValues, adjusted } of fixture.holm) {
    for (const [index, p] of holm(pValues).entries()) expect(p).toBeCloseTo(adjusted[index] as number, 12)
  }
})

test('a worked example', () => {
  // statsmodels multipletests([0.01, 0.04, 0.03, 0.005], method="holm")
  const expected = [0.03, 0.06, 0.06, 0.02]
  for (const [index, adjusted] of holm([0.01, 0.04, 0.03, 0.005]).entries()) {
    expect(adjusted).toBeCloseTo(expected[index] as number, 12)
  }
  expect(holm([])).toEqual([])
  expect(holm([0.7, 0.9])).toEqual([1, 1])
})

test('adjusted p-values reject what the step-down procedure rejects', () => {
  const pValues = fc.array(
    fc.oneof(fc.double({ min: 0, max: 0.02, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    {
      maxLength: 30,
    },
  )
  fc.assert(
    fc.property(pValues, (values) => {
      const adjusted = holm(values)
      const naive = rejected(values, 0.01)
      for (const [index, p] of adjusted.entries()) expect(p <= 0.01).toBe(naive.has(index))
    }),
  )
})
