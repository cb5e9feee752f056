import { describe, expect, test } from 'vitest'
import { base, compare, steady } from '../../test/support/compare-model.ts'
import { makeConfig } from '../../test/support/make-measurements.ts'

describe('failed requests, which are missing from the percentiles', () => {
  const lenient = makeConfig({ gate: { maxFailureRatio: 0.01 } })
  const failing = (failed: number) =>
    steady(4, base).map((repetition, index) =>
      index === 0 && failed > 0 ? { ...repetition, failures: { UNAVAILABLE: failed } } : repetition,
    )

  test.each([
    [0, 0, 'pass', 0],
    [0, 1, 'pass', 1],
    [0, 6, 'pass', 1],
    // ½⁷ = 0.8 %
    [0, 7, 'inconclusive', 1],
    [7, 7, 'pass', 0],
    [7, 0, 'pass', 0],
    [3, 9, 'pass', 1],
  ])('%d on the reference and %d here: %s', (before, after, status, footnotes) => {
    const row = compare(failing(before), failing(after), lenient)
    expect(row('latencyP99Ns')).toMatchObject({ status, detectableChange: null })
    expect(row('latencyP99Ns')?.footnotes).toHaveLength(footnotes)
    expect(row('inferPerSec')).toMatchObject({ status: 'pass', footnotes: [] })
  })

  test('the counts are said', () => {
    expect(compare(failing(1), failing(9), lenient)('latencyP99Ns')?.footnotes).toEqual([
      '9 of 4009 requests failed, 1 of 4001 on the other side; failed ones are missing from the percentiles',
    ])
  })

  test('a regression stays one', () => {
    const slow = failing(9).map((repetition) => ({
      ...repetition,
      metrics: { ...repetition.metrics, latencyP99Ns: (repetition.metrics.latencyP99Ns ?? 0) * 2 },
    }))
    expect(compare(failing(0), slow, lenient)('latencyP99Ns')?.status).toBe('fail')
  })
})
