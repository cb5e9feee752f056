import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composingModelSchema } from '../domain/composing.ts'
import { type ModelStatistics, ModelStatisticsSchema } from '../proto/grpc_service_pb.js'
import type { ComposingPart } from '../triton/composing.ts'
import { statisticsDelta } from '../triton/statistics.ts'
import { composingBetween, overRepetitions, withQueuesOfSteps } from './composing.ts'

/** A model after so many requests of 5 µs in the queue and 1, 10, 2 µs of compute each. */
function after(name: string, requests: number, { fails = 0, hits = 0 } = {}): ModelStatistics {
  const each = (count: number, ns: number) => ({ count: BigInt(count), ns: BigInt(count * ns) })
  const computed = requests - hits
  return create(ModelStatisticsSchema, {
    name,
    version: '1',
    inferenceCount: BigInt(4 * computed),
    executionCount: BigInt(computed),
    inferenceStats: {
      success: each(requests, 20_000),
      fail: each(fails, 9),
      queue: each(requests, 5_000),
      computeInput: each(computed, 1_000),
      computeInfer: each(computed, 10_000),
      computeOutput: each(computed, 2_000),
      cacheHit: each(hits, 100),
    },
  })
}

const step = (model: string, perRequest: number | null = 1): ComposingPart => ({
  model,
  via: 'step',
  perRequest,
})

function between(last: readonly ModelStatistics[], parts: readonly ComposingPart[]) {
  const first = last.map(({ name }) => after(name, 0))
  return composingBetween(first, last, statisticsDelta(first, last, 'top'), parts)
}

test('each composing model has its own averages, by its own counts', () => {
  const last = [after('top', 100), after('a', 300, { hits: 60 }), after('b', 0, { fails: 100 })]
  const { models, warnings } = between(last, [step('a', 3), step('b')])
  expect(warnings).toEqual([])
  expect(models).toEqual([
    {
      model: 'a',
      via: 'step',
      requestCount: 300,
      failCount: 0,
      requestsPerRequest: 3,
      serverQueueNs: 5_000,
      serverComputeInputNs: 1_000,
      serverComputeInferNs: 10_000,
      serverComputeOutputNs: 2_000,
      executedBatchSize: 4,
      cacheHitCount: 60,
    },
    expect.objectContaining({
      model: 'b',
      failCount: 100,
      requestsPerRequest: 1,
      serverQueueNs: null,
      executedBatchSize: null,
    }),
  ])
  for (const model of models) expect(composingModelSchema.parse(model)).toEqual(model)
})

test('more requests than the steps make are somebody else’s, as far as it can be known; fewer are nobody’s', () => {
  fc.assert(
    fc.property(
      fc.nat(10_000),
      fc.nat(30_000),
      fc.option(fc.integer({ min: 1, max: 3 })),
      (requests, counted, perRequest) => {
        const { warnings } = between([after('top', requests), after('a', counted)], [step('a', perRequest)])
        const beyond = perRequest !== null && counted > requests * perRequest * 1.01 + 2
        expect(warnings).toHaveLength(beyond ? 1 : 0)
      },
    ),
  )
})

test('a composing model that was loaded anew, or is not loaded, has no numbers, and that is said', () => {
  const [first, last] = [
    [after('top', 0), after('a', 5)],
    [after('top', 9), after('a', 3)],
  ]
  const own = statisticsDelta(first, last, 'top')
  expect(composingBetween(first, last, own, [step('a'), step('gone')])).toEqual({
    models: [],
    warnings: [
      "composing model 'a' has no numbers: 'a' was loaded anew meanwhile, or its server restarted: its counter inferenceCount fell from 20 to 12",
      "composing model 'gone' has no numbers: the server has no statistics of 'gone'",
    ],
  })
})

test('without numbers of the measured model nothing is said of its share', () => {
  const { models, warnings } = between([after('a', 7)], [step('a')])
  expect(models).toMatchObject([{ requestCount: 7, requestsPerRequest: null }])
  expect(warnings).toEqual([])
})

test('an ensemble waits in the queues of its steps, but not in those of models that code calls', () => {
  const last = [after('top', 100), after('a', 200), after('b', 100), after('c', 100)]
  const composing = between(last, [step('a', 2), step('b'), { model: 'c', via: 'call', perRequest: null }])
  const own = statisticsDelta([after('top', 0)], last, 'top')
  const { times: before } = own.status === 'available' ? own : { times: null }
  const queueOf = (isEnsemble: boolean) => {
    const delta = withQueuesOfSteps(own, composing, isEnsemble)
    return delta.status === 'available' ? delta.times : null
  }
  expect(queueOf(true)).toEqual({ ...before, serverQueueNs: 5_000 + 2 * 5_000 + 5_000 })
  expect(queueOf(false)).toEqual(before)
})

test('over repetitions counts add up and averages are means; a model that one of them has not takes no part there', () => {
  const repetition = (requests: number, models: readonly string[]) =>
    between(
      [after('top', 100), ...models.map((name) => after(name, requests))],
      models.map((name) => step(name)),
    ).models
  const all = overRepetitions([repetition(100, ['a', 'b']), repetition(50, ['a'])])
  expect(all).toMatchObject([
    { model: 'a', requestCount: 150, requestsPerRequest: 0.75, serverQueueNs: 5_000 },
    { model: 'b', requestCount: 100, requestsPerRequest: 1 },
  ])
  expect(overRepetitions([])).toEqual([])
})
