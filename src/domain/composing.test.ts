import { expect, test } from 'vitest'
import { type ComposingModel, timePerRequestNs } from './composing.ts'

const row: ComposingModel = {
  model: 'a',
  via: 'step',
  requestCount: 40,
  failCount: 0,
  requestsPerRequest: 2,
  serverQueueNs: 5,
  serverComputeInputNs: 1,
  serverComputeInferNs: 10,
  serverComputeOutputNs: 1,
  executedBatchSize: 1,
  cacheHitCount: 0,
}

test('a composing model takes all its parts, as often as it is asked; what its cache answers is not computed', () => {
  expect(timePerRequestNs(row)).toBe(2 * 17)
  expect(timePerRequestNs({ ...row, cacheHitCount: 30 })).toBe(2 * (5 + 12 / 4))
  expect(timePerRequestNs({ ...row, requestsPerRequest: null })).toBeNull()
  const none = { serverQueueNs: null, serverComputeInputNs: null, serverComputeInferNs: null }
  expect(timePerRequestNs({ ...row, ...none, serverComputeOutputNs: null, requestCount: 0 })).toBeNull()
})
