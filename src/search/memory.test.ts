import { expect, test } from 'vitest'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { fitsMemory } from './memory.ts'
import { type Landscape, replay } from './replay.ts'
import type { SearchMetrics, SearchPoint } from './state.ts'

const gigabyte = 1e9
const committed: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
const configurations = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((instanceCount) =>
  [1, 4, 16].map(
    (maxBatchSize): Configuration =>
      instanceCount === 1 && maxBatchSize === 4
        ? committed
        : { committed: false, instanceCount, maxBatchSize, dynamicBatching: true },
  ),
)
const loads = [1, 4, 16, 64].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))

/** Bytes: 1 GB of the server, and for each instance 2 GB of weights and 0.1 GB for each inference of a batch. */
const bytes = ({ instanceCount, maxBatchSize }: Configuration) =>
  gigabyte * (1 + (instanceCount ?? 1) * (2 + 0.1 * maxBatchSize))
const othersBytes = 3 * gigabyte
const gpuMemoryBytes = 16 * gigabyte
const dies = (configuration: Configuration) => bytes(configuration) + othersBytes > gpuMemoryBytes

/** More instances are faster without end: what searches wants them. */
function measure(configuration: Configuration, load: Load): SearchMetrics | null {
  if (dies(configuration)) return null
  const outstanding = load.mode === 'concurrency' ? load.concurrency : 1
  const inferPerSec = 100 * Math.min(outstanding, (configuration.instanceCount ?? 1) * 2)
  return {
    inferPerSec,
    latencyP99Ns: (outstanding / inferPerSec) * 1e9,
    gpuMemoryBytes: bytes(configuration),
    gpuIdleServerMemoryBytes: gigabyte,
    gpuDeviceMemoryBytes: bytes(configuration) + othersBytes,
  }
}

function scene(limited: boolean): Landscape {
  return {
    name: 'device',
    space: { committed, configurations, loads, ...(limited ? { gpuMemoryBytes } : {}) },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
    constraints: [],
    measure,
  }
}

const point = (configuration: Configuration): SearchPoint => ({
  configuration,
  load: { mode: 'concurrency', concurrency: 4 },
  metrics: measure(configuration, { mode: 'concurrency', concurrency: 4 }),
})

test('what is predicted not to fit beside what others hold does not', () => {
  const { space } = scene(true)
  const one = fitsMemory([point(committed)], space)
  // 2.4 GB an instance into 95 % of 16 less 3 and 1.
  expect(configurations.filter((each) => each.maxBatchSize === 4 && one(each)).length).toBe(4)
  const sixteen = configurations.find((each) => each.maxBatchSize === 16 && each.instanceCount === 1)
  if (sixteen === undefined) throw new Error('no such configuration')
  const two = fitsMemory([point(committed), point(sixteen)], space)
  const most = (batch: number) =>
    configurations.filter((each) => each.maxBatchSize === batch && two(each)).length
  expect([1, 4, 16].map(most)).toEqual([5, 4, 3])
  for (const each of configurations) if (two(each)) expect(dies(each), configurationKey(each)).toBe(false)
})

test('everything fits where no memory was read, or the GPUs do not say what they have', () => {
  const nothing = [{ ...point(committed), metrics: { inferPerSec: 1 } }]
  expect(configurations.every(fitsMemory(nothing, scene(true).space))).toBe(true)
  expect(configurations.every(fitsMemory([point(committed)], scene(false).space))).toBe(true)
})

test.each(['quick', 'brute', 'manual'] as const)('%s tries nothing that the server would die of', (mode) => {
  const deaths = (limited: boolean) =>
    replay(mode, scene(limited), { maxMeasurements: 60 }).points.filter(({ metrics }) => metrics === null)
  expect(deaths(false).length).toBeGreaterThan(0)
  expect(deaths(true)).toEqual([])
  const { answer } = replay(mode, scene(true), { maxMeasurements: 60 })
  expect(answer?.configuration.instanceCount).toBeGreaterThanOrEqual(4)
})

test('instances on the CPU fit whatever the GPUs hold, and tell nothing of those on GPUs', () => {
  const { space } = scene(true)
  const onCpu = (instanceCount: number): Configuration => ({
    ...committed,
    committed: false,
    instanceCount,
    fields: { instance_group: [{ kind: 'KIND_CPU', count: instanceCount }] },
  })
  const cpuPoint = (instanceCount: number): SearchPoint => ({
    ...point(committed),
    configuration: onCpu(instanceCount),
    metrics: { inferPerSec: 1, gpuMemoryBytes: 0.3 * gigabyte, gpuIdleServerMemoryBytes: gigabyte },
  })
  const fits = fitsMemory([point(committed), cpuPoint(2), cpuPoint(4)], space)
  const alone = fitsMemory([point(committed)], space)
  expect(fits(onCpu(64))).toBe(true)
  expect(configurations.filter(fits)).toEqual(configurations.filter(alone))
})
