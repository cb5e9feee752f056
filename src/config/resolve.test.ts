import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { readConfig } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

const file = 'triton-perf-gate.yml'

const read = (text: string, overrides: ConfigOverrides = {}) => readConfig(text, file, overrides)

const modelOf = (text: string, model = 'm', overrides: ConfigOverrides = {}) =>
  read(text, overrides).settingsFor(model)

test('a model’s settings go before the global ones', () => {
  const text = `
profile_models:
  plain:
  special:
    cpu_only: true
    parameters: { request_rate: { start: 10, stop: 30, step: 10 }, batch_sizes: "1,4" }
    objectives: [perf_latency_p99, gpu_used_memory]
    constraints: { gpu_used_memory: { max: 500 } }
    perf_analyzer_flags: { shape: "IN:3,224", request-distribution: poisson }
concurrency: [2, 2, 4]
objectives: { perf_throughput: 3 }
constraints: { perf_latency_avg: { max: 7 } }
min_throughput: 100
perf_analyzer_flags: { shape: ["A:1", "B:2,3"], input-data: zero, string-data: 5 }
`
  const { models } = read(text)
  expect(models).toEqual(['plain', 'special'])
  expect(modelOf(text, 'plain')).toMatchObject({
    loads: [{ concurrency: 2 }, { concurrency: 4 }],
    objectives: [{ name: 'perf_throughput', weight: 3 }],
    constraints: [
      { name: 'perf_latency_avg', metric: 'latencyAvgNs', bound: 'max', limit: 7e6 },
      { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 100 },
    ],
    input: { shapes: { A: [1], B: [2, 3] }, data: 'zero', stringData: '5', stringLength: 128 },
    cpuOnly: false,
  })
  const special = modelOf(text, 'special')
  expect(special.loads).toHaveLength(6)
  expect(special.loads[5]).toEqual({
    mode: 'requestRate',
    requestRate: 30,
    distribution: 'poisson',
    batchSize: 4,
  })
  expect(special).toMatchObject({
    objectives: [
      { name: 'perf_latency_p99', metric: 'latencyP99Ns', weight: 10 },
      { name: 'gpu_used_memory', metric: 'gpuDeviceMemoryBytes', weight: 10 },
    ],
    constraints: [
      { name: 'gpu_used_memory', metric: 'gpuDeviceMemoryBytes', bound: 'max', limit: 500e6 },
      { name: 'perf_throughput', limit: 100 },
    ],
    input: { shapes: { IN: [3, 224] }, data: 'zero' },
    cpuOnly: true,
  })
})

test('input data: paths are relative to the file, a model’s own source stands beside what holds for all', () => {
  const text = `
perf_analyzer_flags: { input-data: [a.json, ../b.json], shared-memory: system }
profile_models: { m: { perf_analyzer_flags: { input-data: zero } }, other: }
gate: { inputs: { other: { X: { file: x.raw }, Y: { range: [0, 30521] } } } }
`
  const config = readConfig(text, '/project/ci/c.yml', {})
  expect(config.inputModels).toEqual(['other'])
  expect(config.settingsFor('m').input).toMatchObject({ data: 'zero', files: [], sources: {} })
  expect(config.settingsFor('other').input).toMatchObject({
    data: 'files',
    files: ['/project/ci/a.json', '/project/b.json'],
    sources: { X: { kind: 'file', path: '/project/ci/x.raw' }, Y: { kind: 'range', min: 0, max: 30_521 } },
    sharedMemory: { outputBytes: 102_400 },
  })
})

test('fixed numbers of requests in perf_analyzer’s words, a model’s own before the global ones', () => {
  const text = `
profile_models:
  plain:
  special: { perf_analyzer_flags: { request-count: 500 } }
perf_analyzer_flags: { request-count: 300, warmup-request-count: 50 }
`
  expect(modelOf(text, 'plain').counts).toEqual({ requestCount: 300, warmupRequestCount: 50 })
  expect(modelOf(text, 'special').counts).toEqual({ requestCount: 500, warmupRequestCount: 50 })
  expect(modelOf('', 'plain').counts).toEqual({ requestCount: null, warmupRequestCount: null })
})

test('the remote server’s metrics are looked for beside it', () => {
  const { triton } = read('triton_launch_mode: remote\ntriton_grpc_endpoint: gpu1:9001')
  expect(triton).toMatchObject({
    mode: 'remote',
    url: 'grpc://gpu1:9001',
    metricsUrl: 'http://gpu1:8002/metrics',
  })
  expect(read('', { tritonUrl: 'grpcs://a:1' }).triton).toMatchObject({ mode: 'remote', url: 'grpcs://a:1' })
})

test('docker settings become arguments of docker', () => {
  const { triton } = read(
    '{ triton_docker_shm_size: 1g, triton_docker_mounts: ["/a:/b:ro"], triton_docker_labels: { x: 1 }, gpus: [0], triton_server_flags: { log-verbose: 1 } }',
  )
  expect(triton).toMatchObject({
    dockerArgs: ['--shm-size=1g', '--volume=/a:/b:ro', '--label=x=1'],
    gpus: ['0'],
    serverFlags: { 'log-verbose': '1' },
  })
  expect(read('gpus: []').triton.gpus).toEqual([])
})

test('tolerances have a relative and an absolute part, and models have their own, metric by metric', () => {
  const text = `
gate:
  tolerance:
    perf_latency_p99: {relative: 10%, absolute: 0.2}
    perf_throughput: 2%
    gpu_used_memory: {absolute: 100}
  model_tolerance:
    ocr:
      perf_throughput: {absolute: 5}
      perf_latency_p99: 20%
`
  const both = { ratio: 0.1, absolute: 0.2e6 }
  expect(modelOf(text).tolerance).toMatchObject({
    latencyP99Ns: both,
    latencyP95Ns: both,
    inferPerSec: { ratio: 0.02, absolute: 0 },
    gpuMemoryBytes: { ratio: 0.02, absolute: 100e6 },
  })
  expect(modelOf(text, 'ocr').tolerance).toMatchObject({
    latencyP99Ns: { ratio: 0.2, absolute: 0 },
    latencyP50Ns: { ratio: 0.2, absolute: 0 },
    inferPerSec: { ratio: 0.03, absolute: 5 },
    gpuMemoryBytes: { ratio: 0.02, absolute: 100e6 },
  })
  expect(modelOf(text, '__proto__').tolerance).toEqual(modelOf(text).tolerance)
})

test('a release has policies of its own, stricter by default; flags stand above both', () => {
  const policies = (text: string, overrides: ConfigOverrides) => {
    const { onInconclusive, onMissingBaseline } = read(text, overrides).gate
    return [onInconclusive, onMissingBaseline]
  }
  const text = 'gate: {on_inconclusive: warn, on_missing_baseline: inconclusive}'
  expect(policies(text, {})).toEqual(['warn', 'inconclusive'])
  expect(policies(text, { release: true })).toEqual(['fail', 'fail'])
  expect(policies(text, { release: true, onInconclusive: 'warn' })).toEqual(['warn', 'fail'])
  const own = 'gate: {release: {on_missing_baseline: inconclusive}}'
  expect(policies(own, { release: true })).toEqual(['fail', 'inconclusive'])
  expect(policies(own, {})).toEqual(['warn', 'inconclusive'])
})

test('a tolerance of p99 holds for the lower percentile that may stand in for it', () => {
  const { tolerance } = modelOf('gate: { tolerance: { perf_latency_p99: 10%, perf_latency_p90: 0.2 } }')
  expect(tolerance).toMatchObject({
    latencyP99Ns: { ratio: 0.1 },
    latencyP95Ns: { ratio: 0.1 },
    latencyP90Ns: { ratio: 0.2 },
    inferPerSec: { ratio: 0.03 },
  })
})

test('every way to list numbers gives the same list', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (start, step, length) => {
        const list = Array.from({ length }, (_, i) => start + i * step)
        const stop = (list.at(-1) ?? start) + step - 1
        const written = [
          JSON.stringify(list),
          `"${list.join(', ')}"`,
          `{ start: ${start}, stop: ${stop}, step: ${step} }`,
        ]
        for (const text of written) {
          expect(modelOf(`concurrency: ${text}`).loads).toEqual(
            list.map((concurrency) => ({ mode: 'concurrency', concurrency })),
          )
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('how models are asked, in perf_analyzer’s words, and with its defaults', () => {
  const requests = (flags: string) => read(`perf_analyzer_flags: ${flags}`).settingsFor('m').requests
  expect(requests('{}')).toEqual({
    streaming: false,
    sequences: {
      count: 4,
      length: null,
      lengthVariation: 0.2,
      firstId: 1,
      endId: null,
      serial: false,
      serialAsked: null,
    },
    checkOutputs: 'given',
  })
  const all =
    '{streaming: true, num-of-sequences: 2, sequence-length: 9, sequence-length-variation: 0, sequence-id-range: "5:9", serial-sequences: true}'
  expect(requests(all)).toEqual({
    streaming: true,
    sequences: {
      count: 2,
      length: 9,
      lengthVariation: 0,
      firstId: 5,
      endId: 9,
      serial: true,
      serialAsked: true,
    },
    checkOutputs: 'given',
  })
  expect(requests('{start-sequence-id: 7}').sequences).toMatchObject({ firstId: 7, endId: null })
  expect(requests('{sequence-id-range: 7}').sequences).toMatchObject({ firstId: 7, endId: null })
  expect(() => requests('{sequence-id-range: "9:5"}')).toThrow()
})

test('certificates of the remote server are beside the configuration file', () => {
  const { endpointSettings } = read(
    'perf_analyzer_flags: {ssl-grpc-use-ssl: true, ssl-grpc-root-certifications-file: ca.pem}\ngate: {grpc_metadata: {k: v, s: {env: S}}}',
  ).triton
  expect(endpointSettings).toMatchObject({ useSsl: true, metadata: { k: 'v', s: { env: 'S' } } })
  expect(endpointSettings.rootCertificatesFile).toMatch(/^\/.*ca\.pem$/)
})

test('composing models are read as profile_models, with what is tried of each', () => {
  const named = (text: string) => read(`bls_composing_models: ${text}`).blsComposingModels
  expect(read('').blsComposingModels).toEqual([])
  expect(named('a, b,a')).toEqual(['a', 'b'])
  expect(named('[a, b]')).toEqual(['a', 'b'])
  expect(named('{ a: , b: { cpu_only: true } }')).toEqual(['a', 'b'])
  expect(() => named('{ a: { cpu: true } }')).toThrow(GateError)
  expect(() => named('"../a"')).toThrow(GateError)

  const config = read(
    'ensemble_composing_models: { a: { model_config_parameters: { instance_group: [{ count: [1, 4] }] } }, b: }\n' +
      'bls_composing_models: { c: { parameters: { concurrency: 2 }, model_config_parameters: { instance_group: [{ count: 1, kind: KIND_CPU }] } } }\n' +
      'cpu_only_composing_models: d\nrun_config_search_max_instance_count: 3',
  )
  expect(config.composingModelsNamed.map(({ key }) => key)).toEqual([
    'bls_composing_models.c',
    'ensemble_composing_models.a',
    'ensemble_composing_models.b',
    'cpu_only_composing_models.d',
  ])
  const of = config.composingSettingsFor
  expect(of('a')).toMatchObject({ cpuOnly: false, search: { instanceCounts: [1, 4], maxBatchSizes: null } })
  expect(of('any').search).toMatchObject({ instanceCounts: null, instanceCount: { min: 1, max: 3 } })
  expect(of('d').cpuOnly).toBe(true)
  expect(config.warnings).toEqual([expect.stringContaining('bls_composing_models.c.parameters: no effect')])
  // What is listed is what is measured, of the composing models too.
  const only = 'run_config_search_disable: true\n'
  expect(read(only).settingsFor('x').search.mode).toBe('off')
  const listed = 'ensemble_composing_models: { a: { model_config_parameters: { max_batch_size: 4 } } }'
  expect(read(only + listed).settingsFor('x').search).toMatchObject({ mode: 'manual', onlyWith: ['a'] })
})
