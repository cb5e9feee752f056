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

const problemsOf = (json: unknown) => {
  try {
    parseLandscape(json, 'l.json')
  } catch (error) {
    if (error instanceof GateError) return error.problems
    throw error
  }
  return []
}

test('all that is wrong with a file is said at once', () => {
  const bad = { ...file, name: 7, objective: { perf_througput: 1 }, constrains: {}, seed: 7 }
  expect(problemsOf(bad)).toEqual([
    { file: 'l.json', key: 'name', message: expect.any(String) },
    {
      file: 'l.json',
      key: 'objective.perf_througput',
      message: 'is not a key that is known',
      remedy: 'Did you mean perf_throughput?',
    },
    {
      file: 'l.json',
      key: 'constrains',
      message: 'is not a key that is known',
      remedy: 'Did you mean constraints?',
    },
  ])
  const keysOf = (json: unknown) => problemsOf(json).map(({ key }) => key)
  expect(keysOf({ ...file, constraints: { perf_latency_p95: { max: 1 } } })).toEqual([
    'constraints.perf_latency_p95',
  ])
  expect(keysOf({ ...file, objective: {} })).toEqual(['objective'])
  expect(keysOf({ ...file, space: { ...file.space, max_queue_delay: [1] } })).toEqual([
    'space.max_queue_delay',
  ])
  const twoDefaults = [point(1, 1), point(1, 2), point(2, 1, { is_default: true })]
  expect(keysOf({ ...file, points: twoDefaults })).toEqual(['points.2.is_default'])
})

test('a recording that marks no default, or keeps more than a landscape is, can be used, and what was made of it is told', () => {
  expect(parseLandscape(file).notes).toEqual([])
  const points = file.points.map((each) => ({ ...each, is_default: false }))
  const { space, notes } = parseLandscape({ ...file, points, seed: 7 })
  expect(space.committed).toMatchObject({ committed: true, instanceCount: 1, maxBatchSize: 8 })
  expect(notes).toEqual([
    'seed has no meaning in a landscape, and is not read',
    expect.stringContaining('no point is the default'),
  ])
  const { constraints } = parseLandscape({
    ...file,
    constraints: { perf_latency_p99: { min: null, max: 20 } },
  })
  expect(constraints).toHaveLength(1)
})

test('null is a number that is left out, and of what failed no number matters', () => {
  const garbage = { inferences_per_second: 'NaN', latency_p99_ms: -1, latency_avg_ms: null }
  const points = [point(1, 1, { gpu_memory_mb: null }), point(2, 1, { ...garbage, failed: true })]
  const { measure, space } = parseLandscape({ ...file, points })
  const load = { mode: 'concurrency', concurrency: 1 } as const
  expect(measure(space.committed, load)).toMatchObject({ inferPerSec: 100, gpuDeviceMemoryBytes: null })
  expect(measure({ ...space.committed, instanceCount: 2 }, load)).toBeNull()
  expect(problemsOf({ ...file, points: [point(1, 1, garbage)] })).toHaveLength(2)
})
