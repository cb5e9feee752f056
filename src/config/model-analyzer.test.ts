import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { GateError } from '../domain/error.ts'
import { readConfig } from './load-config.ts'

interface Example {
  readonly from: string
  readonly config: Readonly<Record<string, unknown>>
}

const file = new URL('../../test/support/model-analyzer-examples.yml', import.meta.url)
const examples = parse(readFileSync(file, 'utf8')) as Example[]
const read = (config: unknown) => readConfig(stringify(config), 'perf.yml', {})

function problemsOf(text: string) {
  try {
    readConfig(text, 'perf.yml', {})
  } catch (error) {
    if (error instanceof GateError) return error.problems
    throw error
  }
  return []
}

test('there are as many examples as the documentation has', () => {
  expect(examples.length).toBeGreaterThan(45)
})

test.each(examples.map(({ from, config }, i) => [i + 1, from, config] as const))(
  'example %i of Model Analyzer, from %s, parses, and each of its keys has its effect or is warned about',
  (_, __, config) => {
    const { models, settingsFor, ignoredKeys } = read(config)
    for (const model of models ?? ['any']) expect(() => settingsFor(model)).not.toThrow()
    const ignored = [
      'report_model_configs',
      'plots',
      'export_path',
      'checkpoint_directory',
      'genai_perf_flags',
    ]
    for (const key of ignored.filter((name) => Object.hasOwn(config, name))) {
      expect(ignoredKeys).toContainEqual(expect.objectContaining({ key }))
    }
  },
)

test('what an example says arrives', () => {
  const withRange = examples.find(({ config }) => {
    const { model_1: one } = (config.profile_models ?? {}) as { model_1?: { parameters?: object } }
    return one?.parameters !== undefined && JSON.stringify(one).includes('"stop":64')
  })
  const { loads } = read(withRange?.config).settingsFor('model_1')
  expect(loads.map((load) => load.mode === 'concurrency' && load.concurrency)).toEqual(
    expect.arrayContaining([2, 10, 18, 26, 34, 42, 50, 58]),
  )
  expect(loads).toHaveLength(8 * 3)
})

test('flags of tritonserver stand with underscores, too', () => {
  const { serverFlags } = read({
    triton_server_flags: { log_verbose: true, 'exit-timeout-secs': 120 },
  }).triton
  expect(serverFlags).toEqual({ 'log-verbose': 'true', 'exit-timeout-secs': '120' })
  expect(problemsOf('triton_server_flags: {log_verbose: 1, log-verbose: 2}')).toEqual([
    expect.objectContaining({
      key: 'triton_server_flags.log_verbose',
      message: expect.stringContaining('dashes'),
    }),
  ])
})

test('models may name the certificates, but not different ones', () => {
  const flags = (pem: string) => `{perf_analyzer_flags: {ssl-grpc-root-certifications-file: ${pem}}}`
  const one = readConfig(`profile_models: {a: ${flags('ca.pem')}, b: ${flags('ca.pem')}}`, 'perf.yml', {})
  expect(one.triton.endpointSettings.rootCertificatesFile).toMatch(/ca\.pem$/)
  const differing = [
    `profile_models: {a: ${flags('ca.pem')}, b: ${flags('other.pem')}}`,
    `perf_analyzer_flags: {ssl-grpc-root-certifications-file: x.pem}\nprofile_models: {b: ${flags('ca.pem')}}`,
  ]
  for (const text of differing) {
    expect(problemsOf(text)).toEqual([
      expect.objectContaining({
        key: 'profile_models.b.perf_analyzer_flags.ssl-grpc-root-certifications-file',
        message: 'differs from what another place says',
      }),
    ])
  }
})

test('what Model Analyzer would not take either is refused by name', () => {
  expect(problemsOf('client_prototcol: grpc')[0]?.remedy).toContain('client_protocol')
  const nested = 'profile_models: {a: {b: {parameters: {concurrency: 2}}}}'
  expect(problemsOf(nested)[0]).toMatchObject({ key: 'profile_models.a.b' })
  const twice = 'profile_models:\n  a: {cpu_only: true}\n  a: {cpu_only: false}\n'
  expect(problemsOf(twice)[0]).toMatchObject({ line: 3, message: expect.stringContaining('twice') })
})

test('a list of models may hold maps with their settings, which are read as in a map', () => {
  const mixed = `
profile_models:
  - a: {weighting: 2, triton_docker_args: {x: 1}, parameters: {concurrency: 3}}
  - b
bls_composing_models: [c: {model_config_parameters: {max_batch_size: [2, 4]}}, d]
`
  const config = readConfig(mixed, 'f.yml', {})
  expect(config.models).toEqual(['a', 'b'])
  expect(config.settingsFor('a').loads).toEqual([{ mode: 'concurrency', concurrency: 3 }])
  expect(config.blsComposingModels).toEqual(['c', 'd'])
  expect(config.ignoredKeys).toMatchObject([
    { file: 'f.yml', line: 3, key: 'profile_models.0.a.triton_docker_args' },
  ])
  const problems = problemsOf(`
profile_models:
  - a: {parameters: {concurrency: 1, request_rate: 2}}
  - b: {weighing: 2}
`)
  expect(problems.map(({ key }) => key).toSorted()).toEqual([
    'profile_models.0.a.parameters.request_rate',
    'profile_models.1.b.weighing',
  ])
  expect(problemsOf('profile_models: [a: {weighting: 2}, a]')[0]).toMatchObject({
    message: 'a stands there twice',
  })
  expect(problemsOf('profile_models: [other, constructor: {weighting: 2}]')).toEqual([])
  for (const none of ['[{}]', '{}', '[]']) expect(problemsOf(`profile_models: ${none}`)).toHaveLength(1)
  expect(problemsOf('profile_models: [a]\nbls_composing_models: []')).toEqual([])
})
