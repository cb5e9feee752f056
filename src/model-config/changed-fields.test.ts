import { equals } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ModelConfigSchema } from '../proto/model_config_pb.js'
import { changedFields, withField } from './changed-fields.ts'
import { parseModelConfig } from './parse.ts'

const before = parseModelConfig(
  `
name: "m"
max_batch_size: 8
input [ { name: "X", data_type: TYPE_FP32, dims: [ 4 ] } ]
instance_group [ { count: 2, kind: KIND_CPU } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] }
parameters { key: "threads", value { string_value: "1" } }
parameters { key: "odd key", value { string_value: "a" } }
`,
  'before',
)

function changed(edit: (text: string) => string) {
  const text = edit(`
# the name is the folder's
max_batch_size: 8
input { name: "X" data_type: TYPE_FP32 dims: 4 }
instance_group { kind: KIND_CPU count: 2 }
dynamic_batching { preferred_batch_size: 4 preferred_batch_size: 8 }
parameters { key: "odd key" value { string_value: "a" } }
parameters { key: "threads" value { string_value: "1" } }
`)
  const after = parseModelConfig(text, 'after')
  return { after, fields: changedFields(before, after) }
}

test('layout, order of fields and the name are no change', () => {
  expect(changed((text) => text).fields).toEqual([])
})

test.each([
  ['count: 2', 'count: 1', 'instance_group[0].count', '2', '1'],
  ['max_batch_size: 8', '', 'max_batch_size', '8', null],
  ['preferred_batch_size: 4', 'max_queue_delay_microseconds: 500', '', '', ''],
  ['string_value: "1"', 'string_value: "2"', 'parameters.threads.string_value', '1', '2'],
  ['string_value: "a"', 'string_value: "b"', 'parameters["odd key"].string_value', 'a', 'b'],
  ['dims: 4', 'dims: 4 dims: 2', 'input[0].dims', '["4"]', '["4","2"]'],
  [
    'instance_group { kind',
    'instance_group { count: 1 } instance_group { kind',
    'instance_group',
    '[{"count":2,"kind":"KIND_CPU"}]',
    '[{"count":1},{"count":2,"kind":"KIND_CPU"}]',
  ],
])('%s to %s', (from, to, field, old, now) => {
  const { fields } = changed((text) => text.replace(from, to))
  if (field === '') {
    expect(fields.map((each) => [each.field, each.before, each.after])).toEqual([
      ['dynamic_batching.preferred_batch_size', '[4,8]', '[8]'],
      ['dynamic_batching.max_queue_delay_microseconds', null, '500'],
    ])
  } else {
    expect(fields).toEqual([expect.objectContaining({ field, before: old, after: now })])
  }
})

test('each change alone leaves the others; all of them one after the other are the other configuration', () => {
  const { after, fields } = changed((text) =>
    text
      .replace('count: 2', 'count: 1')
      .replace('max_batch_size: 8', 'max_batch_size: 4')
      .replace('string_value: "1"', 'string_value: "2"')
      .replace('dynamic_batching { preferred_batch_size: 4 preferred_batch_size: 8 }', ''),
  )
  expect(fields.map(({ field }) => field)).toEqual([
    'max_batch_size',
    'instance_group[0].count',
    'dynamic_batching',
    'parameters.threads.string_value',
  ])
  for (const change of fields) {
    const alone = withField(before, after, change)
    expect(changedFields(before, alone)).toEqual([change])
    expect(changedFields(alone, after)).toEqual(fields.filter((each) => each !== change))
  }
  const all = fields.reduce((config, change) => withField(config, after, change), before)
  all.name = after.name
  expect(equals(ModelConfigSchema, all, after)).toBe(true)
})

test('a field that is no configuration alone says so', () => {
  const { after, fields } = changed((text) =>
    text.replace(/dynamic_batching \{.*\}/, 'sequence_batching { }'),
  )
  const added = fields.find(({ field }) => field === 'sequence_batching')
  expect(added).toMatchObject({ before: null, after: '{}' })
  if (added === undefined) return
  expect(() => withField(before, after, added)).toThrow(
    expect.objectContaining({
      code: 'config',
      message: expect.stringContaining('sequence_batching cannot be changed alone'),
    }),
  )
})
