import { expect, test } from 'vitest'
import { windowOf } from '../../test/support/windows.ts'
import type { StatisticsDelta } from '../triton/statistics.ts'
import type { Sample } from './sample.ts'
import { otherClients, serverCounts, serverWarnings } from './server-counts.ts'

function sample(requestCount: number, change: { failCount?: number; problem?: string } = {}): Sample {
  const server: StatisticsDelta = {
    status: 'available',
    times: {
      serverQueueNs: 1,
      serverComputeInputNs: 1,
      serverComputeInferNs: 1,
      serverComputeOutputNs: 1,
      successNs: 4,
      executedBatchSize: 1,
      requestCount,
      failCount: 0,
      cacheHitCount: 3,
      cacheMissCount: 2,
      cacheHitNs: 10,
      cacheMissNs: 20,
      batches: [{ batchSize: 1, executions: 5 }],
      problem: null,
      ...change,
    },
  }
  const windows = [windowOf([], { issued: 500 }), windowOf([], { issued: 500, failures: { INTERNAL: 20 } })]
  return { server, windows } as unknown as Sample
}
const load = { mode: 'concurrency', concurrency: 8 } as const

test('what the server counted is kept beside what was sent', () => {
  expect(serverCounts(sample(990)).serverCounts).toMatchObject({
    succeeded: 990,
    sent: 1000,
    cacheHits: 3,
    batches: [{ batchSize: 1, executions: 5 }],
  })
  const unavailable: StatisticsDelta = { status: 'unavailable', reason: 'a counter fell' }
  expect(serverCounts({ ...sample(0), server: unavailable })).toEqual({})
  expect(serverWarnings({ ...sample(0), server: unavailable }, load)).toEqual([
    'no times of the server: a counter fell',
  ])
})

test('fewer than were sent is a warning with the numbers; what failed or is not yet counted is not', () => {
  expect(serverWarnings(sample(980), load)).toEqual([])
  // 1000 sent, 20 failed, 8 under way, one of a hundred forgiven.
  expect(serverWarnings(sample(963), load)).toEqual([])
  expect(serverWarnings(sample(962), load)).toEqual([
    'the server counted 962 requests of 1000 that were sent (20 failed): its times are those of the counted ones',
  ])
  expect(serverWarnings(sample(942, { failCount: 30 }), load)).toEqual([])
})

test('numbers that do not fit together are said', () => {
  expect(serverWarnings(sample(1000, { problem: 'odd' }), load)).toEqual(['odd'])
})

test('more than were sent, and than may have been sent, are of other clients', () => {
  const others = ({ server, windows }: Sample) => otherClients(server, windows)
  // 1000 sent; one of a hundred and two are forgiven.
  expect(others(sample(1012))).toEqual([])
  expect(others(sample(1000, { failCount: 13 }))).toEqual([
    'other_clients: the server counted 1013 requests, 1000 were sent from here',
  ])
  expect(others({ ...sample(1013), windows: [] })).toEqual([])
  const unsure = (requestCount: number) => ({
    ...sample(requestCount),
    windows: [windowOf([], { issued: 1000, mayHaveIssued: 100 })],
  })
  expect(others(unsure(1113))).toEqual([])
  expect(others(unsure(1114))).toHaveLength(1)
  // What may have been sent is not missed where it was not.
  expect(serverWarnings(unsure(990), load)).toEqual([])
})
