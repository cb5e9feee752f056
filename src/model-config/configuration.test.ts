import { equals } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { ModelConfigSchema } from '../proto/model_config_pb.js'
import { applyConfiguration, configurationOf, illegal } from './configuration.ts'
import { parseModelConfig } from './parse.ts'

const model = (text: string) => parseModelConfig(text, 'm/config.pbtxt')
const tried = (changes: Partial<Configuration> = {}): Configuration => ({
  committed: false,
  instanceCount: 1,
  maxBatchSize: 8,
  dynamicBatching: false,
  ...changes,
})

test.each([
  ['no instance_group', 'max_batch_size: 8', tried({ committed: true })],
  [
    'groups are summed',
    'instance_group [ { count: 2 }, { kind: KIND_CPU } ]',
    tried({ committed: true, instanceCount: 3, maxBatchSize: 0 }),
  ],
  [
    'KIND_GPU without gpus counts `count`',
    'instance_group { kind: KIND_GPU count: 2 }',
    tried({ committed: true, instanceCount: 2, maxBatchSize: 0 }),
  ],
  [
    'batching with its settings',
    'max_batch_size: 8 dynamic_batching { preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 50 }',
    tried({
      committed: true,
      dynamicBatching: true,
      preferredBatchSizes: [2, 4],
      maxQueueDelayMicroseconds: 50,
    }),
  ],
  [
    'Triton’s default for preferred_batch_size',
    'max_batch_size: 8 dynamic_batching { preferred_batch_size: 8 }',
    tried({ committed: true, dynamicBatching: true }),
  ],
  [
    'an ensemble',
    'max_batch_size: 8 ensemble_scheduling { }',
    tried({ committed: true, instanceCount: null }),
  ],
])('reads: %s', (_, text, expected) => {
  expect(configurationOf(model(text), true)).toEqual(expected)
})

test.each([
  ['max_batch_size: 8', tried(), null],
  [
    'max_batch_size: 8',
    tried({ dynamicBatching: true, preferredBatchSizes: [8], maxQueueDelayMicroseconds: 1 }),
    null,
  ],
  ['max_batch_size: 8 sequence_batching { }', tried({ instanceCount: 4 }), null],
  ['ensemble_scheduling { } max_batch_size: 8', tried({ instanceCount: null }), null],
  [
    'max_batch_size: 0',
    tried({ maxBatchSize: 0, dynamicBatching: true }),
    'dynamic_batching needs max_batch_size',
  ],
  ['max_batch_size: 0', tried(), 'does not batch'],
  ['max_batch_size: 8', tried({ maxBatchSize: 0 }), 'batch dimension'],
  ['max_batch_size: 8 sequence_batching { }', tried({ dynamicBatching: true }), 'sequence batcher'],
  ['max_batch_size: 8 ensemble_scheduling { }', tried(), 'composing models'],
  ['max_batch_size: 8', tried({ instanceCount: null }), 'only an ensemble'],
  [
    'max_batch_size: 8',
    tried({ dynamicBatching: true, preferredBatchSizes: [4, 16] }),
    '16 is above max_batch_size 8',
  ],
  ['max_batch_size: 8', tried({ preferredBatchSizes: [4] }), 'need dynamic_batching'],
  ['max_batch_size: 8', tried({ maxQueueDelayMicroseconds: 4 }), 'need dynamic_batching'],
])('legal or why not: %s', (text, configuration, reason) => {
  const found = illegal(model(text), configuration)
  if (reason === null) expect(found).toBeNull()
  else expect(found).toContain(reason)
})

test('keeps what the sweep does not change', () => {
  const config = model(
    `name: "m" max_batch_size: 8 instance_group [ { kind: KIND_GPU gpus: [ 1 ] count: 1 }, { kind: KIND_CPU } ]
     dynamic_batching { preserve_ordering: true preferred_batch_size: [ 4 ] }`,
  )
  const applied = applyConfiguration(
    config,
    tried({ instanceCount: 3, maxBatchSize: 2, dynamicBatching: true }),
  )
  const expected = model(
    `name: "m" max_batch_size: 2 instance_group { kind: KIND_GPU gpus: [ 1 ] count: 3 }
     dynamic_batching { preserve_ordering: true }`,
  )
  expect(equals(ModelConfigSchema, applied, expected)).toBe(true)
  expect(config.maxBatchSize).toBe(8)
})

test('batching off leaves a sequence batcher alone', () => {
  const applied = applyConfiguration(
    model('max_batch_size: 8 sequence_batching { }'),
    tried({ instanceCount: 2 }),
  )
  expect(applied.schedulingChoice.case).toBe('sequenceBatching')
})

test('refuses to apply what is illegal', () => {
  expect(() => applyConfiguration(model('max_batch_size: 0'), tried())).toThrow(GateError)
})

test('a configuration applied is the configuration read', () => {
  const config = model(
    'max_batch_size: 8 instance_group [ { count: 2 }, { count: 1 } ] dynamic_batching { preferred_batch_size: 3 }',
  )
  const configurations = fc.record({
    committed: fc.constant(false),
    instanceCount: fc.integer({ min: 1, max: 9 }),
    maxBatchSize: fc.integer({ min: 1, max: 128 }),
    dynamicBatching: fc.boolean(),
  })
  const settings = fc.record({
    preferredBatchSizes: fc.uniqueArray(fc.integer({ min: 1, max: 128 }), { maxLength: 3 }),
    maxQueueDelayMicroseconds: fc.integer({ min: 0, max: 10_000 }),
  })
  fc.assert(
    fc.property(configurations, settings, (base, extra) => {
      const configuration = base.dynamicBatching ? { ...base, ...extra } : base
      fc.pre(illegal(config, configuration) === null)
      fc.pre(extra.preferredBatchSizes.length !== 1 || extra.preferredBatchSizes[0] !== base.maxBatchSize)
      const applied = applyConfiguration(config, configuration)
      expect(configurationKey(configurationOf(applied, false))).toBe(configurationKey(configuration))
    }),
  )
})
