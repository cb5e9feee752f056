import { expect, test } from 'vitest'
import { defaultSearch } from '../config/defaults.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { answersOf } from './concurrent-answer.ts'
import type { ConcurrentAnswer, ConcurrentModel } from './concurrent-state.ts'
import { makeSpace } from './make-space.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 4,
  dynamicBatching: true,
}
const other: Configuration = { ...committed, committed: false, instanceCount: 2 }
const space = makeSpace(defaultSearch, committed, { batching: true, instances: true, loadsAllowed: true })
const objectives = [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }] as const
const models: ConcurrentModel[] = [
  { name: 'a', space, objectives, constraints: [], weight: 0.75 },
  {
    name: 'b',
    space,
    objectives,
    constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 20e6 }],
    weight: 0.25,
  },
]
const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const before = {
  configurations: [committed, committed],
  loads: [closed(1), closed(8)],
  metrics: [
    { inferPerSec: 100, latencyP99Ns: 10e6 },
    { inferPerSec: 200, latencyP99Ns: 15e6 },
  ],
}
const found: ConcurrentAnswer = {
  configurations: [other, committed],
  loads: [closed(2), closed(8)],
  metrics: [
    { inferPerSec: 180, latencyP99Ns: 11e6 },
    { inferPerSec: 190, latencyP99Ns: 16e6 },
  ],
  measurements: 2,
  committed: before,
  unsteady: null,
  gains: [0.8, -0.05],
  gain: 0.534,
  tie: false,
  meetsConstraints: true,
}

test('each model has its own numbers, and the first one says what is to be said of all', () => {
  const [a, b] = answersOf(models, found)
  expect(a).toMatchObject({ gain: 0.8, measurements: 2, metrics: { inferPerSec: 180 } })
  expect(b).toMatchObject({ gain: -0.05, metrics: { inferPerSec: 190 } })
  expect(b?.explanation).toBe('Part of one combination with a, where all of it is described.')
  expect(a?.explanation).toBe(
    'The best combination is 53.4 % better than the committed configurations at their best loads (a at concurrency 1, b at concurrency 8), by the weighted geometric mean of what each model gains: ' +
      'a (weight 0.75): 2 instances, max batch size 4, dynamic batching on at concurrency 2 (throughput 180 infer/s, p99 latency 11 ms), 80.0 % better; ' +
      'b (weight 0.25): 1 instance, max batch size 4, dynamic batching on at concurrency 8 (throughput 190 infer/s, p99 latency 16 ms), 5.0 % worse. ' +
      'It was measured as a whole: change all of it, or none.',
  )
})

test('what breaks a constraint is told with the model that breaks it', () => {
  const metrics = [found.metrics[0] ?? {}, { inferPerSec: 190, latencyP99Ns: 30e6 }]
  const [a] = answersOf(models, {
    ...found,
    metrics,
    gains: [null, null],
    gain: null,
    meetsConstraints: false,
  })
  expect(a?.explanation).toMatch(/^No combination that was measured meets the constraints of every model\./)
  expect(a?.explanation).toContain('of b, perf_latency_p99 is 30 ms, at most 20 ms asked (50.0 % off)')
})

test('a tie, the committed ones, and committed ones that meet nothing', () => {
  const wordsOf = (change: Partial<ConcurrentAnswer>) =>
    answersOf(models, { ...found, ...change })[0]?.explanation
  expect(wordsOf({ ...before, tie: true })).toMatch(/^A tie, so the committed configurations stand: a /)
  expect(wordsOf({ ...before, gains: [0, 0], gain: 0 })).toMatch(/^The committed configurations are the best/)
  const unknown = { gains: [null, null], gain: null }
  const slow = { ...before, metrics: [{ inferPerSec: 100 }, { inferPerSec: 200, latencyP99Ns: 25e6 }] }
  expect(wordsOf({ ...unknown, committed: slow })).toMatch(
    / none\. .* meet the constraints at no measured load\.$/,
  )
  expect(wordsOf({ ...unknown, committed: null })).toMatch(/ none\. .* gave no measurement\.$/)
  const unsteady = { loads: before.loads, standing: { held: 1, failed: 1, tries: 2 } }
  expect(wordsOf({ ...unknown, unsteady })).toMatch(
    / are unsteady: at their loads \(a at concurrency 1, b at concurrency 8\) all constraints were met in 1 of 2 measurements, and failed in 1; /,
  )
  const best = wordsOf({ ...before, ...unknown, unsteady })
  expect(best).toMatch(
    /^The committed configurations are the best .* The committed configurations are unsteady: /,
  )
  const without = { ...before, metrics: [{}, { inferPerSec: 200, latencyP99Ns: 15e6 }] }
  expect(wordsOf({ ...unknown, committed: without })).toMatch(
    /is not known, since of a one of the two has no value/,
  )
})

test('beside what meets no constraint committed ones that gave nothing are said to have given nothing', () => {
  const metrics = [found.metrics[0] ?? {}, { inferPerSec: 190, latencyP99Ns: 30e6 }]
  const change = { metrics, committed: null, gains: [null, null], gain: null, meetsConstraints: false }
  expect(answersOf(models, { ...found, ...change })[0]?.explanation).toMatch(
    /^No combination .* \(50\.0 % off\)\. The committed configurations gave no measurement\.$/,
  )
})
