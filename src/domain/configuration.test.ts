import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Configuration,
  configurationKey,
  configurationSchema,
  type VariedFields,
  withOther,
} from './configuration.ts'

const fields = fc.record({
  instanceCount: fc.integer({ min: 1, max: 5 }),
  maxBatchSize: fc.integer({ min: 0, max: 8 }),
  dynamicBatching: fc.boolean(),
})
const ensemble: Configuration = {
  committed: false,
  instanceCount: null,
  maxBatchSize: 8,
  dynamicBatching: false,
}

test('the key names each further model that is varied, in one order', () => {
  const [a, b] = [
    { instanceCount: 2, maxBatchSize: 8, dynamicBatching: true },
    { instanceCount: 1, maxBatchSize: 4, dynamicBatching: false, maxQueueDelayMicroseconds: 100 },
  ]
  const key = configurationKey({ ...ensemble, others: { b, a } })
  expect(key).toBe(
    'instances=-,max_batch_size=8,dynamic_batching=off,a(instances=2,max_batch_size=8,dynamic_batching=on),b(instances=1,max_batch_size=4,dynamic_batching=off,max_queue_delay_microseconds=100)',
  )
  expect(configurationKey({ ...ensemble, others: { a, b } })).toBe(key)
})

test('two combinations have one key where they are the same, and only there', () => {
  const committed: Record<string, VariedFields> = {
    a: { instanceCount: 1, maxBatchSize: 4, dynamicBatching: true },
    b: { instanceCount: 2, maxBatchSize: 8, dynamicBatching: false },
  }
  const combined = (choice: readonly [VariedFields, VariedFields], order: readonly number[]) =>
    order.reduce((made, i) => {
      const name = i === 0 ? 'a' : 'b'
      return withOther(made, name, choice[i as 0 | 1], committed[name] as VariedFields)
    }, ensemble)
  fc.assert(
    fc.property(fc.tuple(fields, fields), fc.tuple(fields, fields), (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other)
      const [a, b] = [combined(one, [0, 1]), combined(other, [1, 0])]
      expect(configurationKey(a) === configurationKey(b)).toBe(same)
      expect(configurationSchema.parse(a)).toEqual(a)
    }),
  )
})

test('a model that is as committed again is not named', () => {
  const committed = { instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
  const varied = withOther(ensemble, 'a', { ...committed, instanceCount: 3 }, committed)
  expect(varied.others).toEqual({ a: { ...committed, instanceCount: 3 } })
  expect(withOther(varied, 'a', committed, committed)).toEqual(ensemble)
})
