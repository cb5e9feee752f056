import { describe, expect, test } from 'vitest'
import {
  concurrency8,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePair,
  makeRepetition,
  makeScenario,
  type RepetitionNumbers,
} from '../../test/support/make-measurements.ts'
import type { Load } from '../domain/load.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import { type Comparison, comparisonSchema, constraintResultSchema } from '../domain/result.ts'
import type { Repetition } from '../domain/scenario.ts'
import { createRandom } from '../stats/random.ts'
import { compareModels } from './compare.ts'

const notRequested = { status: 'notRequested' } as const
const found = { status: 'found', source: 'baseline.json', commit: null, createdAt: '' } as const

/** One model at one load, reference against candidate. */
function compare(reference: readonly Repetition[], candidate: readonly Repetition[], config = makeConfig()) {
  const measurements = makeMeasurements(
    [makeModel('m', [makeScenario(candidate)])],
    [makeModel('m', [makeScenario(reference)])],
  )
  const input = { measurements, baseline: null, baselineStatus: notRequested, config, mode: 'gate' as const }
  const comparisons = compareModels(input).models[0]?.comparisons ?? []
  for (const comparison of comparisons) comparisonSchema.parse(comparison)
  return (metric: Comparison['metric']) => comparisons.find((each) => each.metric === metric)
}

/** Repetitions with a few per mille of spread about the numbers, always the same. */
function steady(n: number, numbers: RepetitionNumbers, wobble = 0.004): Repetition[] {
  return Array.from({ length: n }, (_, index) => {
    const factor = 1 + wobble * (((index * 7) % 5) - 2)
    const { latencyP99Ns, inferPerSec, blocksP99Ns } = numbers
    return makeRepetition(index, {
      ...numbers,
      latencyP99Ns: latencyP99Ns * factor,
      inferPerSec: inferPerSec / factor,
      ...(blocksP99Ns === undefined ? {} : { blocksP99Ns: blocksP99Ns.map((p99) => p99 * factor) }),
    })
  })
}

const base = { latencyP99Ns: 40e6, inferPerSec: 300 }

describe('against the reference', () => {
  test('the same thing passes, and the interval holds no change', () => {
    const row = compare(steady(4, base), steady(4, { ...base, latencyP99Ns: 40.1e6 }))
    for (const metric of ['latencyP99Ns', 'inferPerSec'] as const) {
      expect(row(metric)).toMatchObject({
        status: 'pass',
        primary: true,
        against: 'reference',
        repetitions: 4,
      })
      const [low, high] = row(metric)?.changeInterval ?? [2, 0]
      expect(low).toBeLessThan(1)
      expect(high).toBeGreaterThan(1)
    }
  })

  test('a clear change for the worse fails in the metric that has it', () => {
    const row = compare(steady(4, base), steady(4, { latencyP99Ns: 80e6, inferPerSec: 300 }))
    expect(row('latencyP99Ns')).toMatchObject({ status: 'fail', tolerance: 0.05 })
    expect(row('latencyP99Ns')?.changeRatio).toBeCloseTo(2, 6)
    expect(row('latencyP99Ns')?.reference).toBeCloseTo(40e6, -5)
    expect(row('inferPerSec')?.status).toBe('pass')
  })

  test('worse means up for latency and down for throughput', () => {
    const better = compare(steady(4, base), steady(4, { latencyP99Ns: 20e6, inferPerSec: 600 }))
    expect(better('latencyP99Ns')?.status).toBe('pass')
    expect(better('inferPerSec')?.status).toBe('pass')
    const slower = compare(steady(4, base), steady(4, { latencyP99Ns: 40e6, inferPerSec: 150 }))
    expect(slower('inferPerSec')).toMatchObject({ status: 'fail', tolerance: 0.03 })
    expect(slower('inferPerSec')?.changeRatio).toBeCloseTo(0.5, 6)
    const [low, high] = slower('inferPerSec')?.changeInterval ?? [0, 0]
    expect(low).toBeLessThan(0.5)
    expect(high).toBeGreaterThan(0.5)
  })

  test('a real change within the tolerance is not a failure', () => {
    const reference = steady(12, base)
    const row = compare(reference, steady(12, { latencyP99Ns: 40e6 * 1.03, inferPerSec: 300 }))
    expect(row('latencyP99Ns')?.pValue).toBeLessThan(1e-4)
    expect(row('latencyP99Ns')?.status).toBe('pass')
  })

  test('noise makes it inconclusive, with what could have been seen and what would decide', () => {
    const { reference, candidate } = makePair(createRandom(5), { n: 5, sd: 0.06, worse: 0.03 })
    const row = compare(reference, candidate)('latencyP99Ns')
    expect(row?.status).toBe('inconclusive')
    expect(row?.detectableChange).toBeGreaterThan(0.05)
    expect(row?.footnotes.join()).toMatch(/repetitions/)
  })

  test('what both sides of a pair have in common does not count', () => {
    const drift = [1, 3, 0.5, 2, 1.5, 0.8]
    const side = (factor: number) =>
      drift.map((d, index) =>
        makeRepetition(index, { latencyP99Ns: 40e6 * d * factor, inferPerSec: 300 / d }),
      )
    expect(compare(side(1), side(1.001))('latencyP99Ns')?.status).toBe('pass')
    expect(compare(side(1), side(1.3))('latencyP99Ns')?.status).toBe('fail')
  })

  test('repetitions pair by name, not by place', () => {
    const reference = steady(4, base)
    const partner = [2, 3, 0, 1]
    const scaled = [1, 2, 4, 8].map((scale, index) =>
      makeRepetition(
        index,
        { latencyP99Ns: 40e6 * scale, inferPerSec: 300 },
        { pairedWith: partner[index] as number },
      ),
    )
    const turned = reference.map((repetition, index) => ({
      ...makeRepetition(index, { latencyP99Ns: 40e6 * ([4, 8, 1, 2][index] as number), inferPerSec: 300 }),
      pairedWith: partner[index] as number,
      startNs: repetition.startNs,
    }))
    const row = compare(turned, scaled)('latencyP99Ns')
    expect(row?.changeRatio).toBeCloseTo(1, 9)
    expect(row?.status).toBe('pass')
  })

  test('three pairs decide nothing; voids that leave three make the comparison invalid', () => {
    const three = compare(
      steady(3, base),
      steady(3, { latencyP99Ns: 80e6, inferPerSec: 300 }),
    )('latencyP99Ns')
    expect(three).toMatchObject({ status: 'inconclusive', repetitions: 3 })
    expect(three?.changeRatio).toBeCloseTo(2, 6)
    const voided = steady(5, base).map((repetition, index) =>
      index < 2 ? { ...repetition, status: 'void' as const, voidReasons: ['throttled'] } : repetition,
    )
    expect(compare(voided, steady(5, base))('latencyP99Ns')).toMatchObject({
      status: 'invalid',
      repetitions: 3,
    })
    expect(compare(steady(5, base), voided)('latencyP99Ns')).toMatchObject({
      status: 'invalid',
      repetitions: 3,
    })
  })

  test('the blocks decide on p99, and one wild repetition p99 hidden from them keeps it from passing', () => {
    const blocks = [38e6, 39e6, 40e6, 41e6, 42e6]
    const calm = { ...base, blocksP99Ns: blocks }
    expect(compare(steady(6, calm), steady(6, calm))('latencyP99Ns')?.status).toBe('pass')
    const stalls = compare(steady(6, calm), steady(6, { ...calm, latencyP99Ns: 60e6 }))('latencyP99Ns')
    expect(stalls?.status).toBe('inconclusive')
    expect(stalls?.footnotes.join()).toMatch(/\+50\.0 %.*few blocks/)
    const slow = compare(steady(6, calm), steady(6, { ...base, blocksP99Ns: blocks.map((p99) => p99 * 1.3) }))
    expect(slow('latencyP99Ns')?.status).toBe('fail')
    expect(slow('latencyP99Ns')?.footnotes.join()).toMatch(/most blocks are slower/)
  })

  test('without p99 in every repetition the next percentile is gated by name', () => {
    const noP99 = steady(4, base).map((repetition, index) =>
      index === 1 ? { ...repetition, metrics: { ...repetition.metrics, latencyP99Ns: null } } : repetition,
    )
    const row = compare(steady(4, base), noP99)
    expect(row('latencyP95Ns')).toMatchObject({ primary: true, status: 'pass' })
    expect(row('latencyP95Ns')?.footnotes.join()).toMatch(/p95 is gated instead/)
    expect(row('latencyP99Ns')?.status ?? 'info').toBe('info')
  })

  test('the other metrics inform and never decide', () => {
    const slow = steady(4, base).map((repetition) => ({
      ...repetition,
      metrics: {
        ...repetition.metrics,
        serverQueueNs: 1e9,
        latencyP50Ns: (repetition.metrics.latencyP50Ns ?? 0) * 3,
      },
    }))
    const row = compare(steady(4, base), slow)
    expect(row('serverQueueNs')).toMatchObject({ status: 'info', primary: false })
    expect(row('latencyP50Ns')?.changeRatio).toBeCloseTo(3, 6)
  })

  test('more comparisons in the report ask for more evidence', () => {
    // t = 7.4 with 5 degrees of freedom: p = 0.0004, enough for two comparisons and not for eighty.
    const reference = steady(6, base)
    const candidate = reference.map((repetition, index) =>
      makeRepetition(index, {
        latencyP99Ns:
          (repetition.metrics.latencyP99Ns ?? 0) * Math.exp([0.06, 0.12, 0.18, 0.12, 0.1, 0.14][index] ?? 0),
        inferPerSec: repetition.metrics.inferPerSec ?? 0,
      }),
    )
    expect(compare(reference, candidate)('latencyP99Ns')?.status).toBe('fail')
    const names = Array.from({ length: 40 }, (_, index) => `calm${index}`)
    const calm = names.map((name) => makeModel(name, [makeScenario(steady(6, base))]))
    const measurements = makeMeasurements(
      [makeModel('m', [makeScenario(candidate)]), ...calm],
      [makeModel('m', [makeScenario(reference)]), ...calm],
    )
    const config = makeConfig()
    const { models } = compareModels({
      measurements,
      baseline: null,
      baselineStatus: notRequested,
      config,
      mode: 'gate',
    })
    expect(models[0]?.comparisons[0]?.status).toBe('inconclusive')
    expect(models.slice(1).every((model) => model.comparisons[0]?.status === 'pass')).toBe(true)
  })

  test('the same input gives the same output', () => {
    const { reference, candidate } = makePair(createRandom(2), { n: 5, sd: 0.05 })
    const measurements = makeMeasurements(
      [makeModel('m', [makeScenario(candidate)])],
      [makeModel('m', [makeScenario(reference)])],
    )
    const input = {
      measurements,
      baseline: null,
      baselineStatus: notRequested,
      config: makeConfig(),
      mode: 'gate' as const,
    }
    expect(JSON.stringify(compareModels(input))).toBe(
      JSON.stringify(compareModels({ ...input, measurements: structuredClone(measurements) })),
    )
  })
})

describe('failed requests, which are missing from the percentiles', () => {
  const lenient = makeConfig({ gate: { maxFailureRatio: 0.01 } })
  const failing = (failed: number) =>
    steady(4, base).map((repetition, index) =>
      index === 0 && failed > 0 ? { ...repetition, failures: { UNAVAILABLE: failed } } : repetition,
    )

  test.each([
    [0, 0, 'pass', 0],
    [0, 1, 'pass', 1],
    [0, 6, 'pass', 1],
    // ½⁷ = 0.8 %
    [0, 7, 'inconclusive', 1],
    [7, 7, 'pass', 0],
    [7, 0, 'pass', 0],
    [3, 9, 'pass', 1],
  ])('%d on the reference and %d here: %s', (before, after, status, footnotes) => {
    const row = compare(failing(before), failing(after), lenient)
    expect(row('latencyP99Ns')).toMatchObject({ status, detectableChange: null })
    expect(row('latencyP99Ns')?.footnotes).toHaveLength(footnotes)
    expect(row('inferPerSec')).toMatchObject({ status: 'pass', footnotes: [] })
  })

  test('the counts are said', () => {
    expect(compare(failing(1), failing(9), lenient)('latencyP99Ns')?.footnotes).toEqual([
      '9 of 4009 requests failed, 1 of 4001 on the other side; failed ones are missing from the percentiles',
    ])
  })

  test('a regression stays one', () => {
    const slow = failing(9).map((repetition) => ({
      ...repetition,
      metrics: { ...repetition.metrics, latencyP99Ns: (repetition.metrics.latencyP99Ns ?? 0) * 2 },
    }))
    expect(compare(failing(0), slow, lenient)('latencyP99Ns')?.status).toBe('fail')
  })
})

describe('GPU memory', () => {
  const mib = 2 ** 20
  const memory = (bytes: number) => steady(4, { ...base, gpuMemoryBytes: bytes })

  test.each([
    [1000 * mib, 1036 * mib, 'pass'],
    [1000 * mib, 1036 * mib + 1, 'fail'],
    [1000 * mib, 500 * mib, 'pass'],
    [0, 16 * mib, 'pass'],
    [0, 16 * mib + 1, 'fail'],
  ] as const)('%d → %d bytes: %s (2 % and 16 MiB)', (before, after, status) => {
    const row = compare(memory(before), memory(after))('gpuMemoryBytes')
    expect(row).toMatchObject({ status, primary: true, pValue: null })
  })

  test('the highest repetition counts', () => {
    const candidate = memory(1000 * mib)
    const grown = { ...(candidate[2] as Repetition) }
    candidate[2] = { ...grown, metrics: { ...grown.metrics, gpuMemoryBytes: 2000 * mib } }
    expect(compare(memory(1000 * mib), candidate)('gpuMemoryBytes')?.status).toBe('fail')
  })

  test('no GPU: no row; a reading lost on one side: invalid', () => {
    expect(compare(steady(4, base), steady(4, base))('gpuMemoryBytes')).toBeUndefined()
    expect(compare(memory(1000 * mib), steady(4, base))('gpuMemoryBytes')?.status).toBe('invalid')
    expect(compare(steady(4, base), memory(1000 * mib))('gpuMemoryBytes')?.status).toBe('invalid')
  })

  test('how it was read is said; read in two ways, or a GPU that cannot be read: invalid', () => {
    const rowOf = ([before, after]: readonly [string, string], bytes: number | null = 1000 * mib) => {
      const model = (reason: string) => {
        const scenario = makeScenario(bytes === null ? steady(4, base) : memory(bytes))
        const gpuMemoryBytes = { value: bytes, interval: null, n: 4, unit: 'bytes' as const, reason }
        return makeModel('m', [{ ...scenario, metrics: { ...scenario.metrics, gpuMemoryBytes } }])
      }
      const { models } = compareModels({
        measurements: makeMeasurements([model(after)], [model(before)]),
        baseline: null,
        baselineStatus: notRequested,
        config: makeConfig(),
        mode: 'gate',
      })
      return models[0]?.comparisons.find(({ metric }) => metric === 'gpuMemoryBytes')
    }
    expect(rowOf(['own', 'own'])).toMatchObject({ status: 'pass', footnotes: ['own'] })
    expect(rowOf(['own', 'devices'])).toMatchObject({
      status: 'invalid',
      footnotes: [expect.stringContaining('not read in the same way'), 'own', 'devices'],
    })
    expect(rowOf(['lost', 'lost'], null)).toMatchObject({ status: 'invalid', footnotes: ['lost'] })
  })
})

describe('against the baseline alone', () => {
  function againstBaseline(candidate: readonly Repetition[], history: readonly HistoryPoint[] = []) {
    const measurements = makeMeasurements([makeModel('m', [makeScenario(candidate)])])
    const baseline = makeBaseline([makeModel('m', [makeScenario(steady(4, base))])], {
      history: [...history],
    })
    const config = makeConfig()
    const { models } = compareModels({ measurements, baseline, baselineStatus: found, config, mode: 'gate' })
    return (metric: Comparison['metric']) => models[0]?.comparisons.find((each) => each.metric === metric)
  }
  /** Runs of the main branch with the given spread, for both metrics. */
  function runs(count: number, sd: number): HistoryPoint[] {
    const random = createRandom(17)
    return Array.from({ length: count }, (_, index) =>
      (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
        commit: `c${index}`,
        createdAt: '',
        model: 'm',
        load: 'concurrency=8',
        metric,
        value: (metric === 'inferPerSec' ? 300 : 40e6) * Math.exp(sd * random.normal()),
      })),
    ).flat()
  }

  test('without history nothing passes, and the note says what is lacking', () => {
    const row = againstBaseline(steady(4, base))('latencyP99Ns')
    expect(row).toMatchObject({ status: 'inconclusive', against: 'baseline' })
    expect(row?.baselineValue).toBe(row?.reference)
    expect(row?.footnotes.join()).toMatch(/10 more runs.*20 %.*--reference/)
    expect(againstBaseline(steady(4, base), runs(9, 0.01))('latencyP99Ns')?.footnotes.join()).toMatch(
      /1 more run/,
    )
  })

  test('a collapse fails even without history, a doubling of p99 alone does not', () => {
    expect(againstBaseline(steady(4, { latencyP99Ns: 200e6, inferPerSec: 60 }))('latencyP99Ns')?.status).toBe(
      'fail',
    )
    expect(againstBaseline(steady(4, { latencyP99Ns: 60e6, inferPerSec: 250 }))('latencyP99Ns')?.status).toBe(
      'inconclusive',
    )
  })

  test('a quiet history lets the same pass and a change fail', () => {
    const history = runs(30, 0.01)
    expect(againstBaseline(steady(4, base), history)('latencyP99Ns')?.status).toBe('pass')
    expect(
      againstBaseline(steady(4, { latencyP99Ns: 50e6, inferPerSec: 300 }), history)('latencyP99Ns')?.status,
    ).toBe('fail')
  })

  test('a noisy history makes the same change inconclusive', () => {
    const row = againstBaseline(
      steady(4, { latencyP99Ns: 50e6, inferPerSec: 300 }),
      runs(30, 0.2),
    )('latencyP99Ns')
    expect(row?.status).toBe('inconclusive')
  })

  test('one true change in the history hardly widens the spread', () => {
    const stepped = runs(30, 0.01).map((point, index) =>
      index < 30 ? { ...point, value: point.value * 2 } : point,
    )
    expect(againstBaseline(steady(4, base), stepped)('latencyP99Ns')?.status).toBe('pass')
  })

  test('a candidate noisier in itself than the history is known no better than that', () => {
    const wild = [0.5, 2, 0.7, 1.4].map((factor, index) =>
      makeRepetition(index, { latencyP99Ns: 40e6 * factor, inferPerSec: 300 }),
    )
    expect(againstBaseline(wild, runs(30, 0.01))('latencyP99Ns')?.status).toBe('inconclusive')
  })

  test('the stored value stands beside a comparison that the reference decided', () => {
    const scenario = makeScenario(steady(4, base))
    const measurements = makeMeasurements([makeModel('m', [scenario])], [makeModel('m', [scenario])])
    const baseline = makeBaseline([
      makeModel('m', [makeScenario(steady(4, { latencyP99Ns: 10e6, inferPerSec: 900 }))]),
    ])
    const config = makeConfig()
    const { models } = compareModels({ measurements, baseline, baselineStatus: found, config, mode: 'gate' })
    const row = models[0]?.comparisons.find(({ metric }) => metric === 'latencyP99Ns')
    expect(row).toMatchObject({ against: 'reference', status: 'pass' })
    expect(row?.baselineValue).toBeCloseTo(10e6, -5)
  })
})

describe('budgets and constraints', () => {
  const concurrency1: Load = { mode: 'concurrency', concurrency: 1 }
  const at1 = makeScenario(steady(4, { latencyP99Ns: 10e6, inferPerSec: 100 }), { load: concurrency1 })
  const at8 = makeScenario(steady(4, base))
  function judgeConstraint(
    bound: 'max' | 'min',
    metric: 'latencyP99Ns' | 'inferPerSec' | 'gpuMemoryBytes',
    limit: number,
    scenarios = [at1, at8],
  ) {
    const config = makeConfig({
      constraints: [{ name: 'budget', bound, metric, limit }],
      loads: [concurrency1, concurrency8],
    })
    const measurements = makeMeasurements([makeModel('m', scenarios)])
    const { models } = compareModels({
      measurements,
      baseline: null,
      baselineStatus: notRequested,
      config,
      mode: 'gate',
    })
    const results = models[0]?.constraints ?? []
    for (const result of results) constraintResultSchema.parse(result)
    return results
  }
  const p99At8 = at8.metrics.latencyP99Ns?.value as number

  test('an upper limit holds at every load; a value on the limit passes', () => {
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8).map(({ status }) => status)).toEqual([
      'pass',
      'pass',
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 - 1).map(({ status }) => status)).toEqual([
      'pass',
      'fail',
    ])
  })

  test('an interval that straddles the limit is a close call, whatever the estimate says', () => {
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 0.995).map(({ close }) => close)).toEqual([
      false,
      true,
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 1.005).map(({ close }) => close)).toEqual([
      false,
      true,
    ])
    expect(judgeConstraint('max', 'latencyP99Ns', p99At8 * 1.5).map(({ close }) => close)).toEqual([
      false,
      false,
    ])
  })

  test('the interval is that of the repetitions, not of their requests, which hang together', () => {
    const spread = [30e6, 36e6, 44e6, 50e6].map((latencyP99Ns, index) =>
      makeRepetition(index, { latencyP99Ns, inferPerSec: 300 }),
    )
    const [result] = judgeConstraint('max', 'latencyP99Ns', 45e6, [makeScenario(spread)])
    // ln: mean 17.4857, sd 0.2246; t(0.975, 3) = 3.1824, so ± 0.3574.
    expect(result?.interval?.[0]).toBeCloseTo(27.463e6, -4)
    expect(result?.interval?.[1]).toBeCloseTo(56.128e6, -4)
    expect(result).toMatchObject({ status: 'pass', close: true })
    const [single] = judgeConstraint('max', 'latencyP99Ns', 45e6, [makeScenario(spread.slice(0, 1))])
    expect(single?.interval).toEqual([30e6 * 0.95, 30e6 * 1.05])
  })

  test.each([
    ['latencyP95Ns', 30e6, 'pass'],
    ['latencyP95Ns', 60e6, 'fail'],
    ['latencyP90Ns', 30e6, 'inconclusive'],
    ['latencyP90Ns', 60e6, 'fail'],
    ['latencyP50Ns', 30e6, 'inconclusive'],
  ] as const)(
    'without enough requests for p99, a %s of %d ns under 50 ms is a %s',
    (standIn, value, status) => {
      const full = makeScenario(steady(4, base))
      const order = ['latencyP99Ns', 'latencyP95Ns', 'latencyP90Ns', 'latencyP50Ns'] as const
      const metrics = Object.fromEntries(
        order.map((metric) => {
          const had = order.indexOf(metric) >= order.indexOf(standIn)
          return [metric, { value: had ? value : null, interval: null, n: 70, unit: 'ns' as const }]
        }),
      )
      const results = judgeConstraint('max', 'latencyP99Ns', 50e6, [{ ...full, metrics }])
      expect(results).toMatchObject([{ metric: standIn, standsInFor: 'latencyP99Ns', value, status }])
    },
  )

  test('a floor is judged once, where the model does most', () => {
    const [result, ...more] = judgeConstraint('min', 'inferPerSec', 250)
    expect(more).toEqual([])
    expect(result).toMatchObject({ status: 'pass', load: concurrency8 })
    expect(judgeConstraint('min', 'inferPerSec', 350)[0]?.status).toBe('fail')
  })

  test('what was not measured is invalid, not held', () => {
    expect(judgeConstraint('max', 'gpuMemoryBytes', 1e9).map(({ status, value }) => [status, value])).toEqual(
      [
        ['invalid', null],
        ['invalid', null],
      ],
    )
  })
})
