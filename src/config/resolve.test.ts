import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { readConfig } from './load-config.ts'

const modelOf = (text: string, model = 'm') => readConfig(text, 'triton-perf-gate.yml', {}).settingsFor(model)

const read = (text: string) => readConfig(text, 'triton-perf-gate.yml', {})

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
  expect(config.ignoredKeys).toMatchObject([{ key: 'bls_composing_models.c.parameters' }])
  // What is listed is what is measured, of the composing models too.
  const only = 'run_config_search_disable: true\n'
  expect(read(only).settingsFor('x').search.mode).toBe('off')
  const listed = 'ensemble_composing_models: { a: { model_config_parameters: { max_batch_size: 4 } } }'
  expect(read(only + listed).settingsFor('x').search).toMatchObject({ mode: 'manual', onlyWith: ['a'] })
})
