import { expect, test } from 'vitest'
import { describeConfiguration } from './configuration-words.ts'

test('one configuration has one name, whichever of its models was changed last', () => {
  const own = { committed: false, instanceCount: null, maxBatchSize: 4, dynamicBatching: false }
  const fields = { instanceCount: 2, maxBatchSize: 8, dynamicBatching: true }
  const words =
    'max batch size 4; a: 2 instances, max batch size 8, dynamic batching on; b: 2 instances, max batch size 8, dynamic batching on'
  expect(describeConfiguration({ ...own, others: { a: fields, b: fields } })).toBe(words)
  expect(describeConfiguration({ ...own, others: { b: fields, a: fields } })).toBe(words)
})
