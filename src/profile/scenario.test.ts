import { expect, test } from 'vitest'
import { saturatedClient } from '../../test/support/client-health.ts'
import { windowOf } from '../../test/support/windows.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { scenarioSchema } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'

const configuration: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 8,
  dynamicBatching: true,
}
const load: Load = { mode: 'concurrency', concurrency: 4 }

function scenario(windowsOfRepetitions: Sample['windows'][]) {
  const samples = windowsOfRepetitions.map(
    (windows): Sample => ({
      startNs: 0,
      windows,
      server: { status: 'unavailable', reason: 'not asked' },
      gpuMemory: null,
      gpuUtilizationRatio: null,
      gpuPowerWatts: null,
      serverMemoryBytes: 100 * windows.length,
      disturbances: [],
    }),
  )
  const measured = samples.map((sample, index) => ({
    sample,
    repetition: toRepetition(sample, load, index, index, 0.01),
  }))
  return scenarioSchema.parse(toScenario({ role: 'gate', configuration, load, measured }))
}

const ms = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

test('a percentile is that of all valid samples together, with its order-statistic interval', () => {
  const { status, metrics } = scenario([[windowOf(ms(1, 200))], [windowOf(ms(201, 200))]])
  expect(status).toBe('measured')
  expect(metrics.latencyP99Ns).toMatchObject({ value: 396 * nsPerMs, n: 400, unit: 'ns' })
  const [low, high] = metrics.latencyP99Ns?.interval ?? []
  expect(low).toBeLessThan(396 * nsPerMs)
  expect(high).toBeGreaterThan(396 * nsPerMs)
})

test('an open loop has service time and lag beside its latency, a closed loop does not', () => {
  const sends = { serviceNs: Float64Array.of(1, 2, 3, 4, 5), lagNs: Float64Array.of(0, 0, 0, 0, 9) }
  expect(scenario([[windowOf(ms(1, 5), { sends })]]).metrics.serviceP50Ns).toMatchObject({ value: 3, n: 5 })
  expect(scenario([[windowOf(ms(1, 5))]]).metrics).not.toHaveProperty('serviceP50Ns')
})

test('too few requests: the value is null with the reason, the interval has no upper end below 368', () => {
  const few = scenario([[windowOf(ms(1, 100))]])
  expect(few.metrics.latencyP99Ns).toMatchObject({
    value: null,
    reason: 'p99 needs at least 299 requests, there were 100',
  })
  const open = scenario([[windowOf(ms(1, 320))]])
  expect(open.metrics.latencyP99Ns?.interval?.[1]).toBeNull()
})

test('throughput is the mean over repetitions; with one repetition its blocks give the interval', () => {
  const many = scenario([[windowOf(ms(1, 300))], [windowOf(ms(1, 500))]])
  expect(many.metrics.inferPerSec).toMatchObject({ value: 400, n: 800, unit: 'infer/s' })
  expect(many.metrics.inferPerSec?.interval).not.toBeNull()
  const single = scenario([[windowOf(ms(1, 300)), windowOf(ms(1, 320)), windowOf(ms(1, 310))]])
  expect(single.metrics.inferPerSec?.value).toBe(310)
  expect(single.metrics.inferPerSec?.interval?.[0]).toBeLessThan(310)
})

test('memory is the highest of the repetitions; what the machine has not is null, not zero', () => {
  const { metrics } = scenario([[windowOf(ms(1, 300))], [windowOf(ms(1, 300)), windowOf(ms(1, 300))]])
  expect(metrics.serverMemoryBytes?.value).toBe(200)
  expect(metrics.gpuMemoryBytes).toBeNull()
})

test('a void repetition counts for nothing and is said', () => {
  const { metrics, warnings } = scenario([
    [windowOf(ms(1, 300))],
    [windowOf([], { failures: { UNAVAILABLE: 9 } })],
  ])
  expect(metrics.latencyP50Ns).toMatchObject({ n: 300 })
  expect(warnings.join()).toContain('1 of 2 repetitions were void')
})

test('where every repetition was disturbed the numbers are shown, with the warning, and none is valid', () => {
  const { status, metrics, repetitions, warnings } = scenario([
    [windowOf(ms(1, 300), { client: saturatedClient() })],
  ])
  expect(status).toBe('measured')
  expect(metrics.latencyP50Ns?.value).toBe(150 * nsPerMs)
  expect(repetitions.map((each) => each.status)).toEqual(['void'])
  expect(warnings.join()).toContain('client_saturated')
})

test('without a valid repetition the scenario failed, with the reason', () => {
  const { status, error } = scenario([[windowOf([], { failures: { INTERNAL: 3 } })]])
  expect({ status, error }).toEqual({
    status: 'failed',
    error: 'concurrency 4: failed_requests: 3 of 3 (INTERNAL × 3)',
  })
  expect(scenarioSchema.parse(failedScenario('sweep', configuration, load, 'out of memory')).error).toBe(
    'out of memory',
  )
})

test('composing models are summed up over the valid repetitions, their troubles told once each', () => {
  const row = {
    model: 'a',
    via: 'step',
    requestCount: 10,
    failCount: 0,
    requestsPerRequest: 1,
    serverQueueNs: 4,
    serverComputeInputNs: 1,
    serverComputeInferNs: 2,
    serverComputeOutputNs: 1,
    executedBatchSize: 1,
    cacheHitCount: 0,
  } as const
  const base = {
    startNs: 0,
    server: { status: 'unavailable', reason: 'not asked' },
    gpuMemory: null,
  } as const
  const rest = { gpuUtilizationRatio: null, gpuPowerWatts: null, serverMemoryBytes: null }
  const samples = [
    { queue: 4, disturbances: [] },
    { queue: 8, disturbances: [] },
    { queue: 900, disturbances: ['another tenant'] },
  ].map(
    ({ queue, disturbances }, index): Sample => ({
      ...base,
      ...rest,
      windows: [windowOf(ms(1, 300))],
      composing: {
        models: [{ ...row, serverQueueNs: queue }],
        warnings: [`composing model 'a' was asked ${index + 5} times`],
      },
      disturbances,
    }),
  )
  const measured = samples.map((sample, index) => ({
    sample,
    repetition: toRepetition(sample, load, index, null, 0.01),
  }))
  const whole = scenarioSchema.parse(toScenario({ role: 'gate', configuration, load, measured }))
  expect(whole.composing).toEqual([{ ...row, requestCount: 20, serverQueueNs: 6 }])
  expect(whole.repetitions.map(({ composing }) => composing?.[0]?.serverQueueNs)).toEqual([4, 8, 900])
  expect(whole.warnings.filter((warning) => warning.includes('composing'))).toEqual([
    "repetition 1: composing model 'a' was asked 5 times",
  ])
})
