import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { ignoredKeys } from './ignored-keys.ts'
import { findConfigFile, loadConfig, readConfig, warningLines } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

const file = 'triton-perf-gate.yml'

const read = (text: string, overrides: ConfigOverrides = {}) => readConfig(text, file, overrides)

const modelOf = (text: string, model = 'm', overrides: ConfigOverrides = {}) =>
  read(text, overrides).settingsFor(model)

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-config-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('without a file, everything has its default', async () => {
  const config = await loadConfig({ file: null, overrides: {} })
  expect(config).toMatchObject({
    file: null,
    models: null,
    gate: {
      repetitions: 14,
      warmupNs: 1e9,
      measurementNs: 2e9,
      blockNs: 5e8,
      timeBudgetNs: null,
      maxFailureRatio: 0.001,
    },
    triton: { mode: 'auto', url: null, startTimeoutNs: 120e9, loadTimeoutNs: 300e9, gpus: null },
    warnings: [],
  })
  expect(config.settingsFor('any')).toMatchObject({
    loads: [
      { mode: 'concurrency', concurrency: 1 },
      { mode: 'concurrency', concurrency: 8 },
    ],
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
    constraints: [],
    search: {
      mode: 'quick',
      instanceCount: { min: 1, max: 5 },
      modelBatchSize: { min: 1, max: 128 },
      maxMeasurements: 20,
    },
    tolerance: {
      latencyP99Ns: { ratio: 0.05, absolute: 0 },
      gpuMemoryBytes: { ratio: 0.02, absolute: 16 * 2 ** 20 },
    },
  })
})

test('an empty file says nothing, too', () => {
  expect(read('# nothing yet\n').settingsFor('m')).toEqual(read('{}').settingsFor('m'))
})

test('flags go before the file', () => {
  const text = `
model_repository: models
profile_models: [a, b]
latency_budget: 20
triton_launch_mode: docker
run_config_search_disable: true
gate: { time_budget: 5m, on_inconclusive: warn, triton: local }
`
  const overrides: ConfigOverrides = {
    modelRepository: 'other',
    models: ['b'],
    triton: 'embedded',
    timeBudgetNs: 60e9,
    latencyBudgetMs: 12.5,
    onInconclusive: 'fail',
    runConfigSearchMode: 'brute',
  }
  const config = read(text, overrides)
  expect(config).toMatchObject({
    modelRepository: 'other',
    models: ['b'],
    gate: { timeBudgetNs: 60e9, onInconclusive: 'fail' },
    triton: { mode: 'embedded' },
  })
  expect(config.settingsFor('b')).toMatchObject({
    constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 12.5e6 }],
    search: { mode: 'brute' },
  })
  expect(read(text)).toMatchObject({
    modelRepository: 'models',
    models: ['a', 'b'],
    gate: { timeBudgetNs: 300e9 },
    triton: { mode: 'local' },
  })
  expect(read(text).settingsFor('a').search.mode).toBe('off')
})

test('keys without effect are warned of, by name and line', () => {
  const config = read(
    'plots: {}\nrun_config_search_mode: optuna\ncheckpoint_directory: c\nperf_analyzer_flags:\n  binary-search: true\n',
  )
  expect(config.ignoredKeys[1]).toEqual({
    file: 'triton-perf-gate.yml',
    line: 3,
    key: 'checkpoint_directory',
    why: ignoredKeys.checkpoint_directory,
  })
  expect(warningLines(config)).toEqual([
    expect.stringMatching(/^triton-perf-gate\.yml:1: plots: no effect: /),
    expect.stringMatching(/:3: checkpoint_directory: no effect: .*measurements\.json/),
    expect.stringMatching(
      /:5: perf_analyzer_flags\.binary-search: no effect: use concurrency or request_rate/,
    ),
    expect.stringMatching(/optuna is run as quick/),
  ])
})

test('a limit that a shorthand of the same file replaces is warned of', () => {
  const text =
    'latency_budget: 25\nprofile_models:\n  a: {constraints: {perf_latency_p99: {max: 20}}}\n  b: {constraints: {perf_latency_p99: {max: 25}}}\n'
  expect(read(text).warnings).toEqual([
    'profile_models.a.constraints.perf_latency_p99 (20): latency_budget (25) stands in its place, as in Model Analyzer',
  ])
  expect(read(text, { latencyBudgetMs: 30 }).warnings).toEqual([])
})

test('a range of request rates beside listed ones is warned of, once for each list', () => {
  const range = 'run_config_search_max_request_rate: 64\n'
  const listed = (place: string) => [
    `run_config_search_max_request_rate: no effect, since ${place} lists what is tried`,
  ]
  const own = `${range}profile_models: {a: {parameters: {request_rate: 8}}, b: {}}\n`
  expect(read(own).warnings).toEqual(listed('profile_models.a.parameters.request_rate'))
  expect(read(`${range}request_rate: 8\nprofile_models: [a, b]\n`).warnings).toEqual(listed('request_rate'))
  expect(read(range).warnings).toEqual([])
})

test('merge keys and anchors work as in Model Analyzer’s YAML', () => {
  const text =
    'profile_models:\n  a: &base { cpu_only: true }\n  b:\n    <<: *base\n    parameters: { concurrency: 3 }\n'
  expect(modelOf(text, 'b')).toMatchObject({ cpuOnly: true, loads: [{ concurrency: 3 }] })
})

test('finds the file in the root before .github', () => {
  inFolder((folder) => {
    expect(findConfigFile(folder)).toBeNull()
    mkdirSync(join(folder, '.github'))
    writeFileSync(join(folder, '.github', 'triton-perf-gate.yaml'), '')
    expect(findConfigFile(folder)).toBe(join(folder, '.github', 'triton-perf-gate.yaml'))
    writeFileSync(join(folder, 'triton-perf-gate.yml'), '')
    expect(findConfigFile(folder)).toBe(join(folder, 'triton-perf-gate.yml'))
  })
})

test('reads a file from disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-config-'))
  try {
    const path = join(folder, file)
    writeFileSync(path, 'latency_budget: 3\n')
    const config = await loadConfig({ file: path, overrides: {} })
    expect(config.file).toBe(path)
    expect(config.settingsFor('m').constraints).toHaveLength(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a named file that is not there is an error, not the defaults', async () => {
  const wanted = inFolder((folder) => join(folder, 'gone.yml'))
  await expect(loadConfig({ file: wanted, overrides: {} })).rejects.toThrow(GateError)
})

test('all flags out of range at once', async () => {
  const overrides = {
    latencyBudgetMs: 0,
    minThroughput: Number.NaN,
    repetitions: 1.5,
    models: ['../x', 'ok'],
  }
  const error = await loadConfig({ file: null, overrides }).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'usage' })
  expect((error as GateError).problems.map(({ key }) => key)).toEqual([
    'latency-budget',
    'min-throughput',
    'repetitions',
    'models',
  ])
})
