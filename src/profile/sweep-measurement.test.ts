import { expect, test } from 'vitest'
import { defaultSearch } from '../config/defaults.ts'
import type { Configuration } from '../domain/configuration.ts'
import { type Load, together } from '../domain/load.ts'
import { failedScenario } from './scenario.ts'
import { outcomeWords } from './sweep-measurement.ts'

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const one: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: false }
const settings = {
  search: defaultSearch,
  objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
  constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 20e6 }],
} as const

const placed = (configuration: Configuration, load: Load, inferPerSec: number | null, error = 'died') => ({
  point: { configuration, load, metrics: inferPerSec === null ? null : { inferPerSec, latencyP99Ns: 30e6 } },
  scenario: failedScenario('sweep', configuration, load, error),
})

test('the line of a measurement says where it was made and what came of it', () => {
  expect(outcomeWords([placed(one, closed(8), 250)], [settings])).toBe(
    '1 instance, max batch size 4, dynamic batching off at concurrency 8: 250 infer/s, p99 latency 30 ms (limit 20 ms)',
  )
})

test('of a failure it has the start of the first line', () => {
  const words = outcomeWords([placed(one, closed(8), null, `${'x'.repeat(300)}\nsecond line`)], [settings])
  expect(words).toMatch(/ at concurrency 8: failed: x+…$/)
  expect(words.length).toBeLessThan(250)
  expect(outcomeWords([placed(one, closed(8), null, 'concurrency 8: died')], [settings])).toMatch(
    / off at concurrency 8: failed: died$/,
  )
})

test('of models at once each has its own part, without what is beside it', () => {
  const [a, b] = together([
    { model: 'a', load: closed(1) },
    { model: 'b', load: closed(2) },
  ])
  const { committed: _, ...fields } = one
  const other = { ...one, committed: false, others: { a: { ...fields, instanceCount: 3 } } }
  const words = outcomeWords([placed(one, a ?? closed(1), 1), placed(other, b ?? closed(1), 2)], [])
  expect(words).toBe(
    '1 instance, max batch size 4, dynamic batching off at concurrency 1: 1 infer/s, p99 latency 30 ms + ' +
      '1 instance, max batch size 4, dynamic batching off at concurrency 2: 2 infer/s, p99 latency 30 ms',
  )
})
