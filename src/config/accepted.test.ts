import { describe, expect, test } from 'vitest'
import { makeAccepted } from '../../test/support/make-measurements.ts'
import { asGateError } from '../domain/error.ts'
import { acceptedInWords, checkEnds, covers, lapseOf } from './accepted.ts'
import { readConfig } from './load-config.ts'

const entryOf = (fields: string) => `gate:\n  accepted:\n    - {${fields}}\n`
const whole = 'model: m, metric: perf_latency_p99, up_to: 15%, reason: more layers, until: 2026-12-31'
const read = (text: string) => readConfig(text, 'c.yml', {}).gate.accepted

test('an entry in the units of the program', () => {
  expect(read(entryOf(whole))).toEqual([
    {
      model: 'm',
      metric: 'latencyP99Ns',
      upTo: 0.15,
      reason: 'more layers',
      until: { kind: 'date', date: '2026-12-31' },
    },
  ])
  const other =
    'model: m, metric: perf_throughput, concurrency: 8, batch_size: 4, up_to: 0.2, reason: " a\\n b ", until_commit: "0123abc"'
  expect(read(entryOf(other))).toEqual([
    {
      model: 'm',
      metric: 'inferPerSec',
      concurrency: 8,
      batchSize: 4,
      upTo: 0.2,
      reason: 'a b',
      until: { kind: 'commit', commit: '0123abc' },
    },
  ])
  expect(read('gate: {}')).toEqual([])
})

test('a latency may double and more', () => {
  expect(read(entryOf(whole.replace('15%', '150%')))[0]?.upTo).toBe(1.5)
})

test.each([
  ['no end', whole.replace(', until: 2026-12-31', ''), 'neither until nor until_commit', 'accepted for ever'],
  ['two ends', `${whole}, until_commit: "0123abc"`, 'both until and until_commit', 'one of the two'],
  ['no such day', whole.replace('12-31', '02-30'), 'date, such as', 'Last day'],
  ['a moment', whole.replace('2026-12-31', '2026-12-31T12:00:00Z'), 'date, such as', 'Last day'],
  ['a branch', whole.replace('until: 2026-12-31', 'until_commit: main'), 'commit hash', 'history'],
  [
    'a hash that YAML takes for a number',
    whole.replace('until: 2026-12-31', 'until_commit: 1234567'),
    'quotes',
    '',
  ],
  ['nothing', whole.replace('15%', '0%'), 'accepts nothing', 'above 0'],
  ['less than nothing', whole.replace('15%', '-5%'), '"15%"', 'worse'],
  ['a percentage without its sign', whole.replace('15%', '15'), '"15%"', 'worse'],
  [
    'all throughput',
    whole.replace('latency_p99', 'throughput').replace('15%', '100%'),
    'zero',
    'less than 100 %',
  ],
  ['no reason', whole.replace('more layers', '" "'), 'text of 1 to 200', 'Why'],
  ['an endless reason', whole.replace('more layers', 'x'.repeat(201)), 'text of 1 to 200', 'Why'],
  [
    'a metric that is not gated',
    whole.replace('perf_latency_p99', 'perf_latency_avg'),
    'not possible',
    'perf_',
  ],
  ['an unknown key', `${whole}, untill: 2027-01-01`, 'unknown key', '"until"'],
])('%s is an error with its remedy', (_, fields, message, remedy) => {
  let thrown: unknown
  try {
    read(entryOf(fields))
  } catch (error) {
    thrown = error
  }
  const { code, problems } = asGateError(thrown)
  expect(code).toBe('config')
  expect(problems).toHaveLength(1)
  expect(problems[0]?.key).toMatch(/^gate\.accepted\.0/)
  expect(problems[0]?.line).toBe(3)
  expect(problems[0]?.message).toContain(message)
  expect(problems[0]?.remedy).toContain(remedy)
})

test('the same place twice is an error: which of the two holds?', () => {
  const twice = `gate:\n  accepted:\n    - {${whole}}\n    - {${whole.replace('15%', '20%')}}\n`
  expect(() => read(twice)).toThrow(/not a valid configuration/)
  expect(read(twice.replace('20%', '20%, concurrency: 8'))).toHaveLength(2)
})

const at8 = { mode: 'concurrency', concurrency: 8 } as const

test('what an entry covers', () => {
  expect(covers(makeAccepted(), 'm', at8, 'latencyP99Ns')).toBe(true)
  expect(covers(makeAccepted(), 'm', at8, 'latencyP90Ns')).toBe(true)
  expect(covers(makeAccepted({ metric: 'latencyP90Ns' }), 'm', at8, 'latencyP99Ns')).toBe(false)
  expect(covers(makeAccepted(), 'm', at8, 'inferPerSec')).toBe(false)
  expect(covers(makeAccepted(), 'n', at8, 'latencyP99Ns')).toBe(false)
  expect(covers(makeAccepted({ concurrency: 8, batchSize: 1 }), 'm', at8, 'latencyP99Ns')).toBe(true)
  expect(covers(makeAccepted({ concurrency: 1 }), 'm', at8, 'latencyP99Ns')).toBe(false)
  expect(covers(makeAccepted({ batchSize: 2 }), 'm', at8, 'latencyP99Ns')).toBe(false)
  expect(covers(makeAccepted({ requestRate: 8 }), 'm', at8, 'latencyP99Ns')).toBe(false)
  const rate = { mode: 'requestRate', requestRate: 8, distribution: 'poisson', batchSize: 2 } as const
  expect(covers(makeAccepted({ requestRate: 8, batchSize: 2 }), 'm', rate, 'latencyP99Ns')).toBe(true)
  expect(acceptedInWords(makeAccepted({ requestRate: 8, batchSize: 2 }))).toBe(
    'p99 latency of m at 8 requests/s, batch 2',
  )
})

describe('how long an entry holds', () => {
  test.each([
    ['2026-12-30T23:59:59Z', true],
    ['2026-12-31T23:59:59.999Z', true],
    ['2027-01-01T00:00:00Z', false],
    ['2025-12-30T00:00:00Z', true],
    ['2025-12-29T23:59:59Z', false],
    ['', false],
    ['yesterday', false],
    ['2026-13-45T00:00:00Z', false],
  ])('until a day, measured on %j: %s', (createdAt, holds) => {
    expect(lapseOf(makeAccepted(), { createdAt }) === null).toBe(holds)
  })

  test('a file that names no day of measurement says so', () => {
    expect(lapseOf(makeAccepted(), { createdAt: '2026-13-45' })).toContain('no day of measurement')
  })

  test('an end that is out of sight is none: known before anything is measured, and of files', () => {
    const entries = ['9999-12-31', '2027-01-03', '2027-01-04', '2020-01-01']
      .map((until, index) => `{${whole.replace('2026-12-31', until)}, concurrency: ${index + 1}}`)
      .join(', ')
    const text = `gate: {accepted: [${entries}, {${whole.replace('until: 2026-12-31', 'until_commit: "0123abc"')}}]}\n`
    const config = readConfig(text, 'gate.yml', {})
    const thrown = (now: string) => {
      try {
        checkEnds(config, now)
      } catch (error) {
        return asGateError(error)
      }
      throw new Error('nothing was thrown')
    }
    const { code, problems } = thrown('2026-01-02T23:59:59Z')
    expect(code).toBe('config')
    const why = 'is more than 366 days after the day of measurement, which is no end'
    expect(problems.map(({ file, key, message }) => [file, key, message])).toEqual([
      ['gate.yml', 'gate.accepted.0.until', `9999-12-31 ${why}`],
      ['gate.yml', 'gate.accepted.2.until', `2027-01-04 ${why}`],
    ])
    expect(problems[0]?.remedy).toMatch(/^Name a day up to 2027-01-03,/)
    expect(thrown('2026-01-03T00:00:00Z').problems).toHaveLength(1)
    const [endless] = config.gate.accepted
    expect(endless && lapseOf(endless, { createdAt: '2026-01-02T00:00:00Z' })).toBe(`9999-12-31 ${why}`)
  })

  test.each([
    [false, true, null],
    [true, false, /expired with commit 0123abc/],
    [null, false, /fetch more of the history/],
    [undefined, false, /git does not know/],
  ])('until a commit of which git says %s: %s', (isContained, holds, why) => {
    const commit = '0123abcdef'
    const contained = isContained === undefined ? [] : [{ commit, isContained }]
    const lapse = lapseOf(makeAccepted({ until: { kind: 'commit', commit } }), {
      createdAt: '2026-01-01T00:00:00Z',
      git: { contained, reference: null },
    })
    expect(lapse === null).toBe(holds)
    if (why !== null) expect(lapse).toMatch(why)
  })
})

describe('beside other models', () => {
  const load = {
    mode: 'concurrency' as const,
    concurrency: 8,
    beside: [
      { model: 'a', load: { mode: 'concurrency' as const, concurrency: 2 } },
      { model: 'b', load: { mode: 'requestRate' as const, requestRate: 5 } },
    ],
  }
  const isCovered = (fields: string) => {
    const [entry] = read(entryOf(`${whole}${fields}`))
    return entry !== undefined && covers(entry, 'm', load, 'latencyP99Ns')
  }

  test('an entry is for the model alone, or beside exactly those that it names', () => {
    expect(isCovered('')).toBe(false)
    expect(isCovered(', concurrency: 8')).toBe(false)
    expect(isCovered(', beside: [b, a]')).toBe(true)
    expect(isCovered(', beside: "a,b", concurrency: 8')).toBe(true)
    expect(isCovered(', beside: [a]')).toBe(false)
    expect(isCovered(', beside: [a, c]')).toBe(false)
    expect(isCovered(', beside: {a: {concurrency: 2}, b: }')).toBe(true)
    expect(isCovered(', beside: {a: {concurrency: 3}, b: }')).toBe(false)
    const [named] = read(entryOf(`${whole}, beside: [a]`))
    expect(named && covers(named, 'm', { mode: 'concurrency', concurrency: 8 }, 'latencyP99Ns')).toBe(false)
  })

  test('is called by that', () => {
    const [entry] = read(
      entryOf(`${whole}, concurrency: 8, beside: {a: {concurrency: 2, batch_size: 4}, b: }`),
    )
    expect(entry && acceptedInWords(entry)).toBe(
      'p99 latency of m at concurrency 8 beside a (concurrency 2, batch 4) and b',
    )
    expect(() => read(entryOf(`${whole}, beside: []`))).toThrow(/not a valid configuration/)
    const twice = `gate:\n  accepted:\n    - {${whole}, beside: [a, b]}\n    - {${whole}, beside: [b, a]}\n`
    expect(() => read(twice)).toThrow(/not a valid configuration/)
  })
})
