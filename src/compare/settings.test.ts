import { describe, expect, test } from 'vitest'
import { base, found, steady } from '../../test/support/compare-model.ts'
import {
  environment,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Environment } from '../domain/environment.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { judge } from '../judge.ts'

type Settings = Pick<ModelMeasurement, 'conditions' | 'settingsHash'>
/** As a version wrote it that knew no more. */
const older = (settingsHash?: string): Settings => ({ settingsHash, conditions: undefined })
const newer = (settingsHash: string, conditions: Record<string, string> = {}): Settings => ({
  settingsHash,
  conditions,
})

/** `m`, three times as slow as the baseline's where it is compared. */
const side = (settings: Settings, factor = 1, change: Partial<ModelMeasurement> = {}) =>
  makeModel('m', [makeScenario(steady(8, { ...base, latencyP99Ns: base.latencyP99Ns * factor }))], {
    ...settings,
    ...change,
  })

function judged(
  own: Settings,
  stored: Settings,
  besideReference = false,
  change: Partial<ModelMeasurement> = {},
) {
  const { verdict, warnings, models } = judge({
    measurements: makeMeasurements([side(own, 3, change)], besideReference ? [side(own, 3)] : null),
    baseline: makeBaseline([side(stored)]),
    baselineStatus: found,
    config: makeConfig(),
    mode: 'gate',
  })
  return { ...verdict, warnings, rows: models[0]?.comparisons.length, next: verdict.reasons[0]?.next }
}

describe('a stored number that was measured with other settings', () => {
  test('is not compared where they change what a number means: invalid, each named, and what to do', () => {
    const { outcome, exitCode, reasons, rows, next } = judged(
      newer('a', { 'gate.warmup_seconds': '5', streaming: 'true' }),
      newer('b', { 'gate.warmup_seconds': '1' }),
    )
    expect([outcome, exitCode, rows]).toEqual(['invalid', 3, 0])
    expect(reasons.map(({ message }) => message)).toEqual([
      'm: the baseline measured it in another way, so that its numbers mean something else: gate.warmup_seconds 1 ≠ 5; streaming none ≠ true.',
    ])
    expect(next).toMatch(/^Compare with --reference.*or measure the main branch again/)
  })

  test('is compared where only more or less was measured, and that is told', () => {
    const { outcome, warnings } = judged(newer('a'), newer('b'))
    expect(outcome).toBe('fail')
    expect(warnings).toEqual([
      expect.stringMatching(/^The baseline measured m with other settings, none of which changes/),
    ])
  })

  test('of an older version is compared only where its one hash is the same', () => {
    expect(judged(newer('a'), older('a')).outcome).toBe('fail')
    expect(judged(older('a'), older('a')).outcome).toBe('fail')
    for (const [own, stored] of [
      [newer('a'), older('b')],
      [newer('a'), older()],
      [older(), newer('a')],
      [older(), older()],
    ] as const) {
      const { outcome, reasons, rows, next } = judged(own, stored)
      expect([outcome, rows]).toEqual(['inconclusive', 0])
      expect(reasons[0]?.message).toContain('same settings is not known')
      expect(next).toContain('measure the main branch again')
    }
  })

  test('is no matter where both sides were measured in this run', () => {
    expect(judged(newer('a', { streaming: 'true' }), newer('b'), true)).toMatchObject({
      outcome: 'pass',
      warnings: [],
    })
  })

  test('clears no model that was measured alone', () => {
    const cleared = { screening: 'cleared' } as const
    expect(judged(newer('a', { streaming: 'true' }), newer('b'), true, cleared)).toMatchObject({
      outcome: 'invalid',
      rows: 0,
    })
  })
})

describe('other input data of one model', () => {
  const models = (factor: number) => [
    makeModel('m', [makeScenario(steady(8, base))]),
    makeModel('n', [makeScenario(steady(8, { ...base, latencyP99Ns: base.latencyP99Ns * factor }))]),
  ]
  const sent = (m: string) => ({ environment: { ...environment, inputData: { m, n: 'same' } } })
  const judgedWith = (reference: readonly ModelMeasurement[] | null) =>
    judge({
      measurements: makeMeasurements(models(3), reference, sent('now')),
      baseline: makeBaseline(models(1), sent('then')),
      baselineStatus: found,
      config: makeConfig(),
      mode: 'gate',
    })

  test('leave its stored numbers out, by name, and judge the others', () => {
    const { verdict, models: results } = judgedWith(null)
    expect(verdict).toMatchObject({ outcome: 'invalid', exitCode: 3 })
    const reasons = verdict.reasons.map(({ outcome, model, message }) => [outcome, model, message])
    expect(reasons).toContainEqual([
      'invalid',
      'm',
      'm: the baseline measured it in another way, so that its numbers mean something else: input data then ≠ now.',
    ])
    expect(reasons).toContainEqual(['fail', 'n', expect.stringContaining('p99 latency')])
    expect(results.map(({ comparisons }) => comparisons.length > 0)).toEqual([false, true])
  })

  test('show none of them beside a reference that was measured in this run', () => {
    const { verdict, models: results } = judgedWith(models(3))
    expect(verdict.outcome).toBe('pass')
    const shown = results.map(({ comparisons }) => comparisons.map(({ baselineValue }) => baselineValue))
    expect(new Set(shown[0])).toEqual(new Set([null]))
    expect(shown[1]).not.toContain(null)
  })
})

test('a baseline of the commit that is judged has all that it changed', () => {
  const { warnings } = judge({
    measurements: makeMeasurements([side(newer('a'))], null, { commit: 'c0ffee1234' }),
    baseline: makeBaseline([side(newer('a'))], { commit: 'c0ffee1234' }),
    baselineStatus: found,
    config: makeConfig(),
    mode: 'gate',
  })
  expect(warnings).toEqual([
    'The baseline was measured at c0ffee1, the very commit that is judged: only what is not committed can differ.',
  ])
})

test('a machine of the class that is not quite this one is told, and compared with', () => {
  const { host, triton } = environment
  const warned = (there: Environment) =>
    judge({
      measurements: makeMeasurements([side(newer('a'))]),
      baseline: makeBaseline([side(newer('a'))], { environment: there }),
      baselineStatus: found,
      config: makeConfig(),
      mode: 'gate',
    }).warnings
  expect(warned(environment)).toEqual([])
  expect(warned({ ...environment, host: { ...host, os: 'Linux 6.9', cpuGovernor: 'powersave' } })).toEqual([
    'The baseline was measured on a machine of this class that is not quite this one (system: Linux 6.9 ≠ Linux; CPU governor: powersave ≠ unknown): a change may be its own, and may hide one. Compare with --reference, which gives both sides the same.',
  ])
  expect(warned({ ...environment, triton: { ...triton, source: 'another path' } })).toEqual([])
})
