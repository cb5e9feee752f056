import { expect, test } from 'vitest'
import { makeBaseline, makeConfig, makeMeasurements } from '../../test/support/make-measurements.ts'
import { trendResult } from '../../test/support/result-fixtures.ts'
import { creepReasons } from './creep.ts'
import type { CompareInput } from './sides.ts'

const { trend } = trendResult()
if (trend === undefined) throw new Error('the fixture has lost its trend')

const input = (change: Partial<CompareInput>): CompareInput => ({
  measurements: makeMeasurements([]),
  baseline: null,
  baselineStatus: { status: 'notRequested' },
  config: makeConfig({ gate: { onCreep: 'fail' } }),
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
  expect(creepReasons(input({ config: makeConfig({ gate: { onCreep: 'warn' } }) }), trend)).toEqual([])
  expect(creepReasons(input({ recent: null }), trend)).toEqual([])
})
