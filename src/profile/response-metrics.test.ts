import { expect, test } from 'vitest'
import { nsPerSecond } from '../domain/world.ts'
import type { Window } from '../load/generator.ts'
import { pooledResponsePercentiles, responseMetrics } from './response-metrics.ts'

const ramp = (n: number) => Float64Array.from({ length: n }, (_, index) => index + 1)
const window = (responses?: Window['responses']) =>
  ({ durationNs: nsPerSecond, ...(responses === undefined ? {} : { responses }) }) as Window

test('a model that is not decoupled has none of these metrics', () => {
  expect(responseMetrics([window()])).toEqual({})
  expect(pooledResponsePercentiles([window()])).toEqual({})
})

test('percentiles over the responses of all windows, and their rate', () => {
  const windows = [
    window({ firstNs: ramp(200), gapsNs: ramp(10), count: 100 }),
    window({ firstNs: ramp(200), gapsNs: ramp(10), count: 300 }),
  ]
  expect(responseMetrics(windows)).toEqual({
    timeToFirstResponseP50Ns: 100,
    timeToFirstResponseP99Ns: 198,
    interResponseP50Ns: 5,
    interResponseP99Ns: null,
    responsesPerSec: 200,
  })
  expect(pooledResponsePercentiles(windows).interResponseP99Ns?.reason).toBe(
    'p99 needs at least 299 responses after a first one, there were 20',
  )
})
