import { expect, test } from 'vitest'
import { applyConfiguration, configurationOf, differences } from './configuration.ts'
import { parseModelConfig } from './parse.ts'
import { patchModelConfigText } from './patch.ts'

const text = `name: "m" # mine
backend: "onnxruntime"
max_batch_size: 8
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0 ] } ]
parameters { key: "threads" value { string_value: "4" } }
parameters { key: "arena" value { string_value: "0" } }
optimization {
  graph { level: 1 }
}
`
const config = parseModelConfig(text, 'f')
const withThem = (fields: NonNullable<ReturnType<typeof configurationOf>['fields']>, from = config) =>
  applyConfiguration(from, { ...configurationOf(from, false), fields })

test('what a field does not name stays as it is', () => {
  const made = withThem({
    parameters: { threads: { string_value: '1' } },
    optimization: { cuda: { graphs: true } },
  })
  expect(made.parameters).toMatchObject({
    threads: { stringValue: '1' },
    arena: { stringValue: '0' },
  })
  expect(made.optimization).toMatchObject({ graph: { level: 1 }, cuda: { graphs: true } })
  expect(made.instanceGroup).toEqual(config.instanceGroup)
  expect(config.parameters.threads).toMatchObject({ stringValue: '4' })
})

test('a list is replaced as a whole', () => {
  const warm = { name: 'w', batch_size: 1 }
  const once = withThem({ model_warmup: [warm, { ...warm, name: 'v' }] })
  expect(once.modelWarmup).toHaveLength(2)
  expect(withThem({ model_warmup: [warm] }, once).modelWarmup).toHaveLength(1)
})

test('tells whether a server has taken it over', () => {
  const fields = { optimization: { cuda: { graphs: true } } }
  const wanted = configurationOf(config, false)
  expect(differences({ ...wanted, fields }, withThem(fields))).toEqual([])
  expect(differences({ ...wanted, fields }, config)).toEqual([
    expect.stringContaining('optimization: asked '),
  ])
  expect(differences({ ...wanted, instanceCount: 7 }, config)).toEqual([
    expect.stringContaining('instanceCount: asked 7, got '),
  ])
  expect(
    differences(
      { ...wanted, maxQueueDelayMicroseconds: (wanted.maxQueueDelayMicroseconds ?? 0) + 1 },
      config,
    ),
  ).toEqual([expect.stringContaining('max_queue_delay_microseconds')])
  // A resolved group has a name and GPUs of its own: what counts is where it is.
  const group = { instance_group: [{ count: 2, kind: 'KIND_CPU' }] }
  const resolved = withThem({ instance_group: [{ name: 'm_0', count: 2, kind: 'KIND_CPU' }] })
  expect(differences({ ...configurationOf(resolved, false), fields: group }, resolved)).toEqual([])
  const onGpu = withThem({ instance_group: [{ name: 'm_0', count: 2, kind: 'KIND_GPU' }] })
  expect(differences({ ...configurationOf(onGpu, false), fields: group }, onGpu)).toHaveLength(1)
})

test('fields of the batcher are merged into it', () => {
  const configuration = {
    ...configurationOf(config, false),
    dynamicBatching: true,
    maxQueueDelayMicroseconds: 100,
    fields: { dynamic_batching: { preserve_ordering: true } },
  }
  const { schedulingChoice } = applyConfiguration(config, configuration)
  expect(schedulingChoice).toMatchObject({
    case: 'dynamicBatching',
    value: { preserveOrdering: true, maxQueueDelayMicroseconds: 100n },
  })
})

test('the patch sets whole fields, and keeps what it does not touch', () => {
  const target = withThem({
    optimization: { graph: { level: 2 } },
    response_cache: { enable: true },
    parameters: { threads: { string_value: '1' } },
  })
  const { newText, faithful } = patchModelConfigText(text, 'm/config.pbtxt', target)
  expect(faithful).toBe(true)
  expect(newText).toBe(`name: "m" # mine
backend: "onnxruntime"
max_batch_size: 8
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0 ] } ]
parameters: {
  key: "threads"
  value: {
    string_value: "1"
  }
}
parameters: {
  key: "arena"
  value: {
    string_value: "0"
  }
}
optimization: {
  graph: {
    level: 2
  }
}
response_cache: {
  enable: true
}
`)
})

test('a comment inside of such a field is never lost unsaid', () => {
  const commented = text.replace('graph {', 'graph { # as the vendor says\n   ')
  const target = withThem({ optimization: { graph: { level: 2 } } }, parseModelConfig(commented, 'f'))
  expect(patchModelConfigText(commented, 'm/config.pbtxt', target).faithful).toBe(false)
})
