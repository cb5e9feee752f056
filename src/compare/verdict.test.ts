import { describe, expect, test } from 'vitest'
import {
  environment,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import {
  absent,
  budget,
  decideOn,
  incompatible,
  measured,
  model,
  name,
  repetitions,
  untrusted,
  withoutP99,
} from '../../test/support/verdict-scene.ts'
import type { BaselineStatus } from '../domain/result.ts'

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
