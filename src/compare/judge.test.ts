import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concurrency8 } from '../../test/support/make-measurements.ts'
import { totalLevels } from '../stats/looks.ts'
import { pairedEstimate, pValueAbove, upperBound } from '../stats/paired.ts'
import { testedDraft } from './draft.ts'
import { judge } from './judge.ts'
import { toleratedWorse } from './worse.ts'

const family = { comparisons: 4, models: 2 }

/** What a p99 that changed from pair to pair by `differences` is told, and how many repetitions would decide if all stays as it is. */
function advised(differences: readonly number[]) {
  const estimate = pairedEstimate(differences, 0.01)
  const start = {
    metric: 'latencyP99Ns',
    load: concurrency8,
    against: 'reference',
    baselineValue: null,
  } as const
  const values = { reference: 1, candidate: 1, repetitions: differences.length }
  const draft = testedDraft(
    { ...start, tolerance: 0.05 },
    values,
    { estimate, pooledWorse: null, repeatable: true, levels: totalLevels, differences },
    [],
  )
  const tolerated = toleratedWorse('latencyP99Ns', 0.05)
  const sd = estimate.standardError * Math.sqrt(differences.length)
  const decides = (n: number) => {
    const later = { mean: estimate.mean, standardError: sd / Math.sqrt(n), degreesOfFreedom: n - 1 }
    if (upperBound(later, 1 - totalLevels.pass) < tolerated) return true
    const real = pValueAbove(later, 0) <= totalLevels.fail / family.comparisons
    return real && pValueAbove(later, tolerated) <= totalLevels.pass / family.models
  }
  const naive = Array.from({ length: 64 - differences.length }, (_, more) => differences.length + 1 + more)
  return { row: judge([draft], family)[0], repetitions: naive.find(decides) }
}

test('the advice is the smallest number of repetitions that decides', () => {
  let advices = 0
  const perMille = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 4, maxLength: 14 })
  fc.assert(
    fc.property(perMille, fc.integer({ min: -20, max: 120 }), (noise, centre) => {
      const differences = noise.map((each) => (each + centre) / 1000)
      const { row, repetitions } = advised(differences)
      if (row?.status !== 'inconclusive') return
      advices++
      expect(row.footnotes.at(-1)).toMatch(
        repetitions === undefined ? /too near the tolerance/ : new RegExp(`about ${repetitions} repetitions`),
      )
    }),
    { seed: 7, numRuns: 300 },
  )
  expect(advices).toBeGreaterThan(30)
})
