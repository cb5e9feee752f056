import { describe, expect, test } from 'vitest'
import { base, found, steady } from '../../test/support/compare-model.ts'
import {
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import type { Comparison } from '../domain/result.ts'
import type { Repetition } from '../domain/scenario.ts'
import { createRandom } from '../stats/random.ts'
import { compareModels } from './compare.ts'

describe('against the baseline alone', () => {
  function againstBaseline(candidate: readonly Repetition[], history: readonly HistoryPoint[] = []) {
    const measurements = makeMeasurements([makeModel('m', [makeScenario(candidate)])])
    const baseline = makeBaseline([makeModel('m', [makeScenario(steady(4, base))])], {
      history: [...history],
    })
    const config = makeConfig()
    const { models } = compareModels({ measurements, baseline, baselineStatus: found, config, mode: 'gate' })
    return (metric: Comparison['metric']) => models[0]?.comparisons.find((each) => each.metric === metric)
  }
  /** Runs of the main branch with the given spread, for both metrics. */
  function runs(count: number, sd: number): HistoryPoint[] {
    const random = createRandom(17)
    return Array.from({ length: count }, (_, index) =>
      (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => {
        const value = (metric === 'inferPerSec' ? 300 : 40e6) * Math.exp(sd * random.normal())
        return makePoint({ commit: `c${index}`, metric, value })
      }),
    ).flat()
  }

  test('without history nothing passes, and the note says what is lacking', () => {
    const row = againstBaseline(steady(4, base))('latencyP99Ns')
    expect(row).toMatchObject({ status: 'inconclusive', against: 'baseline' })
    expect(row?.baselineValue).toBe(row?.reference)
    expect(row?.footnotes.join()).toMatch(/10 more runs.*20 %.*--reference/)
    expect(againstBaseline(steady(4, base), runs(9, 0.01))('latencyP99Ns')?.footnotes.join()).toMatch(
      /1 more run/,
    )
  })

  test('a collapse fails even without history, a doubling of p99 alone does not', () => {
    expect(againstBaseline(steady(4, { latencyP99Ns: 200e6, inferPerSec: 60 }))('latencyP99Ns')?.status).toBe(
      'fail',
    )
    expect(againstBaseline(steady(4, { latencyP99Ns: 60e6, inferPerSec: 250 }))('latencyP99Ns')?.status).toBe(
      'inconclusive',
    )
  })

  test('a quiet history lets the same pass and a change fail', () => {
    const history = runs(30, 0.01)
    expect(againstBaseline(steady(4, base), history)('latencyP99Ns')?.status).toBe('pass')
    expect(
      againstBaseline(steady(4, { latencyP99Ns: 50e6, inferPerSec: 300 }), history)('latencyP99Ns')?.status,
    ).toBe('fail')
  })

  test('a noisy history makes the same change inconclusive', () => {
    const row = againstBaseline(
      steady(4, { latencyP99Ns: 50e6, inferPerSec: 300 }),
      runs(30, 0.2),
    )('latencyP99Ns')
    expect(row?.status).toBe('inconclusive')
  })

  test('one true change in the history hardly widens the spread', () => {
    const stepped = runs(30, 0.01).map((point, index) =>
      index < 30 ? { ...point, value: point.value * 2 } : point,
    )
    expect(againstBaseline(steady(4, base), stepped)('latencyP99Ns')?.status).toBe('pass')
  })

  test('steps that were accepted are no noise, however many', () => {
    // Every other commit came with a step: without the marks the spread would be that of the steps.
    const stepped = runs(40, 0.01).map((point, index) => {
      const steps = Math.floor((index + 2) / 4)
      return { ...point, value: point.value * 1.3 ** steps, isStep: index % 4 >= 2 }
    })
    const history = (marked: boolean) =>
      stepped.map(({ isStep, ...point }) => (marked && isStep ? { ...point, accepted: 'meant' } : point))
    expect(againstBaseline(steady(4, base), history(true))('latencyP99Ns')?.status).toBe('pass')
    expect(againstBaseline(steady(4, base), history(false))('latencyP99Ns')?.status).toBe('inconclusive')
  })

  test('a candidate noisier in itself than the history is known no better than that', () => {
    const wild = [0.5, 2, 0.7, 1.4].map((factor, index) =>
      makeRepetition(index, { latencyP99Ns: 40e6 * factor, inferPerSec: 300 }),
    )
    expect(againstBaseline(wild, runs(30, 0.01))('latencyP99Ns')?.status).toBe('inconclusive')
  })

  test('the stored value stands beside a comparison that the reference decided', () => {
    const scenario = makeScenario(steady(4, base))
    const measurements = makeMeasurements([makeModel('m', [scenario])], [makeModel('m', [scenario])])
    const baseline = makeBaseline([
      makeModel('m', [makeScenario(steady(4, { latencyP99Ns: 10e6, inferPerSec: 900 }))]),
    ])
    const config = makeConfig()
    const { models } = compareModels({ measurements, baseline, baselineStatus: found, config, mode: 'gate' })
    const row = models[0]?.comparisons.find(({ metric }) => metric === 'latencyP99Ns')
    expect(row).toMatchObject({ against: 'reference', status: 'pass' })
    expect(row?.baselineValue).toBeCloseTo(10e6, -5)
  })
})
