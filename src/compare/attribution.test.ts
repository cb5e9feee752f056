import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concurrency8, makeRepetition, makeScenario } from '../../test/support/make-measurements.ts'
import { comparison } from '../../test/support/result-parts.ts'
import {
  type AttributedSide,
  type Attribution,
  type AttributionMeasurement,
  attributionMeasurementSchema,
  attributionSchema,
} from '../domain/attribution.ts'
import type { Comparison } from '../domain/result.ts'
import { createRandom } from '../stats/random.ts'
import { attributionOf, blamesConfig, loadsToExplain, nameCauses } from './attribution.ts'

const ms = 1e6
const instances = { model: 'm', field: 'instance_group[0].count', before: '2', after: '1' }
const delay = {
  model: 'm',
  field: 'dynamic_batching.max_queue_delay_microseconds',
  before: null,
  after: '20000',
}
const code = { path: 'm/1/model.py', change: 'changed' } as const
const skipped = { status: 'skipped', why: 'no time' } as const

/** A side whose p99 is that many times the reference's, over repetitions with noise, in blocks or not. */
function side(
  name: AttributedSide['side'],
  times: number,
  options: { sd?: number; seed?: number; blocks?: boolean; n?: number; field?: number } = {},
): AttributedSide {
  const { sd = 0.01, seed = times * 1000, blocks = false, n = 6, field } = options
  const random = createRandom(Math.round(seed))
  const repetitions = Array.from({ length: n }, (_, index) => {
    const p99 = 40 * ms * times * Math.exp(sd * random.normal())
    const numbers = { latencyP99Ns: p99, inferPerSec: 300 / times }
    return makeRepetition(index, blocks ? { ...numbers, blocksP99Ns: [p99, p99, p99] } : numbers)
  })
  return { side: name, ...(field === undefined ? {} : { field }), scenarios: [makeScenario(repetitions)] }
}

const failing = (ratio: number): Comparison =>
  comparison('latencyP99Ns', concurrency8, 40 * ms, ratio, { status: 'fail' })

function measured(change: Partial<AttributionMeasurement>): AttributionMeasurement {
  return attributionMeasurementSchema.parse({
    model: 'm',
    changes: { fields: [instances], files: [code], moreFiles: 0 },
    origin: skipped,
    fields: skipped,
    ...change,
  })
}

function explained(measurement: AttributionMeasurement, rows = [failing(1.53)]): Attribution {
  const found = attributionOf(measurement, rows, false)
  return attributionSchema.parse(found)
}

/** R, C, and the mixes with their p99 relative to R. */
const origin = (c: number, config: number, files: number, options = {}) =>
  measured({
    origin: {
      status: 'measured',
      sides: [
        side('candidate', c, options),
        side('reference', 1, options),
        side('config', config, options),
        side('code', files, options),
      ],
    },
  })

describe('which of the two it is', () => {
  test.each([
    ['config', 1.53, 1.53, 1],
    ['code', 1.53, 1, 1.53],
    ['both', 1.53, 1.25, 1.22],
    // Only together: half of it is counted in each.
    ['both', 1.53, 1, 1],
    // One makes it better and the other much worse.
    ['code', 1.53, 0.8, 1.9],
  ])('%s', (cause, c, config, files) => {
    for (const blocks of [false, true])
      expect(explained(origin(c, config, files, { blocks })).cause).toBe(cause)
  })

  test('the parts in points of the change that was decided on, with intervals', () => {
    const { sentences, origin: effects } = explained(origin(1.53, 1.47, 1.04, { sd: 0 }))
    expect(sentences).toEqual([
      'Mainly due to config.pbtxt (instance_group[0].count 2 → 1), less to model files (m/1/model.py).',
      expect.stringMatching(
        /^Of p99 latency at concurrency 8, config\.pbtxt \(instance_group\[0\]\.count 2 → 1\) explains 48 of 53 % \(95 % interval 4\d to 49\), model files 5 \(95 % interval \d to \d\)\.$/,
      ),
    ])
    expect(effects[0]?.parts.map(({ part }) => part)).toEqual(['config', 'code', 'interaction'])
    expect(effects[0]?.repetitions).toBe(6)
  })

  test('what comes only of both together is said', () => {
    expect(explained(origin(1.53, 1, 1)).sentences[1]).toContain(
      '53 come only of both together, half of it counted in each',
    )
  })

  test('noise: it cannot be said', () => {
    const { cause, sentences } = explained(origin(1.1, 1.06, 1.04, { sd: 0.3 }), [failing(1.1)])
    expect(cause).toBe('unclear')
    expect(sentences[0]).toMatch(
      /^It cannot be said whether .* is the cause: the measurement is too noisy\.$/,
    )
  })

  test('the parts of both are the whole, whatever the numbers', () => {
    const times = fc.double({ min: 0.5, max: 4, noNaN: true })
    fc.assert(
      fc.property(times, times, times, (c, config, files) => {
        fc.pre(Math.abs(Math.log(c)) > 0.05)
        const [effect] = explained(origin(c, config, files)).origin
        const [first, second] = effect?.parts ?? []
        expect((first?.share ?? 0) + (second?.share ?? 0)).toBeCloseTo(1, 9)
      }),
      { numRuns: 50 },
    )
  })

  test('of a throughput the other way round', () => {
    const row = comparison('inferPerSec', concurrency8, 300, 1 / 1.53, { status: 'fail' })
    const { cause, sentences } = explained(origin(1.53, 1.53, 1), [row])
    expect(cause).toBe('config')
    expect(sentences[1]).toMatch(/^Of throughput at concurrency 8, config\.pbtxt \(.*\) explains 35 of 35 %/)
  })
})

describe('what needs no measuring, and what measuring cannot tell', () => {
  const changes = (fields: readonly (typeof instances)[], files: readonly (typeof code)[]) => ({
    changes: { fields, files, moreFiles: 0 },
  })

  test.each([
    ['config', [instances], [], /^config\.pbtxt is all that changed: instance_group\[0\]\.count 2 → 1\.$/],
    ['code', [], [code], /^Model files are all that changed, config\.pbtxt is the same: m\/1\/model\.py\.$/],
    ['neither', [], [], /^Nothing that belongs to the model differs from the reference/],
    ['unmeasured', [instances], [code], /was not measured: no time\.$/],
  ] as const)('%s', (cause, fields, files, says) => {
    const found = explained(measured(changes(fields as never, files as never)))
    expect(found.cause).toBe(cause)
    expect(found.sentences[0]).toMatch(says)
  })

  const broken = (name: 'config' | 'code', error: string) => ({ side: name, error, scenarios: [] })

  test('one mix that does not work: the other order alone', () => {
    const { cause, sentences } = explained(
      measured({
        origin: {
          status: 'measured',
          sides: [
            side('candidate', 1.53),
            side('reference', 1),
            broken('config', 'model did not load.'),
            side('code', 1.5),
          ],
        },
      }),
    )
    expect(cause).toBe('code')
    expect(sentences.at(-1)).toBe(
      "In one order only, since the reference's files do not work with the new config.pbtxt (model did not load).",
    )
  })

  test('no mix works: they cannot be told apart', () => {
    const sides = [
      side('candidate', 1.53),
      side('reference', 1),
      broken('config', 'no such input.'),
      broken('code', 'x'),
    ]
    const { cause, sentences } = explained(measured({ origin: { status: 'measured', sides } }))
    expect(cause).toBe('inseparable')
    expect(sentences[0]).toContain('cannot be told apart: ')
    expect(sentences[0]).toContain('(no such input); ')
  })

  test('a side with too few valid repetitions leaves it unclear', () => {
    expect(explained(origin(1.53, 1.53, 1, { n: 2 }))).toMatchObject({
      cause: 'unclear',
      sentences: [expect.stringContaining('too few repetitions count on every side')],
    })
  })

  test('nothing is explained where nothing is confirmed; a model that does not load is explained by what changed', () => {
    expect(attributionOf(measured({}), [{ ...failing(1.5), status: 'inconclusive' }], false)).toBeNull()
    expect(attributionOf(measured(changes([instances], [])), [], true)?.cause).toBe('config')
  })
})

describe('single fields', () => {
  const fields = {
    changes: { fields: [instances, delay], files: [], moreFiles: 0 },
    fields: {
      status: 'measured' as const,
      sides: [
        side('candidate', 1.53),
        side('reference', 1),
        side('field', 1.02, { field: 0 }),
        side('field', 1.5, { field: 1 }),
      ],
    },
  }

  test('each alone, the largest first', () => {
    const { cause, sentences } = explained(measured(fields))
    expect(cause).toBe('config')
    expect(sentences[0]).toBe(
      'config.pbtxt is all that changed: instance_group[0].count 2 → 1, dynamic_batching.max_queue_delay_microseconds not set → 20000.',
    )
    expect(sentences[1]).toMatch(
      /^Of p99 latency at concurrency 8, dynamic_batching\.max_queue_delay_microseconds not set → 20000 explains (49|50|51) of 53 % \(.*\), instance_group\[0\]\.count 2 → 1 [1-5] \(/,
    )
  })

  test('a field that does not work alone is said', () => {
    const sides = [
      ...fields.fields.sides.slice(0, 3),
      { side: 'field' as const, field: 1, error: 'no.', scenarios: [] },
    ]
    const { sentences } = explained(measured({ ...fields, fields: { status: 'measured', sides } }))
    expect(sentences.at(-1)).toBe(
      'dynamic_batching.max_queue_delay_microseconds not set → 20000 does not work alone: no.',
    )
  })

  test('they are worth measuring only where config.pbtxt is to blame', () => {
    const rows = [failing(1.53)]
    expect(blamesConfig(measured(fields), rows)).toBe(true)
    expect(blamesConfig(origin(1.53, 1.53, 1), rows)).toBe(true)
    expect(blamesConfig(origin(1.53, 1, 1.53), rows)).toBe(false)
    expect(blamesConfig(measured({}), rows)).toBe(false)
  })
})

test('loads to explain: the largest change first, each once, memory not among them', () => {
  const c1 = { mode: 'concurrency', concurrency: 1 } as const
  const rows = [
    comparison('gpuMemoryBytes', { mode: 'concurrency', concurrency: 2 }, 1, 9, { status: 'fail' }),
    comparison('latencyP99Ns', c1, 1, 1.3, { status: 'fail' }),
    failing(1.53),
    comparison('inferPerSec', c1, 1, 0.3, { status: 'fail' }),
  ]
  expect(loadsToExplain(rows)).toEqual([c1, concurrency8])
})

test('the cause stands beside the rows that fail, with their own numbers where they were taken apart', () => {
  const passing = comparison('inferPerSec', concurrency8, 300, 1)
  const memory = comparison('gpuMemoryBytes', concurrency8, 1, 2, { status: 'fail' })
  const rows = [failing(1.53), passing, memory]
  const found = explained(origin(1.53, 1.53, 1), rows)
  const [latency, other, bytes] = nameCauses(rows, found)
  expect(latency?.cause).toMatch(/^config\.pbtxt .* explains 53 of 53 %.*\.$/)
  expect(other).toEqual(passing)
  expect(bytes?.cause).toBe(found.sentences[0])
})
