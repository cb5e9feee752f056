import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { parseLandscape } from './landscape-file.ts'
import { replay, shareOfOptimum } from './replay.ts'

const point = (instance_count: number, concurrency: number, more: object = {}) => ({
  instance_count,
  max_batch_size: 8,
  dynamic_batching: true,
  concurrency,
  client_batch_size: 1,
  inferences_per_second: 100 * Math.min(instance_count, concurrency),
  latency_p99_ms: 10 * Math.max(1, concurrency / instance_count),
  latency_avg_ms: 9,
  gpu_memory_mb: 500 * instance_count,
  failed: false,
  is_default: instance_count === 1,
  ...more,
})
const file = {
  name: 'recorded',
  objective: { perf_throughput: 10 },
  constraints: { perf_latency_p99: { max: 20 }, gpu_used_memory: { max: 1200 } },
  space: {
    instance_count: [1, 2, 3],
    max_batch_size: [8],
    dynamic_batching: [true],
    concurrency: [1, 2, 4],
    client_batch_size: [1],
  },
  points: [1, 2, 3].flatMap((k) =>
    [1, 2, 4]
      .filter((c) => k < 3 || c > 1)
      .map((c) => point(k, c, k === 2 && c === 4 ? { failed: true } : {})),
  ),
}

test('a recorded landscape has its units converted, and fails where it was not recorded or says so', () => {
  const { space, constraints, measure } = parseLandscape(file)
  expect(space.committed).toEqual({
    committed: true,
    instanceCount: 1,
    maxBatchSize: 8,
    dynamicBatching: true,
  })
  expect(space.configurations).toHaveLength(3)
  expect(constraints.map(({ metric, bound, limit }) => [metric, bound, limit])).toEqual([
    ['latencyP99Ns', 'max', 20e6],
    ['gpuDeviceMemoryBytes', 'max', 1200e6],
  ])
  const at = (instanceCount: number, concurrency: number) =>
    measure(
      { committed: false, instanceCount, maxBatchSize: 8, dynamicBatching: true },
      { mode: 'concurrency', concurrency },
    )
  expect(at(2, 2)).toEqual({
    inferPerSec: 200,
    latencyP99Ns: 10e6,
    latencyAvgNs: 9e6,
    gpuDeviceMemoryBytes: 1000e6,
  })
  expect(at(2, 4)).toBeNull()
  expect(at(3, 1)).toBeNull()
})

test('a search finds its optimum under latency and memory', () => {
  const scene = parseLandscape(file)
  const { answer } = replay('quick', scene, { maxMeasurements: 15 })
  expect(answer).toMatchObject({
    configuration: { instanceCount: 2 },
    load: { concurrency: 2 },
    meetsConstraints: true,
  })
  expect(shareOfOptimum(scene, answer)).toBe(1)
})

test('a landscape over request rates has them in place of concurrencies', () => {
  const { concurrency: _, ...space } = file.space
  const points = file.points.map(({ concurrency, ...rest }) => ({ ...rest, request_rate: 100 * concurrency }))
  const scene = parseLandscape({ ...file, space: { ...space, request_rate: [100, 200, 400] }, points })
  expect(scene.space.loads).toEqual(
    [100, 200, 400].map((requestRate) => ({ mode: 'requestRate', requestRate })),
  )
  const { answer } = replay('quick', scene, { maxMeasurements: 15 })
  expect(answer).toMatchObject({ configuration: { instanceCount: 2 }, load: { requestRate: 200 } })
  for (const wrong of [
    { ...file, space },
    { ...file, points },
    { ...file, space: { ...file.space, request_rate: [1] } },
  ])
    expect(() =>
      parseLandscape({ ...wrong, points: [...wrong.points, { ...points[0], request_rate: undefined }] }),
    ).toThrow(GateError)
})

test('all that is wrong with a file is said at once', () => {
  const bad = { ...file, name: 7, objective: { perf_speed: 1 } }
  const error = (() => {
    try {
      return parseLandscape(bad, 'l.json')
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(GateError)
  const keys = (error as GateError).problems.map(({ key }) => key)
  expect(keys).toEqual(['name', 'objective'])
  expect(() => parseLandscape({ ...file, points: [point(2, 1)] })).toThrow(GateError)
})
