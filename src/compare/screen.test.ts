import { describe, expect, test } from 'vitest'
import { base, found, steady } from '../../test/support/compare-model.ts'
import {
  concurrency8,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import type { Result } from '../domain/result.ts'
import type { Repetition } from '../domain/scenario.ts'
import { judge as judgeAll } from '../judge.ts'
import { comparisonLegend } from '../report/verdict-rows.ts'
import { createRandom } from '../stats/random.ts'
import { isCleared, isPromising } from './screen.ts'

/** Runs of the main branch, for both metrics. */
function runs(count: number, sd: number, level: (index: number) => number = () => 0): HistoryPoint[] {
  const random = createRandom(3)
  return Array.from({ length: count }, (_, index) =>
    (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => {
      const sign = metric === 'inferPerSec' ? -1 : 1
      const value =
        (metric === 'inferPerSec' ? 300 : 40e6) * Math.exp(sign * level(index) + sd * random.normal())
      return makePoint({ commit: `c${index}`, metric, value })
    }),
  ).flat()
}
const stored = (history: readonly HistoryPoint[]) =>
  makeBaseline([makeModel('m', [makeScenario(steady(4, base))])], { history: [...history] })
const plan = { name: 'm', loads: [concurrency8] }
const tolerance = { inferPerSec: 0.05 }
const promising = (history: readonly HistoryPoint[], repetitions = 4) =>
  isPromising(stored(history), makeConfig({ tolerance }), plan, repetitions)

describe('measuring alone is worth while', () => {
  test('where the history is long and quiet enough, at every load', () => {
    expect(promising(runs(40, 0.005))).toBe(true)
    expect(promising(runs(40, 0.03))).toBe(false)
    expect(promising(runs(9, 0.001))).toBe(false)
    const loads = [concurrency8, { mode: 'concurrency', concurrency: 1 } as const]
    expect(isPromising(stored(runs(40, 0.005)), makeConfig({ tolerance }), { ...plan, loads }, 4)).toBe(false)
  })

  test('not for a new model, nor with too few repetitions', () => {
    const other = { ...plan, name: 'new' }
    expect(isPromising(stored(runs(40, 0.005)), makeConfig({ tolerance }), other, 4)).toBe(false)
    expect(promising(runs(40, 0.005), 3)).toBe(false)
  })

  test('not right after a run that is better by more than noise: what takes that back would be cleared', () => {
    const stepped = (change: number) => {
      const scenario = makeScenario(steady(4, { ...base, latencyP99Ns: 40e6 * Math.exp(change) }))
      const history = runs(40, 0.005, (index) => (index < 39 ? 0 : change))
      const baseline = makeBaseline([makeModel('m', [scenario])], { history })
      return isPromising(baseline, makeConfig({ tolerance }), plan, 4)
    }
    expect(stepped(0)).toBe(true)
    expect(stepped(-0.06)).toBe(false)
  })

  test('not before ten runs have followed the last change', () => {
    expect(promising(runs(40, 0.005, (index) => (index < 25 ? -0.2 : 0)))).toBe(true)
    expect(promising(runs(40, 0.005, (index) => (index < 33 ? -0.2 : 0)))).toBe(false)
  })
})

const input = (candidate: readonly Repetition[], history = runs(40, 0.005), change = {}) => ({
  measurements: makeMeasurements([makeModel('m', [makeScenario(candidate)], { screening: 'cleared' })], []),
  baseline: stored(history),
  baselineStatus: found,
  config: makeConfig({ tolerance, ...change }),
  mode: 'gate' as const,
})

describe('a model that was measured alone', () => {
  test('is cleared where it lies at the level of the runs since the last change, and judged so in the report', () => {
    expect(isCleared(input(steady(4, base)))).toBe(true)
    const { verdict, models } = judgeAll(input(steady(4, base)))
    expect(verdict.outcome).toBe('pass')
    const [latency] = models[0]?.comparisons ?? []
    expect(latency).toMatchObject({ status: 'pass', against: 'baseline', metric: 'latencyP99Ns' })
    expect(latency?.footnotes.join()).toMatch(/40 runs of the main branch since its last change/)
  })

  test('is not where anything is worse, or the history too noisy to say', () => {
    expect(isCleared(input(steady(4, { ...base, latencyP99Ns: 42e6 })))).toBe(false)
    expect(isCleared(input(steady(4, { ...base, inferPerSec: 285 })))).toBe(false)
    expect(isCleared(input(steady(4, base), runs(40, 0.03)))).toBe(false)
    expect(isCleared(input(steady(3, base)))).toBe(false)
    expect(isCleared(input([]))).toBe(false)
  })

  test('is compared with the level now, not with what was before the last change', () => {
    const stepped = runs(40, 0.005, (index) => (index < 20 ? 0.3 : 0))
    expect(isCleared(input(steady(4, base), stepped))).toBe(true)
    const before = { latencyP99Ns: 40e6 * Math.exp(0.3), inferPerSec: 300 * Math.exp(-0.3) }
    expect(isCleared(input(steady(4, before), stepped))).toBe(false)
  })

  test('with failing requests, a close budget or more memory it is the reference that tells', () => {
    const failing = steady(4, base).map((each) => ({ ...each, failures: { UNAVAILABLE: 100 } }))
    expect(isCleared(input(failing))).toBe(false)
    const limit = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 40.01e6 } as const
    expect(isCleared(input(steady(4, base), undefined, { constraints: [limit] }))).toBe(false)
    // p90 in its place proves nothing; with more repetitions there may be a p99.
    const few = steady(4, base)
    const withoutP99 = { constraints: [{ ...limit, limit: 90e6 }] }
    const undecided = input(few, undefined, withoutP99)
    const scenario = makeScenario(few)
    const { latencyP90Ns = null } = scenario.metrics
    const measurements = makeMeasurements(
      [makeModel('m', [{ ...scenario, metrics: { latencyP90Ns } }], { screening: 'cleared' })],
      [],
    )
    expect(isCleared(undecided)).toBe(true)
    expect(isCleared({ ...undecided, measurements })).toBe(false)
    expect(isCleared(input(steady(4, { ...base, gpuMemoryBytes: 1e9 })))).toBe(false)
  })

  test('without the baseline that cleared it the verdict is invalid, never a pass', () => {
    for (const baselineStatus of [
      { status: 'notRequested' },
      { ...found, status: 'incompatible', differences: ['GPU'], next: '' },
    ] as const) {
      const { verdict } = judgeAll({
        ...input(steady(4, base)),
        baseline: null,
        baselineStatus: { ...baselineStatus } as never,
      })
      expect(verdict.outcome).toBe('invalid')
      expect(verdict.reasons[0]?.message).toMatch(/measured alone and judged by a baseline that is not given/)
    }
  })

  test('a baseline whose history shows no level is named as the cause', () => {
    const { reasons, outcome } = judgeAll(input(steady(4, base), runs(9, 0.005))).verdict
    expect(outcome).toBe('invalid')
    expect(reasons[0]).toMatchObject({
      message: expect.stringMatching(/this baseline has no 10 runs since the last change/),
      next: expect.stringMatching(/^Judge it with the baseline\.json of that run/),
    })
  })

  test('the report does not say that a reference was measured that was not', () => {
    const legend = (result: Result) => comparisonLegend(result, 'Candidate').join(' ')
    const result = judgeAll(input(steady(4, base)))
    expect(legend(result)).toContain('Reference: merge base 1a2b3c4, not measured: the history')
    const [own] = result.models
    if (own === undefined) throw new Error('no model')
    const { screening: _, ...beside } = own
    expect(legend({ ...result, models: [own, beside] })).toContain(
      'measured again in this run, alternating with it, but for 1 model of which the history',
    )
    expect(legend({ ...result, models: [beside] })).toContain(
      'measured again in this run, alternating with it.',
    )
  })

  test('nor does a baseline without the model, or another load, let it through', () => {
    const { verdict } = judgeAll({
      ...input(steady(4, base)),
      baseline: makeBaseline([makeModel('other', [makeScenario(steady(4, base))])]),
    })
    expect(verdict.outcome).toBe('invalid')
  })
})
