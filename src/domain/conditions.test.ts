import { describe, expect, test } from 'vitest'
import { concurrency8, makeModel, makeScenario } from '../../test/support/make-measurements.ts'
import { type Measured, matchMeasured } from './conditions.ts'
import { together } from './load.ts'
import type { ModelMeasurement } from './scenario.ts'

const [ofA, ofB] = together(['a', 'b'].map((model) => ({ model, load: concurrency8 })))

/** `a` and `b` under load at once, or each alone. */
function side(
  inputData: Record<string, string> | undefined,
  b: Partial<ModelMeasurement> = {},
  isAtOnce = false,
): Measured {
  const load = (own: typeof ofA) => (isAtOnce && own !== undefined ? { load: own } : {})
  return {
    models: [
      makeModel('a', [makeScenario([], load(ofA))], { settingsHash: 'same' }),
      makeModel('b', [makeScenario([], load(ofB))], { settingsHash: 'same', ...b }),
    ],
    environment: inputData === undefined ? {} : { inputData },
  }
}

const sent = { a: 'a'.repeat(64), b: 'b'.repeat(64) }

describe('what was sent to a model', () => {
  test('makes its numbers others, and those of no other model', () => {
    const [then, now] = [side(sent), side({ ...sent, b: 'c'.repeat(64) })]
    expect(matchMeasured('a', then, now)).toEqual({ kind: 'same' })
    expect(matchMeasured('b', then, now)).toEqual({
      kind: 'other',
      differences: ['input data bbbbbbbbbbbb ≠ cccccccccccc'],
    })
  })

  test('is another thing too where it differs in its last digit, and perhaps where one side does not know it', () => {
    expect(matchMeasured('b', side(sent), side({ ...sent, b: `${'b'.repeat(63)}c` })).kind).toBe('other')
    for (const [then, now] of [
      [side(sent), side({ a: sent.a })],
      [side({ a: sent.a }), side(sent)],
    ] as const) {
      expect(matchMeasured('a', then, now).kind).toBe('same')
      expect(matchMeasured('b', then, now)).toEqual({ kind: 'unknown', sentUnknown: ['b'] })
    }
    // What is known to be another thing is said, and not that something else may be too.
    const streamed = side({ a: sent.a }, { conditions: { streaming: 'true' } })
    expect(matchMeasured('b', side(sent), streamed)).toEqual({
      kind: 'other',
      differences: ['streaming none ≠ true'],
    })
    // Of two files of a version that kept none, the settings tell.
    expect(matchMeasured('b', side(undefined), side(undefined)).kind).toBe('same')
  })

  test('is told beside the settings that differ; with settings that are not known it is known at least', () => {
    const other = { ...sent, b: 'c'.repeat(64) }
    expect(matchMeasured('b', side(sent), side(other, { conditions: { streaming: 'true' } }))).toMatchObject({
      differences: ['streaming none ≠ true', 'input data bbbbbbbbbbbb ≠ cccccccccccc'],
    })
    const older = { conditions: undefined, settingsHash: 'older' }
    expect(matchMeasured('b', side(sent, older), side(sent)).kind).toBe('unknown')
    expect(matchMeasured('b', side(sent, older), side(other)).kind).toBe('other')
  })

  test('is not looked for in what every object has', () => {
    const odd = (models: Measured): Measured => ({
      ...models,
      models: models.models.map((model) => ({ ...model, name: 'constructor' })),
    })
    expect(matchMeasured('constructor', odd(side({})), odd(side({}))).kind).toBe('same')
  })
})

describe('what is under load beside a model', () => {
  const atOnce = (inputData: Record<string, string>, b: Partial<ModelMeasurement> = {}) =>
    side(inputData, b, true)

  test('is part of how it is measured: its data and its settings', () => {
    expect(matchMeasured('a', atOnce(sent), atOnce(sent))).toEqual({ kind: 'same' })
    expect(matchMeasured('a', atOnce(sent), atOnce({ ...sent, b: 'c'.repeat(64) }))).toEqual({
      kind: 'other',
      differences: ['input data bbbbbbbbbbbb ≠ cccccccccccc (b, beside it)'],
    })
    expect(matchMeasured('a', atOnce(sent), atOnce(sent, { conditions: { streaming: 'true' } })).kind).toBe(
      'other',
    )
    expect(matchMeasured('a', atOnce(sent), atOnce(sent, { settingsHash: 'more' })).kind).toBe('alike')
    expect(
      matchMeasured('a', atOnce(sent, { conditions: undefined, settingsHash: 'older' }), atOnce(sent)).kind,
    ).toBe('unknown')
    expect(matchMeasured('a', atOnce(sent), atOnce({ a: sent.a }))).toEqual({
      kind: 'unknown',
      sentUnknown: ['b'],
    })
  })
})

test('of a model that one of the two does not have nothing is known', () => {
  const { models, environment } = side(sent)
  const without = { models: models.filter(({ name }) => name !== 'a'), environment }
  expect(matchMeasured('a', without, side(sent))).toEqual({ kind: 'unknown' })
  expect(matchMeasured('a', side(sent), without)).toEqual({ kind: 'unknown' })
})
