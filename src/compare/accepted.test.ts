import { describe, expect, test } from 'vitest'
import { base, notRequested, steady } from '../../test/support/compare-model.ts'
import {
  concurrency8,
  makeAccepted,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { withAcceptedSteps } from '../baseline/accepted-steps.ts'
import { baselineFrom } from '../baseline/write.ts'
import { limitsOf } from '../config/limits.ts'
import type { AcceptedRegression } from '../domain/accepted.ts'
import type { Baseline, GitFacts, Measurements } from '../domain/measurements.ts'
import { resultSchema } from '../domain/result.ts'
import { judge } from '../judge.ts'
import { reportRows } from '../report/rows.ts'
import { isDecided } from './compare.ts'
import type { CompareInput } from './sides.ts'

const configWith = (...accepted: AcceptedRegression[]) => makeConfig({ gate: { accepted } })

interface Numbers {
  readonly latency?: number
  readonly wobble?: number
  readonly memory?: readonly [number, number]
  readonly change?: Partial<Measurements>
  readonly baseline?: CompareInput['baseline']
}

/** One model whose p99 is `latency` times the reference's. */
function inputOf(config: CompareInput['config'], numbers: Numbers): CompareInput {
  const { latency = 1, wobble = 0.004, memory, change = {}, baseline = null } = numbers
  const side = (factor: number, gpuMemoryBytes: number | undefined) =>
    makeModel('m', [
      makeScenario(
        steady(
          8,
          {
            ...base,
            latencyP99Ns: base.latencyP99Ns * factor,
            ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }),
          },
          factor === 1 ? 0.004 : wobble,
        ),
      ),
    ])
  return {
    measurements: makeMeasurements([side(latency, memory?.[1])], [side(1, memory?.[0])], change),
    baseline,
    baselineStatus: notRequested,
    config,
    mode: 'gate',
  }
}
const judged = (config: CompareInput['config'], numbers: Numbers) => {
  const result = judge(inputOf(config, numbers))
  resultSchema.parse(result)
  const row = (metric: string) => result.models[0]?.comparisons.find((each) => each.metric === metric)
  return { ...result.verdict, result, warnings: result.warnings, latency: row('latencyP99Ns'), row }
}

describe('a regression that is expected', () => {
  test('within what is accepted: shown with number, reason and end, and the check passes', () => {
    const { outcome, exitCode, latency, reasons, result } = judged(configWith(makeAccepted()), {
      latency: 1.1,
    })
    expect([outcome, exitCode, latency?.status]).toEqual(['pass', 0, 'accepted'])
    expect(latency?.tolerance).toBe(0.05)
    expect(latency?.footnotes).toContain('accepted up to 15 % (more layers; until 2026-12-31)')
    expect(reasons.map(({ message }) => message).join('\n')).toMatch(
      /m: p99 latency at concurrency 8 rose from .* \(\+10\.\d %.*tolerance 5 %; accepted up to 15 %.*\n1 comparison within the tolerance, 1 accepted by the configuration\./,
    )
    expect(reportRows(result).summary).toMatch(/1 is accepted by the configuration/)
  })

  test('a step that the history shows no more is used up all the same, as after a change of machines', () => {
    const step = {
      model: 'm',
      load: 'concurrency=8',
      metric: 'latencyP95Ns',
      commit: 'abcdef012',
      reason: 'more layers',
    }
    const baseline = makeBaseline([], { acceptedBefore: [step] })
    const { outcome, latency } = judged(configWith(makeAccepted()), { latency: 1.1, baseline })
    expect(outcome).toBe('fail')
    expect(latency?.footnotes.join()).toContain('the step became part of the baseline with commit abcdef0')
    const other = makeBaseline([], { acceptedBefore: [{ ...step, reason: 'another' }] })
    expect(judged(configWith(makeAccepted()), { latency: 1.1, baseline: other }).outcome).toBe('pass')
  })

  test('without an entry the same fails', () => {
    expect(judged(configWith(), { latency: 1.1 }).outcome).toBe('fail')
  })

  test('beyond what is accepted fails, and says what was accepted', () => {
    const { outcome, latency } = judged(configWith(makeAccepted()), { latency: 1.3 })
    expect([outcome, latency?.status]).toEqual(['fail', 'fail'])
    expect(latency?.footnotes.join()).toContain('worse than what is accepted: up to 15 %')
  })

  test('not shown to be within is inconclusive: noise is no way round the limit', () => {
    const { outcome, latency } = judged(configWith(makeAccepted()), { latency: 1.13, wobble: 0.06 })
    expect([outcome, latency?.status]).toEqual(['inconclusive', 'inconclusive'])
    expect(latency?.footnotes.join()).toContain('not shown to be within what is accepted')
    expect(latency?.detectableChange).toBeGreaterThan(0.15)
  })

  test('what the tolerance leaves open by noise is accepted where that is shown to be within', () => {
    const noisy = { latency: 1.03, wobble: 0.04 }
    expect(judged(configWith(), noisy).latency?.status).toBe('inconclusive')
    expect(judged(configWith(makeAccepted()), noisy).latency?.status).toBe('accepted')
  })

  test('a comparison that passes by itself says nothing of the entry', () => {
    const { latency, warnings } = judged(configWith(makeAccepted()), {})
    expect(latency).toMatchObject({ status: 'pass', footnotes: [] })
    expect(warnings).toEqual([])
  })

  test('an entry below the tolerance does not make the tolerance smaller', () => {
    expect(judged(configWith(makeAccepted({ upTo: 0.01 })), { latency: 1.02 }).latency?.status).toBe('pass')
  })

  test('other metrics and loads are not touched', () => {
    expect(judged(configWith(makeAccepted({ concurrency: 1 })), { latency: 1.1 }).outcome).toBe('fail')
    expect(judged(configWith(makeAccepted({ metric: 'inferPerSec' })), { latency: 1.1 }).outcome).toBe('fail')
    expect(judged(configWith(makeAccepted({ model: 'other' })), { latency: 1.1 }).outcome).toBe('fail')
  })

  test('of two entries the one for this load counts', () => {
    const both = configWith(makeAccepted({ upTo: 0.5 }), makeAccepted({ concurrency: 8, upTo: 0.08 }))
    expect(judged(both, { latency: 1.2 }).outcome).toBe('fail')
    expect(judged(both, { latency: 1.07 }).latency?.status).toBe('accepted')
  })

  test('GPU memory is accepted by its limit alone', () => {
    const config = configWith(makeAccepted({ metric: 'gpuMemoryBytes', upTo: 0.2 }))
    const memory = (after: number) => judged(config, { memory: [1e9, after] }).row('gpuMemoryBytes')
    expect(memory(1.19e9)?.status).toBe('accepted')
    expect(memory(1.21e9)?.status).toBe('fail')
    expect(memory(1.21e9)?.footnotes.join()).toContain('worse than what is accepted')
    expect(memory(1.001e9)?.status).toBe('pass')
  })

  test('a broken budget stays broken', () => {
    const config = makeConfig({
      gate: { accepted: [makeAccepted()] },
      constraints: [{ name: 'latency_budget', metric: 'latencyP99Ns', bound: 'max', limit: 42e6 }],
    })
    expect(judged(config, { latency: 1.1 })).toMatchObject({
      outcome: 'fail',
      latency: { status: 'accepted' },
    })
  })

  test('the measurement ends where an acceptance decides', () => {
    const family = { comparisons: 2, models: 1 }
    const input = (accepted: AcceptedRegression[]) => inputOf(configWith(...accepted), { latency: 1.06 })
    expect(isDecided(input([]), 1, family)).toBe(false)
    expect(isDecided(input([makeAccepted()]), 1, family)).toBe(true)
  })
})

describe('an entry that holds no longer fails closed', () => {
  test('expired by its date: the row fails again and names the entry', () => {
    const late = { createdAt: '2027-01-01T00:00:00Z' }
    const { outcome, exitCode, latency, reasons, warnings } = judged(configWith(makeAccepted()), {
      latency: 1.1,
      change: late,
    })
    expect([outcome, exitCode, latency?.status]).toEqual(['fail', 1, 'fail'])
    expect(reasons[0]?.message).toContain(
      'gate.accepted accepts nothing of it (more layers): it expired after 2026-12-31',
    )
    expect(warnings.join()).toMatch(
      /the entry for p99 latency of m \(more layers\) accepts nothing: it expired after 2026-12-31\.$/,
    )
    // Where nothing depends on it, it is only to be removed.
    expect(judged(configWith(makeAccepted()), { change: late })).toMatchObject({ outcome: 'pass', warnings })
  })

  test.each([
    [true, /expired with commit 0123abc/],
    [null, /fetch more of the history/],
  ])('a commit that git says is contained: %s', (isContained, why) => {
    const commit = '0123abcdef'
    const git = { contained: [{ commit, isContained }], reference: null }
    const config = configWith(makeAccepted({ until: { kind: 'commit', commit } }))
    const { outcome, reasons } = judged(config, { latency: 1.1, change: { git } })
    expect(outcome).toBe('fail')
    expect(reasons[0]?.message).toMatch(why)
    const alive = { ...git, contained: [{ commit, isContained: false }] }
    expect(judged(config, { latency: 1.1, change: { git: alive } }).outcome).toBe('pass')
  })

  test('a step that became part of the baseline is used up; a further one needs an entry of its own', () => {
    const point = {
      commit: 'c0ffee1234',
      createdAt: '2026-01-01T00:00:00Z',
      model: 'm',
      load: 'concurrency=8',
      metric: 'latencyP99Ns',
      value: 40e6,
      spread: null,
      accepted: 'more layers',
    }
    const baseline = makeBaseline([makeModel('m', [makeScenario(steady(4, base))])], { history: [point] })
    const { outcome, reasons, warnings } = judged(configWith(makeAccepted()), { latency: 1.1, baseline })
    expect(outcome).toBe('fail')
    expect(reasons[0]?.message).toContain('became part of the baseline with commit c0ffee1;')
    expect(warnings.join()).toContain('accepts nothing')
    const next = configWith(makeAccepted({ reason: 'more layers still' }))
    expect(judged(next, { latency: 1.1, baseline }).outcome).toBe('pass')
    // Too few requests for the percentile at which the step was marked, and it is still the same step.
    const atP95 = { ...baseline, history: [{ ...point, metric: 'latencyP95Ns' }] }
    expect(judged(configWith(makeAccepted()), { latency: 1.1, baseline: atP95 }).outcome).toBe('fail')
    const elsewhere = { ...baseline, history: [{ ...point, load: 'concurrency=1' }] }
    expect(judged(configWith(makeAccepted()), { latency: 1.1, baseline: elsewhere }).outcome).toBe('pass')
  })
})

test('over two pushes: the step is accepted once, then it is the level, and a further one fails', () => {
  const config = configWith(makeAccepted())
  const side = (factor: number) =>
    makeModel('m', [makeScenario(steady(8, { ...base, latencyP99Ns: base.latencyP99Ns * factor }))])
  const push = (factor: number, commit: string, previous: Baseline | null): Baseline => {
    const measurements = makeMeasurements([side(factor)], null, { commit, createdAt: `2026-02-0${commit}` })
    const next = baselineFrom(measurements, previous, null, 0.01)
    if (next.status === 'refused') throw new Error(next.why)
    return withAcceptedSteps(next.baseline, measurements, config)
  }
  const pull = (before: number, after: number, baseline: Baseline, reference = true) =>
    judge({
      measurements: makeMeasurements([side(after)], reference ? [side(before)] : null),
      baseline,
      baselineStatus: { status: 'found', source: 'b', commit: baseline.commit, createdAt: '' },
      config,
      mode: 'gate',
    })
  const first = push(1, '1', null)
  expect(pull(1, 1.1, first).verdict.outcome).toBe('pass')
  const second = push(1.1, '2', first)
  expect(second.history.filter(({ accepted }) => accepted !== undefined)).toHaveLength(1)
  const unchanged = pull(1.1, 1.1, second)
  expect(unchanged.verdict.outcome).toBe('pass')
  expect(unchanged.models[0]?.comparisons[0]).toMatchObject({ status: 'pass', changeRatio: 1 })
  expect(pull(1.1, 1.1, second, false).models[0]?.comparisons[0]).toMatchObject({ changeRatio: 1 })
  expect(pull(1.1, 1.21, second).verdict.outcome).toBe('fail')
  expect(pull(1.1, 1.21, push(1.1, '3', second)).verdict.outcome).toBe('fail')
})

test('a step that main shows within the tolerance by chance cannot be taken twice', () => {
  const config = configWith(makeAccepted())
  const entries = (known: boolean) => limitsOf(known ? config : makeConfig(), ['m'])
  const gitWith = (commit: string, known: boolean): GitFacts => ({
    contained: [],
    reference: { status: 'read', commit, limits: entries(known) },
  })
  const side = (factor: number) =>
    makeModel('m', [makeScenario(steady(8, { ...base, latencyP99Ns: base.latencyP99Ns * factor }))])
  const push = (factor: number, commit: string, previous: Baseline | null, known: boolean): Baseline => {
    const git = gitWith(previous?.commit ?? '', known)
    const change = { commit, createdAt: `2026-02-0${commit}`, ...(previous === null ? {} : { git }) }
    const measurements = makeMeasurements([side(factor)], null, change)
    const next = baselineFrom(measurements, previous, null, 0.01)
    if (next.status === 'refused') throw new Error(next.why)
    return withAcceptedSteps(next.baseline, measurements, config)
  }
  const pull = (before: number, after: number, baseline: Baseline, known: boolean) =>
    judge({
      measurements: makeMeasurements([side(after)], [side(before)], {
        git: gitWith(baseline.commit ?? '', known),
      }),
      baseline,
      baselineStatus: { status: 'found', source: 'b', commit: baseline.commit, createdAt: '' },
      config,
      mode: 'gate',
    }).verdict.outcome
  const first = push(1, '1', null, false)
  expect(pull(1, 1.1, first, false)).toBe('pass')
  // A true step of 10 %, of which the first run shows 3.
  const second = push(1.03, '2', first, false)
  expect(
    second.history.filter(({ metric }) => metric === 'latencyP99Ns').map(({ accepted }) => accepted),
  ).toEqual([undefined, 'more layers'])
  expect(pull(1.1, 1.21, second, true)).toBe('fail')
  // Nor where the run of main is not to be had.
  expect(pull(1.1, 1.21, { ...second, history: [] }, true)).toBe('fail')
})

describe('what a reviewer is told', () => {
  const judgedWith = (reference: AcceptedRegression[], commit: string | null = '1a2b3c4d5') => {
    const limits = limitsOf(configWith(...reference), ['m'])
    const git: GitFacts = { contained: [], reference: { status: 'read', commit: '1a2b3c4d5', limits } }
    const baseline = commit === null ? null : makeBaseline([], { commit })
    return judged(configWith(makeAccepted()), { latency: 1.1, change: { git }, baseline })
  }
  const note = (reference: AcceptedRegression[]) =>
    judgedWith(reference).latency?.footnotes.find((each) => each.startsWith('accepted'))

  test('an entry that the pull request brings is called that', () => {
    expect(note([])).toMatch(/accepted in this pull request\)$/)
    expect(note([makeAccepted({ upTo: 0.1 })])).toMatch(/changed in this pull request\)$/)
    expect(note([makeAccepted()])).toBeUndefined()
  })

  test('an entry that the reference has accepts nothing, whether or not a history shows its step', () => {
    const why =
      'the configuration of commit 1a2b3c4, which this is compared with, has the entry already: it accepts in the change that brings it; a further step needs an entry with a reason of its own'
    for (const commit of ['1a2b3c4d5', '0lder', null]) {
      const { outcome, latency, warnings } = judgedWith([makeAccepted()], commit)
      expect(outcome).toBe('fail')
      expect(latency?.footnotes.join()).toContain(why)
      expect(warnings.join()).toContain(why)
      expect(judgedWith([], commit).outcome).toBe('pass')
      expect(judgedWith([makeAccepted({ reason: 'other layers' })], commit).outcome).toBe('pass')
    }
  })

  test('and counts as a loosening, above all other notes', () => {
    expect(judgedWith([makeAccepted()]).result.loosened).toEqual([])
    const { result } = judgedWith([])
    expect(result.loosened).toEqual([
      'accepts up to 15 % worse p99 latency of m (more layers; until 2026-12-31)',
    ])
    expect(reportRows(result, 'This PR').notices[0]).toBe(
      'This PR loosens the gate: accepts up to 15 % worse p99 latency of m (more layers; until 2026-12-31).',
    )
  })

  test('an entry that matches nothing is a warning, unless the models were chosen', () => {
    const stray = [
      makeAccepted({ model: 'gone' }),
      makeAccepted({ concurrency: 3 }),
      makeAccepted({ metric: 'gpuMemoryBytes' }),
    ]
    const { warnings } = judged(configWith(...stray), {})
    expect(warnings).toHaveLength(3)
    expect(warnings.every((each) => each.includes('matches nothing that was measured'))).toBe(true)
    const chosen = { ...configWith(...stray), overrides: { models: ['m'] } }
    expect(judged(chosen, {}).warnings).toHaveLength(2)
  })

  test('an entry for p99 speaks of the percentile that stands in for it', () => {
    const input = inputOf(configWith(makeAccepted()), {})
    const withoutP99 = JSON.parse(JSON.stringify(input.measurements), (key, value: unknown) =>
      key === 'latencyP99Ns' ? null : value,
    ) as typeof input.measurements
    const { warnings } = judge({ ...input, measurements: withoutP99 })
    expect(warnings.join()).not.toContain('matches nothing')
  })

  test('a configuration of the reference that cannot be read is no configuration that allows the same', () => {
    const unreadable = { status: 'unreadable', commit: '1a2b3c4d5', why: 'a link' } as const
    const { result } = judged(configWith(), { change: { git: { contained: [], reference: unreadable } } })
    expect(result).not.toHaveProperty('loosened')
    expect(result.warnings.join()).toContain(
      'not known: the configuration at 1a2b3c4 could not be read (a link)',
    )
  })
})

test('the files alone give the same again', () => {
  const input = inputOf(configWith(makeAccepted()), { latency: 1.1 })
  const again = { ...input, measurements: JSON.parse(JSON.stringify(input.measurements)) }
  expect(JSON.stringify(judge(again))).toBe(JSON.stringify(judge(input)))
  expect(input.measurements.models[0]?.scenarios[0]?.load).toEqual(concurrency8)
})
