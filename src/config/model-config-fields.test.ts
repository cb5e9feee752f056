import { expect, test } from 'vitest'
import { ignoredModelConfigField } from './ignored-keys.ts'
import { readConfig } from './load-config.ts'

const file = 'triton-perf-gate.yml'
const read = (text: string) => readConfig(text, file, {})
const modelOf = (text: string, model = 'm') => read(text).settingsFor(model)

test('listed configurations are measured instead of a search', () => {
  const text = `
run_config_search_mode: quick
profile_models:
  m:
    model_config_parameters:
      max_batch_size: [4, 8]
      instance_group: [{ kind: KIND_CPU, count: [1, 3] }]
      dynamic_batching: [false, { preferred_batch_size: [[2, 4], [8]], max_queue_delay_microseconds: 100 }]
      sequence_batching: { direct: {} }
`
  const config = read(text)
  expect(config.settingsFor('m').search).toMatchObject({
    mode: 'manual',
    maxBatchSizes: [4, 8],
    instanceCounts: [1, 3],
    dynamicBatching: [false, true],
    queues: [
      { preferredBatchSizes: [2, 4], maxQueueDelayMicroseconds: 100 },
      { preferredBatchSizes: [8], maxQueueDelayMicroseconds: 100 },
    ],
  })
  expect(config.settingsFor('other').search.mode).toBe('quick')
  expect(config.ignoredKeys).toEqual([
    {
      file,
      line: 9,
      key: 'profile_models.m.model_config_parameters.sequence_batching',
      why: ignoredModelConfigField,
    },
  ])
  expect(config.warnings).toEqual([expect.stringContaining('run_config_search_mode quick has no effect')])
})

test('instance groups are those of one configuration, or with one more level of several, as in Model Analyzer', () => {
  const listed = (groups: string, search = 'm') =>
    modelOf(`profile_models: { ${search}: { model_config_parameters: { instance_group: ${groups} } } }`)
      .search
  expect(listed('[{ count: [1, 2] }]')).toMatchObject({ instanceCounts: [1, 2], instanceGroups: null })
  expect(listed('[[{ count: 1 }], [{ count: 3 }]]')).toMatchObject({
    instanceCounts: [1, 3],
    instanceGroups: null,
  })
  expect(listed('[{ kind: KIND_GPU, count: [1, 2], gpus: [[0], [0, 1]] }]').instanceGroups).toEqual([
    { count: 1, groups: [{ kind: 'KIND_GPU', gpus: [0] }] },
    { count: 1, groups: [{ kind: 'KIND_GPU', gpus: [0, 1] }] },
    { count: 2, groups: [{ kind: 'KIND_GPU', gpus: [0] }] },
    { count: 2, groups: [{ kind: 'KIND_GPU', gpus: [0, 1] }] },
  ])
  const both = [
    { kind: 'KIND_GPU', count: 2 },
    { kind: 'KIND_CPU', count: 1 },
  ]
  expect(listed(JSON.stringify(both)).instanceGroups).toEqual([{ count: 3, groups: both }])
  expect(listed('[{ count: 1 }, { kind: KIND_CPU }]').instanceGroups).toEqual([
    { count: 2, groups: [{ count: 1 }, { kind: 'KIND_CPU' }] },
  ])
  expect(listed('[[{ count: 2 }], [{ kind: KIND_CPU }]]').instanceGroups).toEqual([
    { count: 2, groups: null },
    { count: null, groups: [{ kind: 'KIND_CPU' }] },
  ])
})

test('any field of ModelConfig can be listed; a list-typed one with one more level', () => {
  const fieldsOf = (parameters: string) =>
    modelOf(`profile_models: { m: { model_config_parameters: ${parameters} } }`).search.otherFields
  const valuesOf = (name: string, values: string) =>
    fieldsOf(`{ ${name}: ${values} }`)?.map((each) => each[name])
  expect(fieldsOf('{ max_batch_size: [1, 2] }')).toBeNull()
  expect(fieldsOf('{ response_cache: { enable: [true, false] }, backend: x }')).toEqual([
    { response_cache: { enable: true }, backend: 'x' },
    { response_cache: { enable: false }, backend: 'x' },
  ])
  expect(valuesOf('model_warmup', '[{ name: a, batch_size: [1, 2] }, { name: b }]')).toEqual([
    [{ name: 'a', batch_size: 1 }, { name: 'b' }],
    [{ name: 'a', batch_size: 2 }, { name: 'b' }],
  ])
  expect(valuesOf('model_warmup', '[[{ name: a }], [{ name: b }]]')).toEqual([
    [{ name: 'a' }],
    [{ name: 'b' }],
  ])
  expect(valuesOf('parameters', '{ threads: { string_value: ["1", "2"] } }')).toEqual([
    { threads: { string_value: '1' } },
    { threads: { string_value: '2' } },
  ])
  expect(
    valuesOf(
      'optimization',
      '{ executionAccelerators: { cpu_execution_accelerator: [[{ name: openvino }], []] } }',
    ),
  ).toEqual([
    { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino' }] } },
    { execution_accelerators: { cpu_execution_accelerator: [] } },
  ])
  expect(
    fieldsOf('{ dynamic_batching: [false, { preserve_ordering: [true, false], priority_levels: 2 }] }'),
  ).toEqual([
    { dynamic_batching: { preserve_ordering: true, priority_levels: 2 } },
    { dynamic_batching: { preserve_ordering: false, priority_levels: 2 } },
  ])
})

test.each([
  ['{ optimization: { cudda: {} } }', 'has no field "cudda"'],
  ['{ response_cache: { enable: perhaps } }', 'enable'],
  ['{ parameters: { n: { string_value: 3 } } }', 'string'],
  ['{ version_policy: { latest: { num_versions: { start: 1, stop: 2000 } } } }', 'num_versions'],
  [`{ backend: [${Array.from({ length: 1001 }, (_, i) => `b${i}`).join()}] }`, 'more than 1000 values'],
])('a field that Triton would not read is refused: %.60s', (parameters, message) => {
  const text = `profile_models: { m: { model_config_parameters: ${parameters} } }`
  expect(() => read(text)).toThrow(
    expect.objectContaining({
      problems: [expect.objectContaining({ message: expect.stringContaining(message) })],
    }),
  )
})

test('one single preferred_batch_size list is one value, as in Model Analyzer', () => {
  const { search } = modelOf(
    'profile_models: { m: { model_config_parameters: { dynamic_batching: { preferred_batch_size: [2, 4] } } } }',
  )
  expect(search).toMatchObject({ dynamicBatching: [true], queues: [{ preferredBatchSizes: [2, 4] }] })
})

test('each listed batcher is tried as it is written, and none with what another one lists', () => {
  const batchers = '[{}, { max_queue_delay_microseconds: 500 }, { preferred_batch_size: [4] }]'
  const { search } = modelOf(
    `profile_models: { m: { model_config_parameters: { dynamic_batching: ${batchers} } } }`,
  )
  expect(search.queues).toEqual([
    { preferredBatchSizes: null, maxQueueDelayMicroseconds: null },
    { preferredBatchSizes: null, maxQueueDelayMicroseconds: 500 },
    { preferredBatchSizes: [4], maxQueueDelayMicroseconds: null },
  ])
})
