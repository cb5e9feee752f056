import { expect, test } from 'vitest'
import { makeBaseline, makeConfig, makeMeasurements } from '../../test/support/make-measurements.ts'
import { trendResult } from '../../test/support/result-fixtures.ts'
import { creepReasons, creepWarnings } from './creep.ts'
import type { CompareInput } from './sides.ts'

const { trend } = trendResult()
if (trend === undefined) throw new Error('the fixture has lost its trend')

const release = (onCreep: 'warn' | 'fail') => ({
  ...makeConfig({ gate: { onCreep } }),
  overrides: { release: true },
})
const input = (change: Partial<CompareInput>): CompareInput => ({
  measurements: makeMeasurements([]),
  baseline: null,
  baselineStatus: { status: 'notRequested' },
  config: release('fail'),
  mode: 'gate',
  recent: makeBaseline([]),
  ...change,
})

test('creep since the last release fails a release where the configuration says so, series by series', () => {
  expect(creepReasons(input({}), trend)).toMatchObject([
    {
      outcome: 'fail',
      model: 'text_recognition',
      message:
        'p99 latency of text_recognition at concurrency 8 has crept by +7.5 % since 8b2e4d6, in 2 steps.',
    },
    { outcome: 'fail' },
  ])
})

test('otherwise it is told and not judged: by default, on a pull request, on the main branch', () => {
  expect(creepReasons(input({ config: release('warn') }), trend)).toEqual([])
  expect(creepReasons(input({ config: makeConfig({ gate: { onCreep: 'fail' } }) }), trend)).toEqual([])
  expect(creepReasons(input({ mode: 'baseline' }), trend)).toEqual([])
  expect(creepReasons(input({ recent: null }), trend)).toEqual([])
  expect(creepReasons(input({}), null)).toEqual([])
})

const noBaseline = { source: 'the newest artifact', next: 'Start it.' }
test.each<[NonNullable<CompareInput['recentStatus']>, RegExp]>([
  [{ status: 'unreadable', ...noBaseline, why: 'it is empty' }, /cannot be read: it is empty/],
  [{ status: 'untrusted', ...noBaseline, why: 'a fork' }, /is not trusted: a fork/],
  [
    { status: 'incompatible', ...noBaseline, commit: null, createdAt: '', differences: ['GPU: a ≠ b'] },
    /cannot be compared with what is measured here: GPU: a ≠ b/,
  ],
])(
  'a history that was asked for and cannot be used does not pass for one without creep',
  (recentStatus, why) => {
    const lost = input({ recentStatus })
    expect(creepReasons(lost, trend)).toMatchObject([
      { outcome: 'inconclusive', message: expect.stringMatching(why), next: 'Start it.' },
    ])
    expect(creepWarnings(lost)).toEqual([])
    const told = { ...lost, config: release('warn') }
    expect(creepReasons(told, trend)).toEqual([])
    expect(creepWarnings(told)).toEqual([expect.stringMatching(why)])
  },
)

test('one that is missing is told, as a history that is yet short: the first of them is still to come', () => {
  for (const config of [release('fail'), release('warn')]) {
    const missing = input({ recent: null, recentStatus: { status: 'absent', ...noBaseline }, config })
    expect(creepReasons(missing, null)).toEqual([])
    expect(creepWarnings(missing)).toEqual([expect.stringMatching(/was not found\. Start it\.$/)])
  }
})
