import { expect, test } from 'vitest'
import { base, notRequested, steady } from '../../test/support/compare-model.ts'
import {
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
  type RepetitionNumbers,
} from '../../test/support/make-measurements.ts'
import { type Load, together } from '../domain/load.ts'
import { compareModels } from './compare.ts'
import { withNeighbours } from './neighbours.ts'
import { decide } from './verdict.ts'

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const loads = together([
  { model: 'a', load: closed(1) },
  { model: 'b', load: closed(8) },
])
const slower = { latencyP99Ns: base.latencyP99Ns * 1.5, inferPerSec: base.inferPerSec / 1.5 }
const faster = { latencyP99Ns: base.latencyP99Ns / 1.3, inferPerSec: base.inferPerSec * 1.3 }

type Side = Record<'a' | 'b', { readonly numbers: RepetitionNumbers; readonly hash: string | null }>
const unchanged: Side = { a: { numbers: base, hash: '1' }, b: { numbers: base, hash: '2' } }

function judged(candidate: Side) {
  const side = (all: Side) =>
    (['a', 'b'] as const).map((name, index) =>
      makeModel(name, [makeScenario(steady(8, all[name].numbers), { load: loads[index] ?? closed(1) })], {
        contentHash: all[name].hash,
      }),
    )
  const measurements = makeMeasurements(side(candidate), side(unchanged))
  const config = makeConfig()
  const input = { measurements, baseline: null, baselineStatus: notRequested, config, mode: 'gate' as const }
  const models = withNeighbours(compareModels(input).models, input)
  return {
    causes: (name: string) => [
      ...new Set(
        models.find((model) => model.name === name)?.comparisons.flatMap(({ cause }) => cause ?? []),
      ),
    ],
    verdict: decide(input, { models }),
  }
}

test('each model is judged by itself, at its load beside the other', () => {
  const { verdict, causes } = judged({ ...unchanged, b: { numbers: slower, hash: 'new' } })
  expect(verdict.outcome).toBe('fail')
  const failing = verdict.reasons.filter(({ outcome }) => outcome === 'fail')
  expect(new Set(failing.map(({ model }) => model))).toEqual(new Set(['b']))
  expect(failing[0]?.message).toContain('b: p99 latency at concurrency 8 beside a (concurrency 1) rose')
  expect(causes('b')).toEqual(['Its own files changed, and those of no other model beside it.'])
  expect(causes('a')).toEqual([])
})

test('a model that gets worse beside one that changed is not blamed for it', () => {
  const { causes, verdict } = judged({
    a: { numbers: slower, hash: '1' },
    b: { numbers: faster, hash: 'new' },
  })
  expect(causes('a')).toEqual([
    'Not its own files, which did not change: it was measured beside b, which did; b now answers 30 % more.',
  ])
  expect(verdict.reasons[0]).toMatchObject({ outcome: 'fail', model: 'a', cause: causes('a')[0] })
})

test('where both changed, or neither, that is said', () => {
  const both = judged({ a: { numbers: slower, hash: 'x' }, b: { numbers: base, hash: 'y' } })
  expect(both.causes('a')).toEqual([
    'Both its own files and those of b beside it changed: which of them slows it was not measured apart.',
  ])
  const neither = judged({ ...unchanged, a: { numbers: slower, hash: '1' } })
  expect(neither.causes('a')[0]).toMatch(/^No file of the models .* changed: look for the cause outside/)
})

test('without knowing the files nothing is said', () => {
  expect(judged({ ...unchanged, a: { numbers: slower, hash: null } }).causes('a')).toEqual([])
})
