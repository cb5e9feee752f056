import { describe, expect, test } from 'vitest'
import { base, notRequested, steady } from '../../test/support/compare-model.ts'
import {
  concurrency8,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
  makeSweepSummary,
} from '../../test/support/make-measurements.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type ConstraintResult, constraintResultSchema } from '../domain/result.ts'
import { compareModels } from './compare.ts'
import { constraintReason } from './sentences.ts'

describe('budgets and constraints', () => {
  const concurrency1: Load = { mode: 'concurrency', concurrency: 1 }
  const at1 = makeScenario(steady(4, { latencyP99Ns: 10e6, inferPerSec: 100 }), { load: concurrency1 })
  const at8 = makeScenario(steady(4, base))
  function judgeConstraint(
    bound: 'max' | 'min',
    metric: 'latencyP99Ns' | 'inferPerSec' | 'gpuMemoryBytes',
    limit: number,
    scenarios = [at1, at8],
  ) {
    const config = makeConfig({
      constraints: [{ name: 'budget', bound, metric, limit }],
      loads: [concurrency1, concurrency8],
    })
    const measurements = makeMeasurements([makeModel('m', scenarios)])
    const { models } = compareModels({
      measurements,
      baseline: null,
      baselineStatus: notRequested,
      config,
      mode: 'gate',
    })
    const results = models[0]?.constraints ?? []
    for (const result of results) constraintResultSchema.parse(result)
    return results
  }
  const p99At8 = at8.metrics.latencyP99Ns?.value as number
  const atLimit: ConstraintResult = {
    name: 'budget',
    metric: 'latencyP99Ns',
    bound: 'max',
    load: concurrency8,
    limit: p99At8,
    value: p99At8,
    interval: null,
    status: 'fail',
    close: false,
  }

  test('an upper limit holds at every load; a value on the limit passes', () => {
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8).map(({ status }) => status)).toEqual([
      'pass',
      'pass',
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 - 1).map(({ status }) => status)).toEqual([
      'pass',
      'fail',
    ])
  })

  test('an interval that straddles the limit is a close call, whatever the estimate says', () => {
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 0.995).map(({ close }) => close)).toEqual([
      false,
      true,
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 1.005).map(({ close }) => close)).toEqual([
      false,
      true,
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 1.5).map(({ close }) => close)).toEqual([
      false,
      false,
    ])
  })

  test('the interval is that of the repetitions, not of their requests, which hang together', () => {
    const spread = [30e6, 36e6, 44e6, 50e6].map((latencyP99Ns, index) =>
      makeRepetition(index, { latencyP99Ns, inferPerSec: 300 }),
    )
    const [result] = judgeConstraint('max', 'latencyP99Ns', 45e6, [makeScenario(spread)])
    // ln: mean 17.4857, sd 0.2246; t(0.975, 3) = 3.1824, so ± 0.3574.
    expect(result?.interval?.[0]).toBeCloseTo(27.463e6, -4)
    expect(result?.interval?.[1]).toBeCloseTo(56.128e6, -4)
    expect(result).toMatchObject({ status: 'pass', close: true })
    const [single] = judgeConstraint('max', 'latencyP99Ns', 45e6, [makeScenario(spread.slice(0, 1))])
    expect(single?.interval).toEqual([30e6 * 0.95, 30e6 * 1.05])
  })

  test.each([
    ['latencyP95Ns', 30e6, 'pass'],
    ['latencyP95Ns', 60e6, 'fail'],
    ['latencyP90Ns', 30e6, 'inconclusive'],
    ['latencyP90Ns', 60e6, 'fail'],
    ['latencyP50Ns', 30e6, 'inconclusive'],
  ] as const)(
    'without enough requests for p99, a %s of %d ns under 50 ms is a %s',
    (standIn, value, status) => {
      const full = makeScenario(steady(4, base))
      const order = ['latencyP99Ns', 'latencyP95Ns', 'latencyP90Ns', 'latencyP50Ns'] as const
      const metrics = Object.fromEntries(
        order.map((metric) => {
          const had = order.indexOf(metric) >= order.indexOf(standIn)
          return [metric, { value: had ? value : null, interval: null, n: 70, unit: 'ns' as const }]
        }),
      )
      const results = judgeConstraint('max', 'latencyP99Ns', 50e6, [{ ...full, metrics }])
      expect(results).toMatchObject([{ metric: standIn, standsInFor: 'latencyP99Ns', value, status }])
    },
  )

  test('a floor is judged once, where the model does most', () => {
    const [result, ...more] = judgeConstraint('min', 'inferPerSec', 250)
    expect(more).toEqual([])
    expect(result).toMatchObject({ status: 'pass', load: concurrency8 })
    expect(judgeConstraint('min', 'inferPerSec', 350)[0]?.status).toBe('fail')
  })

  test('what was not measured is invalid, not held', () => {
    expect(judgeConstraint('max', 'gpuMemoryBytes', 1e9).map(({ status, value }) => [status, value])).toEqual(
      [
        ['invalid', null],
        ['invalid', null],
      ],
    )
  })

  test('where the best configuration found holds a limit that is broken, its patch is the next step', () => {
    const configuration = { ...at8.configuration, committed: false, instanceCount: 4 }
    const nextOf = (sweptP99Ns: number, sweptAt: Load = concurrency8, of: Configuration = configuration) => {
      const measured = makeScenario(steady(1, { latencyP99Ns: sweptP99Ns, inferPerSec: 100 }), {
        load: sweptAt,
      })
      const swept = { ...measured, role: 'sweep' as const, configuration: of }
      const model = makeModel('m', [at8, swept], { search: makeSweepSummary(of, sweptAt) })
      const broken = {
        ...atLimit,
        load: sweptAt === concurrency1 ? concurrency8 : sweptAt,
        limit: p99At8 - 1,
      }
      return constraintReason(model, broken).next
    }
    expect(nextOf(p99At8 / 2)).toMatch(
      /^Apply the best configuration found \(best-config\/m\.patch\), of which/,
    )
    expect(nextOf(p99At8 * 2)).toMatch(/^Make the model faster/)
    expect(nextOf(p99At8 / 2, concurrency1)).toMatch(/^Make the model faster/)

    // Of models at once each has its own patch, and the one that stays as committed has none.
    const atOnce: Load = { ...concurrency8, beside: [{ model: 'n', load: concurrency1 }] }
    const others = { n: { instanceCount: 2, maxBatchSize: 8, dynamicBatching: false } }
    expect(nextOf(p99At8 / 2, atOnce, { ...configuration, others })).toContain(
      '(best-config/m.patch and best-config/n.patch)',
    )
    const besideOthers = { ...at8.configuration, committed: false, others }
    expect(nextOf(p99At8 / 2, atOnce, besideOthers)).toContain('(best-config/n.patch)')
  })
})
