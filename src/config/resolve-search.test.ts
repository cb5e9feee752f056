import { expect, test } from 'vitest'
import type { GateError } from '../domain/error.ts'
import type { ModelSettings } from './config.ts'
import { readConfig } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

function settings(yaml: string, overrides: ConfigOverrides = {}): ModelSettings {
  return readConfig(yaml, 'gate.yml', overrides).settingsFor('m')
}
const tags = ({ objectives }: ModelSettings) => objectives.map(({ name }) => name)

test('a mode changes what is tried and sought by default, and nothing that is listed', () => {
  const unsaid = settings('{}')
  expect(unsaid.search).toMatchObject({
    serving: null,
    clientBatchSizes: [1],
    concurrency: { min: 1, max: 1024 },
  })
  expect(tags(unsaid)).toEqual(['perf_throughput'])

  const online = settings('gate: {mode: online}')
  expect(online.search).toMatchObject({
    serving: 'online',
    clientBatchSizes: [1],
    concurrency: { max: 1024 },
  })
  expect(tags(online)).toEqual(['perf_throughput', 'perf_latency_p99'])
  // Within a limit of latency it is throughput that is wanted.
  expect(tags(settings('latency_budget: 10\ngate: {mode: online}'))).toEqual(['perf_throughput'])
  expect(tags(settings('objectives: [gpu_used_memory]\ngate: {mode: online}'))).toEqual(['gpu_used_memory'])

  const offline = settings('run_config_search_max_model_batch_size: 16\n', { mode: 'offline' })
  expect(offline.search).toMatchObject({
    clientBatchSizes: [1, 2, 4, 8, 16],
    concurrency: { min: 1, max: 8 },
  })
  expect(tags(offline)).toEqual(['perf_throughput'])
  const listed = settings('batch_sizes: 4\nrun_config_search_max_concurrency: 64\ngate: {mode: offline}')
  expect(listed.search).toMatchObject({ clientBatchSizes: [4], concurrency: { max: 64 } })
  expect(settings('gate: {mode: offline}', { mode: 'online' }).search.serving).toBe('online')
})

test.each<[string, readonly number[] | null, string?]>([
  ['{}', null],
  ['request_rate_search_enable: false', null],
  ['request_rate_search_enable: true', [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]],
  ['run_config_search_max_request_rate: 40', [16, 32]],
  ['run_config_search_min_request_rate: 10.5\nrun_config_search_max_request_rate: 50', [10.5, 21, 42]],
  ['request_rate: "5,20"', [5, 20]],
  ['profile_models: {m: {parameters: {request_rate: 7}}}', [7]],
  ['request_rate: 5\nprofile_models: {m: {parameters: {concurrency: 2}}}', null],
  ['request_rate: 5\nperf_analyzer_flags: {request-distribution: poisson}', [5], 'poisson'],
])('request rates of the sweep: %s', (yaml, rates, distribution = 'constant') => {
  const listed = /request_rate: ./.test(yaml) && !yaml.includes('run_config')
  expect(settings(yaml).search.requestRates).toEqual(rates && { rates, distribution, listed })
})

test('what asks for rates excludes what asks for concurrencies', () => {
  const problemsOf = (yaml: string) => {
    try {
      settings(yaml)
      return []
    } catch (error) {
      return (error as GateError).problems.map(({ key, message }) => `${key} ${message}`)
    }
  }
  expect(problemsOf('request_rate_search_enable: true\nrun_config_search_max_concurrency: 8')).toEqual([
    'request_rate_search_enable stands beside run_config_search_max_concurrency',
  ])
  expect(problemsOf('concurrency: 2\nrun_config_search_min_request_rate: 8')).toEqual([
    'run_config_search_min_request_rate stands beside concurrency',
  ])
  expect(problemsOf('request_rate_search_enable: false\nconcurrency: 2')).toEqual([])
  expect(problemsOf('run_config_search_min_request_rate: 9000')).toEqual([
    expect.stringContaining('the least (9000) is above the most (8192)'),
  ])
})

test.each<[string, readonly number[] | null, number]>([
  ['concurrency: [2, 4]', null, 20],
  ['concurrency: [2, 4]\nrun_config_search_mode: brute', [2, 4], Number.POSITIVE_INFINITY],
  ['run_config_search_mode: brute', null, Number.POSITIVE_INFINITY],
  ['run_config_search_mode: brute\ngate: {search_max_measurements: 7}', null, 7],
  [
    'concurrency: 4\nprofile_models: {m: {model_config_parameters: {max_batch_size: 4}}}',
    [4],
    Number.POSITIVE_INFINITY,
  ],
  [
    'concurrency: 4\nprofile_models: {m: {parameters: {concurrency: "1,3"}, model_config_parameters: {max_batch_size: 4}}}',
    [1, 3],
    Number.POSITIVE_INFINITY,
  ],
  // A range that is named asks for more than the gated loads.
  [
    'concurrency: 4\nrun_config_search_max_concurrency: 8\nprofile_models: {m: {model_config_parameters: {max_batch_size: 4}}}',
    null,
    Number.POSITIVE_INFINITY,
  ],
  // Nothing is searched: no loads either.
  [
    'run_config_search_disable: true\nprofile_models: {m: {model_config_parameters: {max_batch_size: 4}}}',
    [1, 8],
    Number.POSITIVE_INFINITY,
  ],
])('what brute and lists measure: %s', (yaml, concurrencies, maxMeasurements) => {
  expect(settings(yaml).search).toMatchObject({ concurrencies, maxMeasurements })
})
