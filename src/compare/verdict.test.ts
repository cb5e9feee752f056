import { describe, expect, test } from 'vitest'
import {
  concurrency8,
  environment,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Constraint } from '../config/config.ts'
import type { Measurements } from '../domain/measurements.ts'
import { type BaselineStatus, type Verdict, verdictSchema } from '../domain/result.ts'
import type { ModelMeasurement, Repetition, Scenario } from '../domain/scenario.ts'
import { compareModels } from './compare.ts'
import type { CompareInput } from './sides.ts'
import { decide } from './verdict.ts'

const name = 'text_recognition'
/** Each side has a spread of its own, so that neither looks like a clock that stands still. */
const repetitions = (factor = 1, change: (index: number) => Partial<Repetition> = () => ({})) =>
  [0.99, 1.01, 1, 1.005, 0.995].map((wobble, index) =>
    makeRepetition(
      index,
      { latencyP99Ns: 41.2e6 * wobble * factor, inferPerSec: 300 / wobble },
      change(index),
    ),
  )
const model = (
  reps = repetitions(),
  scenario: Partial<Scenario> = {},
  change: Partial<ModelMeasurement> = {},
) => makeModel(name, [makeScenario(reps, scenario)], change)
const failedModel = makeModel(name, [], {
  status: 'failed',
  error: { message: 'model.py raised', hint: 'Mend it.' },
})

/** A scenario's metrics with `n` requests, of which the highest percentile is 30 ms. */
const withoutP99 = (n: number, highest: 'latencyP95Ns' | 'latencyP90Ns'): Scenario['metrics'] => ({
  latencyP99Ns: {
    value: null,
    interval: null,
    n,
    unit: 'ns',
    reason: `p99 needs at least 299 requests, there were ${n}`,
  },
  [highest]: { value: 30e6, interval: null, n, unit: 'ns' },
})

function decideOn(change: Partial<CompareInput>): Verdict {
  const input: CompareInput = {
    measurements: makeMeasurements([model()], [model()]),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config: makeConfig(),
    mode: 'gate',
    ...change,
  }
  return verdictSchema.parse(decide(input, compareModels(input)))
}
const measured = (
  models: ModelMeasurement[],
  reference: ModelMeasurement[] | null,
  change?: Partial<Measurements>,
) => ({
  measurements: makeMeasurements(models, reference, change),
})
const budget = (limit: number, metric: Constraint['metric'] = 'latencyP99Ns'): Constraint => ({
  name: 'latency_budget',
  metric,
  bound: 'max',
  limit,
})
const unreadable = {
  status: 'unreadable',
  source: 'b.json',
  why: 'it is truncated',
  next: 'Measure.',
} as const
const untrusted = { status: 'untrusted', source: 'artifact', why: 'from a fork', next: 'Measure.' } as const
const absent = { status: 'absent', source: 'artifact', next: 'Measure main.' } as const
const incompatible: BaselineStatus = {
  status: 'incompatible',
  source: 'artifact',
  commit: null,
  createdAt: '',
  differences: ['GPU: A100 ≠ T4'],
  next: 'Use --reference.',
}
const found = { status: 'found', source: 'b.json', commit: null, createdAt: '' } as const

test('nothing wrong, and everything compared: a pass with exit code 0', () => {
  const verdict = decideOn({})
  expect(verdict).toMatchObject({ outcome: 'pass', exitCode: 0 })
  expect(verdict.reasons.map(({ message }) => message)).toEqual(['2 comparisons within the tolerance.'])
})

test('a failure says what rose from what to what, and what was tolerated', () => {
  const verdict = decideOn(measured([model(repetitions(98 / 41.2))], [model()]))
  expect(verdict).toMatchObject({ outcome: 'fail', exitCode: 1 })
  expect(verdict.reasons[0]?.message).toMatch(
    /^text_recognition: p99 latency at concurrency 8 rose from 41\.2 ms to 98\.0 ms \(\+138 %, 95 % interval \+1\d\d % to \+1\d\d %\), tolerance 5 %\.$/,
  )
  expect(verdict.reasons[0]?.next).toBeTruthy()
})

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

describe('what may pass', () => {
  const fresh = makeModel('fresh', [makeScenario(repetitions())])
  const others: BaselineStatus[] = [absent, incompatible, untrusted]

  test.each(others)('a reference makes up for a baseline that is $status', (baselineStatus) => {
    expect(decideOn({ baselineStatus }).outcome).toBe('pass')
  })

  test('a new model is judged by its budgets, and that is said', () => {
    const verdict = decideOn({
      ...measured([model(), fresh], [model()]),
      config: makeConfig({ constraints: [budget(90e6)] }),
    })
    expect(verdict.outcome).toBe('pass')
    expect(verdict.reasons.map(({ message }) => message).join()).toMatch(/fresh .* new model/)
  })

  test('a removed model is said, unless the configuration leaves it out', () => {
    const input = measured([model()], [model(), fresh])
    expect(
      decideOn(input)
        .reasons.map(({ message }) => message)
        .join(),
    ).toMatch(/fresh .* no longer/)
    const chosen = decideOn({ ...input, config: makeConfig({ models: [name] }) })
    expect(chosen.reasons.map(({ message }) => message).join()).not.toMatch(/fresh/)
  })

  test('baseline mode needs a valid measurement and its budgets, not a comparison', () => {
    const verdict = decideOn({ ...measured([model()], null), mode: 'baseline', baselineStatus: absent })
    expect(verdict).toMatchObject({ outcome: 'pass', exitCode: 0 })
    expect(verdict.reasons.map(({ message }) => message)).toEqual(['1 model measured.'])
  })

  test('one void repetition of five is borne', () => {
    const reps = repetitions(1, (index) =>
      index === 3 ? { status: 'void', voidReasons: ['other tenant'] } : {},
    )
    expect(decideOn(measured([model(reps)], [model()])).outcome).toBe('pass')
  })
})

test('one fault makes one reason, and the worst stands first', () => {
  const slow = makeModel('slow', [makeScenario(repetitions(3))])
  const broken = model([], { status: 'failed', error: 'all requests failed' })
  const verdict = decideOn({
    ...measured([slow, broken], [makeModel('slow', [makeScenario(repetitions())]), model()]),
    config: makeConfig({ constraints: [budget(500e6)] }),
  })
  expect(verdict.reasons.map(({ outcome, model: subject }) => [outcome, subject])).toEqual([
    ['invalid', name],
    ['fail', 'slow'],
  ])
  expect(verdict.reasons[0]?.message).toBe(
    'text_recognition: concurrency 8: the measurement failed: all requests failed.',
  )
})

test('a model that fails in one of five server starts says in which, and how often', () => {
  const starts = repetitions(1, (index) =>
    index === 1
      ? { requests: 100, failures: { UNAVAILABLE: 900 }, status: 'void', voidReasons: ['failed_requests'] }
      : {},
  )
  const verdict = decideOn(measured([model(starts)], [model()]))
  expect(verdict.reasons.map(({ message }) => message)).toEqual([
    'text_recognition: concurrency 8: 900 of 1000 requests failed in repetition 2 (UNAVAILABLE), more than the 1 % allowed.',
  ])
})

test('a percentile that stands in for another is named, whatever it says', () => {
  const judged = (n: number, highest: 'latencyP95Ns' | 'latencyP90Ns', limit: number) =>
    decideOn({
      ...measured([model(repetitions(), { metrics: withoutP99(n, highest) })], [model()]),
      config: makeConfig({ constraints: [budget(limit)] }),
    })
  expect(judged(70, 'latencyP95Ns', 90e6).outcome).toBe('pass')
  expect(judged(70, 'latencyP95Ns', 20e6).reasons[0]?.message).toMatch(
    /^text_recognition: p95 latency at concurrency 8 is 30\.0 ms, .*; p95 latency judged: p99 needs at least 299 requests, there were 70/,
  )
  expect(judged(40, 'latencyP90Ns', 90e6).reasons[0]).toMatchObject({
    outcome: 'inconclusive',
    message:
      'text_recognition: p99 latency at concurrency 8 cannot be judged against latency_budget (at most 90.0 ms): p99 needs at least 299 requests, there were 40; that p90 latency is 30.0 ms does not prove it.',
    next: expect.stringContaining('gate.measurement_seconds'),
  })
})

test('values of whole repetitions and the change of the typical block are not mixed up', () => {
  const withBlocks = (factor: number, blockFactor: number) =>
    [0.99, 1.01, 1, 1.005, 0.995].map((wobble, index) =>
      makeRepetition(index, {
        latencyP99Ns: 40e6 * wobble * factor,
        inferPerSec: 300 / wobble,
        blocksP99Ns: [38e6, 40e6, 42e6].map((p99) => p99 * wobble * blockFactor),
      }),
    )
  const sentence = (factor: number, blockFactor: number) =>
    decideOn(measured([model(withBlocks(factor, blockFactor))], [model(withBlocks(1, 1))])).reasons[0]
      ?.message
  expect(sentence(1.4, 1.01)).toContain(
    'rose from 40.0 ms to 56.0 ms (pooled +40.0 %, typical block +1.0 %, 95 % interval ',
  )
  expect(sentence(1.4, 0.97)).toContain(
    'went from 40.0 ms to 56.0 ms (pooled +40.0 %, typical block −3.0 %, 95 % interval ',
  )
  expect(sentence(1.3, 1.31)).toContain('rose from 40.0 ms to 52.0 ms (+31.0 %, 95 % interval ')
})

test('where more requests fail, more repetitions are not the advice', () => {
  const failing = repetitions(1, () => ({ failures: { UNAVAILABLE: 3 } }))
  const verdict = decideOn(measured([model(failing)], [model()]))
  expect(verdict.reasons[0]).toMatchObject({
    outcome: 'inconclusive',
    message: expect.stringContaining(
      '15 of 5015 requests failed, 0 of 5000 on the other side: more than chance',
    ),
    next: expect.stringContaining('more repetitions do not help'),
  })
})

test('what the reference lacks is said once for all metrics', () => {
  const verdict = decideOn(measured([model()], [model([], { status: 'failed', error: 'gone' })]))
  expect(verdict.reasons).toHaveLength(1)
  expect(verdict.reasons[0]?.message).toBe(
    'text_recognition: p99 latency and throughput at concurrency 8 could not be compared: merge base 1a2b3c4 at concurrency 8: the measurement failed: gone.',
  )
})

test('an environment that differs does not matter to a comparison within this run', () => {
  const foreign = makeBaseline([model(repetitions(5))], {
    environment: { ...environment, gpuUnavailable: 'x' },
  })
  expect(decideOn({ baselineStatus: incompatible, baseline: foreign }).outcome).toBe('pass')
})

describe('the next step of what is too noisy is one that helps', () => {
  /** Ratios of the pairs about `centre`, as noisy as `sd` says. */
  const nextStep = (centre: number, sd: number, looks?: readonly number[]) => {
    const noisy = [1.3, -0.9, 0.2, -1.1, 0.5].map((z, index) =>
      makeRepetition(index, { latencyP99Ns: 41.2e6 * centre * (1 + sd * z), inferPerSec: 300 + index }),
    )
    const own = makeModel(name, [makeScenario(noisy)], looks === undefined ? {} : { looks })
    const { outcome, reasons } = decideOn({ measurements: makeMeasurements([own], [model()]) })
    expect(outcome).toBe('inconclusive')
    return reasons[0]?.next
  }

  test('more repetitions where there was time for all of them', () => {
    expect(nextStep(1, 0.08, [4, 5])).toMatch(/^Raise gate\.repetitions/)
    expect(nextStep(1, 0.08)).toMatch(/^Raise gate\.repetitions/)
  })

  test('more time where that ran out before', () => {
    expect(nextStep(1, 0.08, [4, 8, 14])).toBe(
      'Raise gate.time_budget (--time-budget): there was time for 5 of 14 repetitions. Or use a quieter machine.',
    )
  })

  test('neither where no number of repetitions would decide', () => {
    expect(nextStep(1.05, 0.08, [4, 8, 14])).toMatch(/^Use a quieter machine, accept it/)
  })
})
