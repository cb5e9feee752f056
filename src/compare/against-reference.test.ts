import { describe, expect, test } from 'vitest'
import { base, compare, notRequested, steady } from '../../test/support/compare-model.ts'
import {
  makeConfig,
  makeMeasurements,
  makeModel,
  makePair,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { createRandom } from '../stats/random.ts'
import { compareModels } from './compare.ts'

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
