import { create, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelStatisticsSchema } from '../proto/grpc_service_pb.js'
import { statisticsDelta } from './statistics.ts'

function row(init: MessageInitShape<typeof ModelStatisticsSchema>) {
  return create(ModelStatisticsSchema, { name: 'm', version: '1', ...init })
}

/** After `batches` of 4 requests each, which took 10 µs as a batch: Triton adds it for each of the four. */
function afterBatches(batches: bigint) {
  const requests = 4n * batches
  const each = (ns: bigint) => ({ count: requests, ns: ns * requests })
  return row({
    inferenceCount: requests,
    executionCount: batches,
    batchStats: [
      { batchSize: 1n, computeInfer: { count: 9n, ns: 9n } },
      { batchSize: 4n, computeInfer: { count: batches, ns: 10_000n * batches } },
    ],
    inferenceStats: {
      success: each(20_000n),
      queue: each(5_000n),
      computeInput: each(1_000n),
      computeInfer: each(10_000n),
      computeOutput: each(2_000n),
    },
  })
}

test('the average of a request is Δns / Δcount of the same field, at any size of the counters', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 45n }),
      fc.bigInt({ min: 1n, max: 1000n }),
      (earlier, batches) => {
        const delta = statisticsDelta([afterBatches(earlier)], [afterBatches(earlier + batches)], 'm')
        expect(delta).toEqual({
          status: 'available',
          times: {
            serverQueueNs: 5_000,
            serverComputeInputNs: 1_000,
            serverComputeInferNs: 10_000,
            serverComputeOutputNs: 2_000,
            successNs: 20_000,
            executedBatchSize: 4,
            requestCount: Number(4n * batches),
            failCount: 0,
            cacheHitCount: 0,
            cacheMissCount: 0,
            cacheHitNs: null,
            cacheMissNs: null,
            batches: [{ batchSize: 4, executions: Number(batches) }],
            problem: null,
          },
        })
      },
    ),
  )
})

test('without requests there are no averages, and failures count apart', () => {
  const failed = row({ inferenceStats: { fail: { count: 3n, ns: 9n } } })
  const delta = statisticsDelta([row({})], [failed], 'm')
  expect(delta).toMatchObject({
    times: { serverQueueNs: null, executedBatchSize: null, requestCount: 0, failCount: 3 },
  })
})

test('counters that fall, versions that change and models that vanish are not averaged', () => {
  const reason = (delta: ReturnType<typeof statisticsDelta>) =>
    delta.status === 'unavailable' ? delta.reason : null
  expect(reason(statisticsDelta([afterBatches(2n)], [afterBatches(1n)], 'm'))).toBe(
    "'m' was loaded anew meanwhile, or its server restarted: its counter inferenceCount fell from 8 to 4",
  )
  const second = row({ version: '2' })
  expect(reason(statisticsDelta([row({})], [second], 'm'))).toContain('1 → 2')
  expect(reason(statisticsDelta([row({})], [], 'm'))).toContain('no statistics')
  expect(reason(statisticsDelta([row({})], [row({})], 'other'))).toContain("'other'")
})

test('the response cache: hits, misses and their times', () => {
  const after = row({
    inferenceStats: { cacheHit: { count: 4n, ns: 40n }, cacheMiss: { count: 2n, ns: 60n } },
  })
  expect(statisticsDelta([row({})], [after], 'm')).toMatchObject({
    times: { cacheHitCount: 4, cacheMissCount: 2, cacheHitNs: 10, cacheMissNs: 30 },
  })
})

test('compute counts that differ are said, and cost nothing', () => {
  const after = row({
    inferenceStats: {
      computeInput: { count: 5n, ns: 50n },
      computeInfer: { count: 4n, ns: 40n },
      computeOutput: { count: 5n, ns: 50n },
    },
  })
  const delta = statisticsDelta([row({})], [after], 'm')
  expect(delta).toMatchObject({ times: { serverComputeInferNs: 10 } })
  expect(delta.status === 'available' && delta.times.problem).toContain(
    '5 compute inputs, 4 compute infers and 5 compute outputs',
  )
})

test('versions of a model are taken together, other models are not', () => {
  const before = [row({ version: '1' }), row({ version: '2' }), row({ name: 'n' })]
  const after = [
    row({ version: '2', inferenceStats: { success: { count: 1n, ns: 10n } } }),
    row({ version: '1', inferenceStats: { success: { count: 3n, ns: 50n } } }),
    row({ name: 'n', inferenceStats: { success: { count: 100n, ns: 1n } } }),
  ]
  expect(statisticsDelta(before, after, 'm')).toMatchObject({ times: { successNs: 15, requestCount: 4 } })
})
