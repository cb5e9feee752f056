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
  const { objective: _, ...unsought } = file
  expect(problemsOf({ ...unsought, space: { ...file.space, instance_count: [] } })).toEqual([
    { file: 'l.json', key: 'objective', message: 'is missing' },
    { file: 'l.json', key: 'space.instance_count', message: 'is an empty list' },
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
  const elsewhere = parseLandscape({ ...file, points: [point(9, 1, { is_default: false })] }).notes
  expect(elsewhere).toContain('no point lies in the space, so that everything in it fails')
  // Names of what every object has are keys like any others.
  expect(parseLandscape({ ...file, constructor: 1 }).notes).toEqual([
    'constructor has no meaning in a landscape, and is not read',
  ])
  const { constraints } = parseLandscape({
    ...file,
    constraints: { perf_latency_p99: { min: null, max: 20 } },
  })
  expect(constraints).toHaveLength(1)
})

test('keys of points that look like another one are told, and not those that only are more', () => {
  const renamed = (from: string, to: string, more: object = {}) =>
    file.points.map((each) => ({
      ...Object.fromEntries(Object.entries(each).map(([key, value]) => [key === from ? to : key, value])),
      ...more,
    }))
  const notesOf = (points: readonly object[]) => parseLandscape({ ...file, points }).notes
  expect(notesOf(renamed('latency_avg_ms', 'latency_averge_ms'))).toEqual([
    // Of what failed no number is looked at.
    'points: latency_averge_ms (in 7 of 8) is not read; did you mean latency_avg_ms?',
  ])
  expect(notesOf(renamed('gpu_memory_mb', 'gpu_memory_mib'))).toEqual([
    'points: gpu_memory_mib (in 7 of 8) is not read; did you mean gpu_memory_mb?',
    'no point of the space holds gpu_memory_mb, which gpu_used_memory limits, so that none of them meets it',
  ])
  // Where both ends are left out nothing is limited.
  const unlimited = { perf_latency_p99: { max: 20 }, gpu_used_memory: { max: null } }
  const points = file.points.map((each) => ({ ...each, gpu_memory_mb: null }))
  expect(parseLandscape({ ...file, constraints: unlimited, points }).notes).toEqual([])
  expect(notesOf(renamed('failed', 'faild'))).toEqual([
    'points: faild (in 8 of 8) is not read; did you mean failed?',
  ])
  expect(notesOf(renamed('', '', { latency_p95_ms: 8, latency_p50_ms: 5, run: 3, gpu_util: 0.5 }))).toEqual(
    [],
  )
})

test.each([
  ['perf_throughput', 'inferences_per_second'],
  ['perf_latency_p99', 'latency_p99_ms'],
  ['perf_latency', 'latency_p99_ms'],
  ['perf_latency_avg', 'latency_avg_ms'],
  ['gpu_used_memory', 'gpu_memory_mb'],
])('an objective of which no point of the space says anything is an error: %s', (tag, key) => {
  const without = (each: object, value?: null) => ({ ...each, [key]: value })
  const seeking = { ...file, objective: { [tag]: 1 }, constraints: {} }
  expect(problemsOf(seeking)).toEqual([])
  const others = ['inferences_per_second', 'latency_p99_ms', 'latency_avg_ms', 'gpu_memory_mb'].filter(
    (each) => each !== key,
  )
  for (const value of [undefined, null] as const)
    expect(problemsOf({ ...seeking, points: file.points.map((each) => without(each, value)) })).toEqual([
      {
        file: 'l.json',
        key: `objective.${tag}`,
        message: `is measured by ${key}, which no point of the space holds; they hold ${others.join(', ')}`,
        remedy: `Record ${key}, or seek what is recorded.`,
      },
    ])
  // One that has it is enough, if it may be proposed and did not fail.
  const [first, ...rest] = file.points
  const some = (one: object) => ({ ...seeking, points: [one, ...rest.map((each) => without(each))] })
  expect(problemsOf(some({ ...first }))).toEqual([])
  expect(problemsOf(some({ ...first, failed: true }))).toHaveLength(1)
  expect(problemsOf(some({ ...first, concurrency: 3 }))).toHaveLength(1)
  // Where nothing works nothing is known of anything.
  expect(problemsOf({ ...seeking, points: file.points.map((each) => ({ ...each, failed: true })) })).toEqual(
    [],
  )
})

test('an objective whose key is misspelt in the points: the error says which it is', () => {
  const points = file.points.map(({ inferences_per_second: inferences_per_secnd, ...each }) => ({
    ...each,
    inferences_per_secnd,
  }))
  expect(problemsOf({ ...file, points }).map(({ remedy }) => remedy)).toEqual([
    'Points have inferences_per_secnd: did you mean inferences_per_second?',
  ])
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

/** Client batches of these sizes alone, on configurations of max_batch_size 8 (committed), 16 and 32. */
const largeRequests = (sizes: readonly number[]) => ({
  ...file,
  constraints: {},
  space: {
    instance_count: [1, 2],
    max_batch_size: [8, 16, 32],
    dynamic_batching: [true],
    concurrency: [1, 2, 4],
    client_batch_size: sizes,
  },
  points: [1, 2].flatMap((instance_count) =>
    [8, 16, 32].flatMap((max_batch_size) =>
      [1, 2, 4].flatMap((concurrency) =>
        sizes.map((client_batch_size) => ({
          ...{ instance_count, max_batch_size, dynamic_batching: true, concurrency, client_batch_size },
          inferences_per_second: 100 * Math.min(instance_count, concurrency) * client_batch_size,
          failed: client_batch_size > max_batch_size,
          is_default: instance_count === 1 && max_batch_size === 8,
        })),
      ),
    ),
  ),
})

test.each(['quick', 'brute', 'manual', 'off'] as const)(
  'where all client batches are larger than the committed max_batch_size, those that take them are measured: %s',
  (mode) => {
    const scene = parseLandscape(largeRequests([16, 32]))
    const { answer, points } = replay(mode, scene, { maxMeasurements: 20 })
    if (mode === 'off') return expect(answer).toBeNull()
    expect(points.every(({ metrics }) => metrics !== null)).toBe(true)
    expect(shareOfOptimum(scene, answer)).toBe(1)
    expect(answer).toMatchObject({
      gain: null,
      tie: false,
      configuration: { instanceCount: 2, maxBatchSize: 32 },
    })
    expect(answer?.explanation).toBe(
      'The committed configuration was not measured: its max_batch_size of 8 takes none of the client batches.',
    )
    if (mode === 'quick')
      expect(points[0]?.configuration).toMatchObject({ instanceCount: 1, maxBatchSize: 16 })
  },
)

test('client batches that no configuration takes are an error that names the key and what to do', () => {
  expect(problemsOf(largeRequests([64, 33]))).toEqual([
    {
      file: 'l.json',
      key: 'space.client_batch_size',
      message: 'is 33 at the least, and no max_batch_size is above 32: nothing can be measured',
      remedy: 'Record smaller client batches, or a max_batch_size that takes them.',
    },
  ])
  // Some that are taken are enough.
  expect(problemsOf(largeRequests([64, 32]))).toEqual([])
})
