import { expect, test } from 'vitest'
import { calmClient, saturatedClient } from '../../test/support/client-health.ts'
import { windowOf } from '../../test/support/windows.ts'
import type { Load } from '../domain/load.ts'
import { nsPerMs } from '../domain/world.ts'
import { isDisturbed, isSilent, type Sample, toRepetition } from './sample.ts'

const load: Load = { mode: 'concurrency', concurrency: 1, batchSize: 2 }
const ramp = Array.from({ length: 400 }, (_, i) => i + 1)

function sample(windows: Sample['windows'], change: Partial<Sample> = {}): Sample {
  return {
    startNs: 5,
    windows,
    server: {
      status: 'available',
      times: {
        serverQueueNs: 10 * nsPerMs,
        serverComputeInputNs: nsPerMs,
        serverComputeInferNs: 80 * nsPerMs,
        serverComputeOutputNs: nsPerMs,
        successNs: 95 * nsPerMs,
        executedBatchSize: 2,
        requestCount: 400,
        failCount: 0,
        cacheHitCount: 0,
        cacheMissCount: 0,
        cacheHitNs: null,
        cacheMissNs: null,
        batches: [],
        problem: null,
      },
    },
    gpuMemory: null,
    gpuUtilizationRatio: null,
    gpuPowerWatts: null,
    serverMemoryBytes: 1000,
    disturbances: [],
    ...change,
  }
}

test('percentiles are exact, throughput counts inferences, overhead is what the server does not account for', () => {
  const repetition = toRepetition(
    sample([windowOf(ramp.slice(0, 200)), windowOf(ramp.slice(200))]),
    load,
    3,
    3,
    0.01,
  )
  expect(repetition).toMatchObject({
    index: 3,
    pairedWith: 3,
    requests: 400,
    status: 'valid',
    voidReasons: [],
  })
  expect(repetition.metrics).toMatchObject({
    latencyP50Ns: 200 * nsPerMs,
    latencyP99Ns: 396 * nsPerMs,
    latencyMaxNs: 400 * nsPerMs,
    latencyAvgNs: 200.5 * nsPerMs,
    networkOverheadNs: (200.5 - 92) * nsPerMs,
    // 400 requests of batch 2 within two windows of a second.
    inferPerSec: 400,
    gpuMemoryBytes: null,
  })
  expect(repetition.blocks.map((block) => block.requests)).toEqual([200, 200])
})

test('below 299 requests there is no p99', () => {
  const { metrics } = toRepetition(sample([windowOf(ramp.slice(0, 298))]), load, 0, null, 0.01)
  expect(metrics.latencyP99Ns).toBeNull()
  expect(metrics.latencyP95Ns).toBe(284 * nsPerMs)
})

test('server times that could not be had leave the client times alone', () => {
  const server = { status: 'unavailable', reason: 'loaded anew' } as const
  const { metrics } = toRepetition(sample([windowOf(ramp)], { server }), load, 0, null, 0.01)
  expect(metrics).toMatchObject({ serverQueueNs: null, networkOverheadNs: null, latencyP99Ns: 396 * nsPerMs })
})

test.each([
  ['no request succeeded', [windowOf([])], 'no_requests'],
  [
    'too many failed',
    [windowOf(ramp, { failures: { UNAVAILABLE: 5 }, firstFailure: 'Exceeds maximum queue size' })],
    'failed_requests: 5 of 405 (UNAVAILABLE × 5): Exceeds maximum queue size',
  ],
  [
    'the client was saturated in most blocks',
    [1, 2, 3].map((i) => windowOf(ramp, { client: i > 1 ? saturatedClient() : calmClient() })),
    'client_saturated',
  ],
  [
    'the client was frozen in one block',
    [1, 2, 3].map((i) =>
      windowOf(ramp, { client: calmClient({ problems: i === 1 ? ['client_frozen: for 2.0 s'] : [] }) }),
    ),
    'client_frozen: for 2.0 s',
  ],
])('a repetition is void where %s', (_, windows, reason) => {
  const repetition = toRepetition(sample(windows), load, 0, null, 0.01)
  expect(repetition.status).toBe('void')
  expect(repetition.voidReasons.join()).toContain(reason)
})

test('one saturated block of three says nothing of the repetition', () => {
  const windows = [calmClient(), saturatedClient(), calmClient()].map((client) => windowOf(ramp, { client }))
  expect(toRepetition(sample(windows), load, 0, null, 0.01)).toMatchObject({
    status: 'valid',
    client: { eventLoopUtilization: 0.97, saturated: false, problems: [] },
  })
})

test('a few failures below the limit are kept as data', () => {
  const repetition = toRepetition(
    sample([windowOf(ramp, { failures: { INTERNAL: 4 } })]),
    load,
    0,
    null,
    0.01,
  )
  expect(repetition).toMatchObject({ status: 'valid', failures: { INTERNAL: 4 } })
})

test('what disturbed the machine voids the repetition in its own words', () => {
  const repetition = toRepetition(
    sample([windowOf(ramp)], { disturbances: ['throttled: power cap'] }),
    load,
    0,
    null,
    0.01,
  )
  expect(repetition).toMatchObject({ status: 'void', voidReasons: ['throttled: power cap'] })
})

test('only what spoilt a sample from outside is worth another repetition', () => {
  expect(isDisturbed(sample([windowOf(ramp, { client: saturatedClient() })]))).toBe(true)
  expect(isDisturbed(sample([windowOf(ramp)], { disturbances: ['gpu_throttled'] }))).toBe(true)
  expect(isDisturbed(sample([windowOf(ramp, { failures: { INTERNAL: 400 } })]))).toBe(false)
})

test('a sample is silent where no window has a success', () => {
  expect(isSilent(sample([windowOf([], { failures: { deadline: 1 } }), windowOf([])]))).toBe(true)
  expect(isSilent(sample([windowOf([]), windowOf([5])]))).toBe(false)
})
