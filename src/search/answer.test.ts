import { describe, expect, test } from 'vitest'
import type { Constraint } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { answerOf, estimateOf, holds, rank } from './answer.ts'
import { candidatesOf } from './candidates.ts'
import type { SearchPoint } from './state.ts'

const load: Load = { mode: 'concurrency', concurrency: 16 }
const withInstances = (instanceCount: number): Configuration => ({
  committed: instanceCount === 1,
  instanceCount,
  maxBatchSize: 4,
  dynamicBatching: true,
})
const configurations = [1, 2, 3, 4, 5, 6].map(withInstances)

function question(rates: readonly (readonly [instances: number, inferPerSec: number])[]) {
  const points = rates.map(
    ([instances, inferPerSec], i): SearchPoint => ({
      configuration: withInstances(instances),
      load,
      // A tail that differs from measurement to measurement, as under noise.
      metrics: { inferPerSec, latencyP99Ns: ((1.3 + i / 50) * 16e9) / inferPerSec },
    }),
  )
  return {
    space: { committed: withInstances(1), configurations, loads: [load] },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 } as const],
    constraints: [],
    points,
  }
}

test('one lucky measurement among its neighbours is not the best', () => {
  const asked = question([
    [1, 100],
    [2, 195],
    [3, 330],
    [3, 250],
    [4, 400],
    [4, 380],
    [5, 420],
    [6, 500],
    [6, 480],
    [5, 565],
    [5, 500],
  ])
  expect(rank(asked)[0]?.configuration.instanceCount).toBe(5)
  expect(rank(asked, estimateOf(asked))[0]?.configuration.instanceCount).toBe(6)
})

test('a tie is what all measurements together do not tell apart from the committed configuration', () => {
  const alike = question([
    [1, 100],
    [2, 104],
    [3, 97],
    [4, 108],
    [5, 99],
  ])
  const answer = answerOf(alike, estimateOf(alike))
  expect(answer).toMatchObject({ tie: true, configuration: { instanceCount: 1 } })
  expect(answer?.explanation).toMatch(/differs by \S+ %, which is not sure to be more than noise/)
  // Single measurements of 100 and 111 are within their noise; of a trend over six configurations they are not.
  const trend = question([
    [1, 100],
    [2, 102.5],
    [3, 104.5],
    [4, 107],
    [5, 109],
    [6, 111.4],
    [6, 110.6],
  ])
  expect(answerOf(trend)?.tie).toBe(true)
  expect(answerOf(trend, estimateOf(trend))).toMatchObject({
    tie: false,
    configuration: { instanceCount: 6 },
  })
})

test('where max_batch_size tells without dynamic batching too, what it was measured to gain is no tie', () => {
  const rows = [
    [1, 8, 2, 481],
    [1, 8, 8, 970],
    [1, 8, 16, 1133],
    [4, 64, 32, 211],
    [4, 1, 16, 352],
    [1, 4, 16, 586],
    [1, 16, 16, 1358],
    [2, 8, 16, 1072],
    [2, 1, 8, 157],
    [1, 16, 16, 1395],
  ] as const
  const points = rows.map(([instanceCount, maxBatchSize, concurrency, inferPerSec], i): SearchPoint => {
    const committed = instanceCount === 1 && maxBatchSize === 8
    const configuration = { committed, instanceCount, maxBatchSize, dynamicBatching: false }
    const latencyP99Ns = ((1.3 + (i % 3) / 50) * concurrency * 1e9) / inferPerSec
    return {
      configuration,
      load: { mode: 'concurrency', concurrency },
      metrics: { inferPerSec, latencyP99Ns },
    }
  })
  const [first] = points
  const asked = { ...question([]), points }
  const space = { ...asked.space, committed: first?.configuration ?? asked.space.committed }
  expect(answerOf({ ...asked, space }, estimateOf({ ...asked, space }))).toMatchObject({
    tie: false,
    configuration: { maxBatchSize: 16 },
  })
})

/** One configuration at loads of 1 to 16, p99 about 1.3 times what Little's law makes of the throughput; that of 8 measured twice. */
function twice(firstP99Ms: number, againP99Ms: number, limitMs: number) {
  const rows = [
    [1, 90, 14.5],
    [2, 170, 15.1],
    [4, 300, 17.5],
    [8, 480, firstP99Ms],
    [16, 600, 34.5],
    [8, 478, againP99Ms],
  ] as const
  const constraint: Constraint = {
    name: 'perf_latency_p99',
    metric: 'latencyP99Ns',
    bound: 'max',
    limit: limitMs * 1e6,
  }
  return {
    ...question([]),
    constraints: [constraint],
    points: rows.map(
      ([concurrency, inferPerSec, p99Ms]): SearchPoint => ({
        configuration: withInstances(1),
        load: { mode: 'concurrency', concurrency },
        metrics: { inferPerSec, latencyP99Ns: p99Ms * 1e6 },
      }),
    ),
  }
}

test('a confirmation that missed by noise does not throw out what all measurements together say holds', () => {
  const asked = twice(21, 22.5, 22.4)
  expect(answerOf(asked)?.load).toEqual({ mode: 'concurrency', concurrency: 4 })
  expect(answerOf(asked, estimateOf(asked))).toMatchObject({
    load: { concurrency: 8 },
    meetsConstraints: true,
  })
})

test('what its own measurements say misses a limit is not the answer, nor what held by luck', () => {
  const missed = twice(22.3, 22.2, 22.2)
  expect(answerOf(missed, estimateOf(missed))?.load).toEqual({ mode: 'concurrency', concurrency: 4 })
  const [heavy] = candidatesOf(missed.points.slice(3, 4))
  expect(heavy && holds(heavy, missed.constraints, 1)).toBe(false)
  const lucky = twice(16, 23, 20)
  expect(answerOf(lucky, estimateOf(lucky))?.load).toEqual({ mode: 'concurrency', concurrency: 4 })
})

test('where the only one that held missed when measured again, it is said by how much', () => {
  const { points, ...asked } = twice(21, 23, 22)
  const answer = answerOf({ ...asked, points: points.slice(3) })
  expect(answer?.explanation).toMatch(/measured again, perf_latency_p99 is 23 ms, at most 22 ms asked/)
})

test('of a gain over several objectives it is said what each of them brings', () => {
  const asked = question([
    [1, 100],
    [2, 200],
    [1, 100],
    [2, 200],
  ])
  const points = asked.points.map((point) => ({
    ...point,
    metrics: { ...point.metrics, latencyP99Ns: point.configuration.committed ? 100e6 : 110e6 },
  }))
  const objectives = [
    { name: 'perf_throughput', metric: 'inferPerSec', weight: 3 },
    { name: 'perf_latency_p99', metric: 'latencyP99Ns', weight: 1 },
  ] as const
  expect(answerOf({ ...asked, points, objectives })?.explanation).toMatch(
    /^The committed configuration at its best load, concurrency 16: throughput 100 infer\/s, p99 latency 100 ms; .*\. By objective: throughput 2\.0 times as good \(weight 3\), p99 latency 9\.1 % worse \(weight 1\)\.$/,
  )
  expect(answerOf(asked)?.explanation).not.toContain('By objective')
  expect(answerOf({ ...asked, points: asked.points.slice(0, 1) })?.explanation).toBe(
    'No other configuration was measured.',
  )
})

test('where one side has no value of what is sought, by how much it is better is not known', () => {
  const asked = question([
    [1, 100],
    [2, 960],
    [2, 960.1],
  ])
  const [own, ...others] = asked.points
  const without = { ...own, metrics: { latencyP99Ns: 1e6 } } as SearchPoint
  const answer = answerOf({ ...asked, points: [without, ...others] })
  expect(answer?.gain).toBeNull()
  expect(answer?.explanation).toMatch(
    /^The committed configuration at its best load, concurrency 16: p99 latency 1 ms; .* By how much it is worse is not known/,
  )
})

test('a committed configuration that held once and not again is said to be unsteady, and nothing is gained over it', () => {
  const { points, constraints, ...asked } = {
    ...question([
      [2, 200],
      [1, 150],
      [2, 200],
    ]),
    constraints: [
      { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 150e6 },
    ] as const satisfies readonly Constraint[],
  }
  const answerWith = (again: SearchPoint['metrics'], limits: readonly Constraint[] = constraints) =>
    answerOf({
      ...asked,
      constraints: limits,
      points: [...points, { configuration: withInstances(1), load, metrics: again }],
    })
  expect(answerWith(null)).toMatchObject({
    configuration: { instanceCount: 2 },
    gain: null,
    explanation:
      'The committed configuration is unsteady: at concurrency 16 it met the constraints in 1 of 2 measurements, and failed in 1; at no measured load it always did.',
  })
  expect(answerWith({ inferPerSec: 140, latencyP99Ns: 200e6 })?.explanation).toMatch(
    /unsteady: at concurrency 16 it met the constraints in 1 of 2 measurements; /,
  )
  expect(answerWith(null, [])?.explanation).toMatch(
    /unsteady: at concurrency 16 it answered in 1 of 2 measure/,
  )
  const never = [{ ...constraints[0], limit: 140e6 }]
  expect(answerWith({ inferPerSec: 140, latencyP99Ns: 200e6 }, never)?.explanation).toBe(
    'The committed configuration meets the constraints at no measured load.',
  )
})

test('where all that was measured failed again, the answer is said to be unsteady', () => {
  const asked = question([[2, 200]])
  const points = [...asked.points, { configuration: withInstances(2), load, metrics: null }]
  expect(answerOf({ ...asked, points })?.explanation).toBe(
    'It is unsteady: it failed in 1 of 2 measurements, as did whatever else answered.',
  )
})

describe('the batcher that a model has', () => {
  const make = (instanceCount: number, dynamicBatching: boolean): Configuration => ({
    committed: instanceCount === 1 && dynamicBatching,
    instanceCount,
    maxBatchSize: 8,
    dynamicBatching,
    ...(dynamicBatching ? { maxQueueDelayMicroseconds: 100 } : {}),
  })
  /** Client batches of max_batch_size. [instances, batcher, inferPerSec] each, as often as it was measured. */
  const batched = (rates: readonly (readonly [number, boolean, number])[], isExact = false) => ({
    space: {
      committed: make(1, true),
      configurations: [1, 2, 4].flatMap((count) => [make(count, true), make(count, false)]),
      loads: [{ ...load, batchSize: 8 }],
    },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 } as const],
    constraints: [],
    points: rates.map(
      ([count, isOn, inferPerSec], i): SearchPoint => ({
        configuration: make(count, isOn),
        load: { ...load, batchSize: 8 },
        metrics: { inferPerSec, latencyP99Ns: ((1.3 + (isExact ? 0 : i / 50)) * 128e9) / inferPerSec },
      }),
    ),
  })
  const answered = (rates: Parameters<typeof batched>[0], isExact = false) => {
    const asked = batched(rates, isExact)
    return answerOf(asked, estimateOf(asked))
  }
  const noisy = [
    [1, true, 100],
    [1, false, 101],
    [2, true, 199],
    [2, false, 201],
    [4, false, 404],
    [4, true, 401],
    [4, false, 403],
  ] as const

  test('stays where what was measured of the same with and without it cannot be told apart', () => {
    expect(answered(noisy)).toMatchObject({ tie: false, configuration: make(4, true) })
    // Without noise a thousandth is nothing, too.
    const exact = [
      [1, true, 100],
      [2, true, 200],
      [2, false, 200],
      [4, true, 400],
      [4, false, 400.2],
    ] as const
    expect(answered(exact, true)?.configuration).toEqual(make(4, true))
  })

  test('of the committed configuration stays by a tie, which does not say that nothing else is better', () => {
    const close = [
      [1, true, 100],
      [1, false, 101.5],
      [1, true, 100.2],
      [1, false, 101.1],
      [2, true, 80],
      [2, false, 79],
    ] as const
    const answer = answered(close)
    expect(answer).toMatchObject({ tie: true, gain: 0, configuration: make(1, true) })
    expect(answer?.explanation).toMatch(
      /^The best other one, 1 instance, .* dynamic batching off .* differs by 1\.2 %/,
    )
  })

  test('goes where that brings what is beyond the noise', () => {
    const better = noisy.map(([count, isOn, rate]) => [count, isOn, isOn ? rate : rate * 1.4] as const)
    expect(answered(better)?.configuration).toEqual(make(4, false))
  })

  test('alone makes no other configuration than the committed one the answer', () => {
    expect(
      answered([
        [1, true, 100],
        [1, false, 101],
        [1, false, 100.5],
        [1, true, 100],
      ]),
    ).toMatchObject({ configuration: make(1, true) })
  })
})

test('what the means show as better, and missed its limit when measured again, is told', () => {
  const asked = question([
    [1, 100],
    [3, 500],
    [3, 300],
  ])
  const latencies = [10e6, 4e6, 14e6]
  const points = asked.points.map((point, i) => ({
    ...point,
    metrics: { ...point.metrics, latencyP99Ns: latencies[i] ?? 0 },
  }))
  const limit = (ns: number) => [
    { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: ns } satisfies Constraint,
  ]
  const answer = answerOf({ ...asked, points, constraints: limit(12e6) })
  expect(answer).toMatchObject({ configuration: { instanceCount: 1 }, meetsConstraints: true })
  expect(answer?.explanation).toBe(
    'By its mean 3 instances, max batch size 4, dynamic batching on at concurrency 16 (throughput 400 infer/s, p99 latency 9 ms) is better, but it missed when measured again: perf_latency_p99 is 14 ms, at most 12 ms asked (16.7 % off).',
  )
  expect(answerOf({ ...asked, points, constraints: limit(20e6) })?.explanation).not.toContain('By its mean')
})
