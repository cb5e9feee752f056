import { describe, expect, test } from 'vitest'
import {
  concurrency8,
  makeBaseline,
  makeConfig,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import {
  absent,
  budget,
  decideOn,
  failedModel,
  found,
  incompatible,
  measured,
  model,
  name,
  repetitions,
  unreadable,
  untrusted,
  withoutP99,
} from '../../test/support/verdict-scene.ts'
import type { Verdict } from '../domain/result.ts'
import type { Repetition } from '../domain/scenario.ts'
import type { CompareInput } from './sides.ts'

describe('fail closed: each fault has its outcome, and none is a pass', () => {
  const one = (index: number, change: Partial<Repetition>) =>
    repetitions(1, (each) => (each === index ? change : {}))
  const health = repetitions()[0]?.client as Repetition['client']
  const voided: Partial<Repetition> = { status: 'void', voidReasons: ['GPU throttled'] }
  const withMetric = (metric: string, value: number | null) =>
    repetitions().map((repetition) => ({
      ...repetition,
      metrics: { ...repetition.metrics, [metric]: value },
    }))
  const withoutLatency = repetitions().map((repetition) => ({ ...repetition, metrics: { inferPerSec: 300 } }))
  const mib = 2 ** 20
  const other = makeModel('other', [makeScenario(repetitions())])
  const strange = { mode: 'concurrency', concurrency: 16 } as const

  const faults: [string, Verdict['outcome'], Partial<CompareInput>][] = [
    ['the run was stopped', 'invalid', measured([model()], [model()], { complete: false })],
    ['no model was measured', 'invalid', measured([], [])],
    ['no model was measured, and there is no reference', 'invalid', measured([], null)],
    ['a model twice (two shards)', 'invalid', measured([model(), model()], [model()])],
    ['a reference model twice', 'invalid', measured([model()], [model(), model()])],
    ['the model does not load, it does at the reference', 'fail', measured([failedModel], [model()])],
    ['the model loads on neither side', 'invalid', measured([failedModel], [failedModel])],
    ['a new model does not load', 'invalid', measured([failedModel, other], [other])],
    ['the model did not load at the reference', 'inconclusive', measured([model()], [failedModel])],
    [
      'the scenario failed',
      'invalid',
      measured([model([], { status: 'failed', error: 'all requests failed' })], [model()]),
    ],
    [
      'the reference scenario failed',
      'invalid',
      measured([model()], [model([], { status: 'failed', error: 'gone' })]),
    ],
    [
      'no gated scenario, only a sweep',
      'invalid',
      measured([model(repetitions(), { role: 'sweep' })], [model()]),
    ],
    [
      'a load of the reference is missing',
      'invalid',
      measured([model(repetitions(), { load: strange })], [model()]),
    ],
    [
      'a load twice',
      'invalid',
      measured([makeModel(name, [makeScenario(repetitions()), makeScenario(repetitions())])], [model()]),
    ],
    [
      'a load asked for is missing',
      'invalid',
      {
        ...measured([model()], null),
        config: makeConfig({ loads: [concurrency8, strange] }),
        mode: 'baseline',
      },
    ],
    ['all repetitions are void', 'invalid', measured([model(repetitions(1, () => voided))], [model()])],
    [
      'too many repetitions are void',
      'invalid',
      measured([model(repetitions(1, (i) => (i > 2 ? voided : {})))], [model()]),
    ],
    ['no repetition at all', 'invalid', measured([model([])], [model()])],
    [
      'too few repetitions',
      'inconclusive',
      measured([model(repetitions().slice(0, 3))], [model(repetitions().slice(0, 3))]),
    ],
    ['no pairs', 'invalid', measured([model(repetitions(1, () => ({ pairedWith: null })))], [model()])],
    [
      'pairs that do not name each other',
      'invalid',
      measured([model(repetitions(1, (i) => ({ pairedWith: (i + 1) % 5 })))], [model()]),
    ],
    [
      'the client was saturated',
      'invalid',
      measured([model(one(2, { client: { ...health, saturated: true } }))], [model()]),
    ],
    [
      'the client was saturated at the reference',
      'invalid',
      measured([model()], [model(one(2, { client: { ...health, saturated: true } }))]),
    ],
    [
      'too many requests failed',
      'invalid',
      measured([model(one(1, { failures: { UNAVAILABLE: 20 } }))], [model()]),
    ],
    [
      'all requests failed',
      'invalid',
      measured([model(one(1, { requests: 0, failures: { UNAVAILABLE: 20 } }))], [model()]),
    ],
    [
      'too many requests failed in a repetition that is void for it',
      'invalid',
      measured(
        [
          model(
            one(1, {
              requests: 100,
              failures: { UNAVAILABLE: 900 },
              status: 'void',
              voidReasons: ['failed'],
            }),
          ),
        ],
        [model()],
      ),
    ],
    [
      'too many requests failed in a repetition that is void for the machine',
      'invalid',
      measured([model(one(1, { failures: { UNAVAILABLE: 20 }, ...voided }))], [model()]),
    ],
    [
      'no request was answered in a repetition that is void for it',
      'invalid',
      measured([model(one(1, { requests: 0, status: 'void', voidReasons: ['no_requests'] }))], [model()]),
    ],
    [
      'a void repetition of the reference failed',
      'invalid',
      measured([model()], [model(one(1, { failures: { UNAVAILABLE: 20 }, ...voided }))]),
    ],
    [
      'more requests fail than on the reference, within what is allowed',
      'inconclusive',
      measured([model(one(1, { failures: { UNAVAILABLE: 9 } }))], [model()]),
    ],
    [
      'a model that the configuration names was not measured',
      'invalid',
      { config: makeConfig({ models: [name, 'lost'] }) },
    ],
    [
      'a budget on p99 with requests for a p90 only',
      'inconclusive',
      {
        ...measured([model(repetitions(), { metrics: withoutP99(40, 'latencyP90Ns') })], [model()]),
        config: makeConfig({ constraints: [budget(90e6)] }),
      },
    ],
    ['a repetition without requests', 'invalid', measured([model(one(1, { requests: 0 }))], [model()])],
    ['throughput of zero', 'invalid', measured([model(withMetric('inferPerSec', 0))], [model()])],
    ['throughput is NaN', 'invalid', measured([model(withMetric('inferPerSec', Number.NaN))], [model()])],
    ['throughput is missing', 'invalid', measured([model(withMetric('inferPerSec', null))], [model()])],
    ['no latency at all', 'invalid', measured([model(withoutLatency)], [model()])],
    [
      'latencies without any variance',
      'invalid',
      measured([model(withMetric('latencyP50Ns', 30e6))], [model()]),
    ],
    [
      'GPU memory lost on one side',
      'invalid',
      measured([model()], [model(withMetric('gpuMemoryBytes', 100 * mib))]),
    ],
    [
      'GPU memory grew',
      'fail',
      measured(
        [model(withMetric('gpuMemoryBytes', 200 * mib))],
        [model(withMetric('gpuMemoryBytes', 100 * mib))],
      ),
    ],
    ['a budget is broken', 'fail', { config: makeConfig({ constraints: [budget(30e6)] }) }],
    [
      'a budget on what was not measured',
      'invalid',
      { config: makeConfig({ constraints: [budget(1e9, 'gpuMemoryBytes')] }) },
    ],
    ['nothing to compare with', 'inconclusive', measured([model()], null)],
    [
      'a budget holds, but there is nothing to compare with',
      'inconclusive',
      { ...measured([model()], null), config: makeConfig({ constraints: [budget(90e6)] }) },
    ],
    ['only a new model without budgets', 'inconclusive', measured([model()], [])],
    ['the baseline is absent', 'inconclusive', { ...measured([model()], null), baselineStatus: absent }],
    [
      'the baseline is absent, and that is to fail',
      'fail',
      {
        ...measured([model()], null),
        baselineStatus: absent,
        config: makeConfig({ gate: { onMissingBaseline: 'fail' } }),
      },
    ],
    [
      'the baseline is of another machine',
      'invalid',
      { ...measured([model()], null), baselineStatus: incompatible, baseline: makeBaseline([model()]) },
    ],
    ['the baseline is unreadable', 'invalid', { ...measured([model()], null), baselineStatus: unreadable }],
    ['the baseline is unreadable beside a good reference', 'invalid', { baselineStatus: unreadable }],
    ['the baseline is not trusted', 'invalid', { ...measured([model()], null), baselineStatus: untrusted }],
    [
      'the baseline has no history',
      'inconclusive',
      { ...measured([model()], null), baselineStatus: found, baseline: makeBaseline([model()]) },
    ],
    [
      'the baseline lacks the load',
      'inconclusive',
      {
        ...measured([model()], null),
        baselineStatus: found,
        baseline: makeBaseline([model(repetitions(), { load: strange })]),
      },
    ],
    [
      'the model in the baseline does not load any more',
      'fail',
      { ...measured([failedModel], null), baselineStatus: found, baseline: makeBaseline([model()]) },
    ],
    ['baseline mode: no model', 'invalid', { ...measured([], null), mode: 'baseline' }],
    [
      'baseline mode: the model does not load',
      'invalid',
      { ...measured([failedModel], null), mode: 'baseline' },
    ],
    [
      'baseline mode: a saturated client',
      'invalid',
      { ...measured([model(one(0, { client: { ...health, saturated: true } }))], null), mode: 'baseline' },
    ],
    [
      'baseline mode: the previous baseline is unreadable',
      'invalid',
      { ...measured([model()], null), mode: 'baseline', baselineStatus: unreadable },
    ],
    [
      'baseline mode: a budget is broken',
      'fail',
      { ...measured([model()], null), mode: 'baseline', config: makeConfig({ constraints: [budget(30e6)] }) },
    ],
  ]

  test.each(faults)('%s: %s', (_, outcome, change) => {
    const verdict = decideOn(change)
    expect(verdict.outcome, JSON.stringify(verdict.reasons, null, 1)).toBe(outcome)
    expect(verdict.exitCode).toBe({ invalid: 3, fail: 1, inconclusive: 0, pass: 0 }[outcome])
    const [first] = verdict.reasons
    expect(first?.outcome).toBe(outcome)
    expect(first?.message).toMatch(/^[A-Za-z0-9_].*\.$/)
    expect(first?.message).not.toMatch(/undefined|NaN|null/)
    expect(first?.next).toMatch(/\.$/)
  })

  test('no policy makes an invalid report green, and inconclusive is red where the policy says so', () => {
    const lenient = makeConfig({ gate: { onInconclusive: 'warn', onMissingBaseline: 'inconclusive' } })
    const strict = makeConfig({ gate: { onInconclusive: 'fail' } })
    for (const [, outcome, change] of faults.filter(([, , each]) => each.config === undefined)) {
      expect(decideOn({ ...change, config: lenient }).exitCode > 0).toBe(outcome !== 'inconclusive')
      expect(decideOn({ ...change, config: strict }).exitCode).toBe(
        { invalid: 3, fail: 1, inconclusive: 4, pass: 0 }[outcome],
      )
    }
  })

  test('a status that promises a baseline without one is a defect, not a pass', () => {
    expect(() => decideOn({ ...measured([model()], null), baselineStatus: found })).toThrow(/not handed/)
  })
})
