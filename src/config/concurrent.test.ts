import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { loadKey } from '../domain/load.ts'
import { readConfig } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

const key = 'run_config_profile_models_concurrently_enable'
const read = (yaml: string, overrides: ConfigOverrides = {}) =>
  readConfig(`${key}: true\n${yaml}`, 'gate.yml', overrides)

function problemsOf(yaml: string, overrides?: ConfigOverrides) {
  try {
    read(yaml, overrides)
  } catch (error) {
    if (error instanceof GateError) return error.problems
    throw error
  }
  return []
}

const keysOf = (yaml: string, model: string) => read(yaml).settingsFor(model).loads.map(loadKey)

test('loads pair by position, each with the others beside it', () => {
  const yaml = `
profile_models:
  a: {parameters: {concurrency: [1, 8]}}
  b: {parameters: {request_rate: [10, 50]}}
`
  expect(keysOf(yaml, 'a')).toEqual([
    'concurrency=1;beside b@requestRate=10',
    'concurrency=8;beside b@requestRate=50',
  ])
  expect(keysOf(yaml, 'b')).toEqual([
    'requestRate=10;beside a@concurrency=1',
    'requestRate=50;beside a@concurrency=8',
  ])
  expect(read(yaml).settingsFor('c').loads.map(loadKey)).toEqual(['concurrency=1', 'concurrency=8'])
})

test('a model with a single load stays at it', () => {
  const yaml = 'concurrency: [1, 4]\nprofile_models: {a: {}, b: {parameters: {concurrency: 2}}, c: {}}'
  expect(keysOf(yaml, 'b')).toEqual([
    'concurrency=2;beside a@concurrency=1;beside c@concurrency=1',
    'concurrency=2;beside a@concurrency=4;beside c@concurrency=4',
  ])
})

test('without the key nothing stands beside a load, and a weight has no effect, which is said', () => {
  const { settingsFor, warnings, concurrently } = readConfig(
    'profile_models: {a: {weighting: 3}, b: {}}',
    'gate.yml',
    {},
  )
  expect(concurrently).toBe(false)
  expect(settingsFor('a').loads.map(loadKey)).toEqual(['concurrency=1', 'concurrency=8'])
  expect(warnings).toEqual([`profile_models.a.weighting: no effect without ${key}`])
})

test('screening and attribution that are asked for are said to take no part, and one that is off is not', () => {
  const gated = (gate: string) => read(`gate: {${gate}}\nprofile_models: {a: {}, b: {}}`).warnings
  expect(gated('screening: history, attribution: auto')).toEqual([
    `gate.screening: no effect with ${key}`,
    `gate.attribution: no effect with ${key}`,
  ])
  expect(gated('screening: off, attribution: off')).toEqual([])
  expect(gated('seed: 1')).toEqual([])
  const alone = readConfig('gate: {attribution: auto}\nprofile_models: {a: {}, b: {}}', 'gate.yml', {})
  expect(alone.warnings).toEqual([])
})

test('a weight counts, and may be a fraction', () => {
  const { settingsFor, warnings } = read('profile_models: {a: {weighting: 2.5}, b: {}}')
  expect(['a', 'b'].map((model) => settingsFor(model).weighting)).toEqual([2.5, 1])
  expect(warnings).toEqual([])
})

test.each([
  ['no models', '', {}, /there are no profile_models/],
  ['one model', 'profile_models: a', {}, /one model only, a: nothing is measured at once/],
  ['one model of several', 'profile_models: a,b', { models: ['b'] }, /one model only, b/],
  [
    'lists of different lengths',
    'profile_models: {a: {parameters: {concurrency: [1, 2]}}, b: {parameters: {concurrency: [1, 2, 4]}}}',
    {},
    /different numbers of loads \(a 2, b 3\)/,
  ],
  ['a remote server', 'profile_models: a,b\ntriton_launch_mode: remote', {}, /remote server/],
  ['a remote server by flag', 'profile_models: a,b', { tritonUrl: 'localhost:8001' }, /remote server/],
  ['perf_analyzer', 'profile_models: a,b\ngate: {engine: perf_analyzer}', {}, /perf_analyzer cannot begin/],
  [
    'counted requests',
    'profile_models: a,b\nperf_analyzer_flags: {request-count: 100}',
    {},
    /count the requests of a, b/,
  ],
] satisfies [string, string, ConfigOverrides, RegExp][])('refused: %s', (_, yaml, overrides, message) => {
  const problems = problemsOf(yaml, overrides)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatchObject({ file: 'gate.yml', line: 1, key })
  expect(problems[0]?.message).toMatch(message)
  expect(problems[0]?.remedy).toBeTruthy()
})
