import { expect, test } from 'vitest'
import type { Constraint } from '../config/config.ts'
import { chanceToTurn, marginOf, meetingOf } from './stakes.ts'
import type { Outlook } from './surrogate.ts'

const p99: Constraint = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 10e6 }
const rate: Constraint = { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 100 }

const memory: Constraint = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit: 500e6 }

/** Throughput 100 infer/s to within some percent; p99 is 1e9 / throughput, exactly; memory is 500 MB, more or less. */
function outlookOf(sd: number): Outlook {
  const mean = Math.log(100)
  const of = (value: number) => Float64Array.of(value)
  return {
    rate: { mean, sd, means: of(mean), sds: of(sd), shares: of(1) },
    relation: (metric) => {
      if (metric === 'inferPerSec') return { ofRate: 1, rest: { mean: 0, sd: 0 } }
      if (metric === 'latencyP99Ns') return { ofRate: -1, rest: { mean: Math.log(1e9), sd: 0 } }
      return { ofRate: 0, rest: { mean: Math.log(500e6), sd: 0.1 } }
    },
  }
}

test('the chance to hold: limits on latency and throughput are one question, that on memory another', () => {
  expect(meetingOf(outlookOf(0.05), [p99])).toBeCloseTo(0.5, 5)
  expect(meetingOf(outlookOf(0.05), [p99, rate])).toBeCloseTo(0.5, 5)
  expect(meetingOf(outlookOf(0.05), [p99, memory])).toBeCloseTo(0.25, 5)
  expect(meetingOf(outlookOf(0.05), [{ ...p99, limit: 11e6 }])).toBeGreaterThan(0.95)
})

test('the margin is that to the limit which is missed most; a limit of 0 has none, and hides no other', () => {
  const at = outlookOf(0.05)
  const [tight, loose] = [
    { ...p99, limit: 5e6 },
    { ...memory, limit: 1e9 },
  ]
  expect(marginOf(at, [loose, tight])?.mean).toBeCloseTo(Math.log(0.5), 5)
  for (const impossible of [
    { ...memory, limit: 0 },
    { ...rate, limit: 0 },
  ]) {
    expect(marginOf(at, [impossible])).toBeNull()
    expect(marginOf(at, [impossible, tight])).toEqual(marginOf(at, [tight]))
  }
  expect(marginOf(at, [])).toBeNull()
  expect(meetingOf(at, [{ ...memory, limit: 0 }])).toBe(0)
})

test('a mean turns where the next measurement may be within the limit by as much as all before are beyond it', () => {
  const turning = (p99Ns: number, measurements: number, spread = 0.05) =>
    chanceToTurn({ metrics: { latencyP99Ns: p99Ns }, measurements }, outlookOf(0), [p99], spread)
  // Believed to lie on its limit, and measured there.
  expect(turning(10e6, 1)).toBeCloseTo(0.5, 5)
  // One spread beyond: the next one must be as far within, which one of six is.
  expect(turning(10e6 * Math.exp(0.05), 1)).toBeCloseTo(0.1587, 4)
  // By the mean of three: three spreads within.
  expect(turning(10e6 * Math.exp(0.05), 3)).toBeCloseTo(0.00135, 5)
  // What is not known for sure may turn sooner.
  const unsure = chanceToTurn(
    { metrics: { latencyP99Ns: 11e6 }, measurements: 3 },
    outlookOf(0.1),
    [p99],
    0.05,
  )
  expect(unsure).toBeGreaterThan(turning(11e6, 3))
  // The limit that is least likely to turn decides; memory has no noise that another measurement might turn.
  const both = { metrics: { latencyP99Ns: 10e6, inferPerSec: 90, gpuMemoryBytes: 600e6 }, measurements: 2 }
  expect(chanceToTurn(both, outlookOf(0), [p99, rate], 0.05)).toBeCloseTo(
    chanceToTurn(both, outlookOf(0), [rate], 0.05),
    9,
  )
  const slightlyMore = { metrics: { gpuMemoryBytes: 501e6 }, measurements: 1 }
  expect(chanceToTurn(slightlyMore, outlookOf(0), [memory], 9)).toBe(0)
  expect(chanceToTurn(both, outlookOf(0), [{ ...memory, limit: 0 }], 0.05)).toBe(0)
  expect(chanceToTurn(both, outlookOf(0), [{ ...memory, limit: 600e6 }], 0.05)).toBe(1)
  // What had no value once may have one; what has none a second time is not asked four times more.
  const without = (measurements: number) =>
    chanceToTurn({ metrics: { latencyP99Ns: null }, measurements }, outlookOf(0), [p99], 0.05)
  expect([without(1), without(2)]).toEqual([1, 0])
  // Nothing measured is as far from a least throughput as can be.
  const idle = { metrics: { inferPerSec: 0 }, measurements: 1 }
  expect(chanceToTurn(idle, outlookOf(0), [rate], 0.05)).toBe(0)
})
