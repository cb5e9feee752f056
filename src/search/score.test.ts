import { expect, test } from 'vitest'
import type { Constraint, Objective } from '../config/config.ts'
import { gain, logScore, meets, score, violation } from './score.ts'

const p99: Constraint = { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 10e6 }
const rate: Constraint = { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 200 }
const throughput: Objective = { name: 'perf_throughput', metric: 'inferPerSec', weight: 3 }
const latency: Objective = { name: 'perf_latency_p99', metric: 'latencyP99Ns', weight: 1 }

test('a value on the limit passes, a missing one does not', () => {
  expect(meets({ latencyP99Ns: 10e6, inferPerSec: 200 }, [p99, rate])).toBe(true)
  expect(meets({ latencyP99Ns: 10e6 + 1, inferPerSec: 200 }, [p99, rate])).toBe(false)
  expect(meets({ latencyP99Ns: null, inferPerSec: 200 }, [p99, rate])).toBe(false)
  expect(meets({}, [])).toBe(true)
})

test('violations are relative to their limits and add up', () => {
  expect(violation({ latencyP99Ns: 12e6, inferPerSec: 150 }, [p99, rate])).toBeCloseTo(0.2 + 0.25)
  expect(violation({ inferPerSec: 300 }, [p99])).toBe(Number.POSITIVE_INFINITY)
})

test('the score is antisymmetric, weighted, and turned where less is better', () => {
  const [one, other] = [
    { inferPerSec: 110, latencyP99Ns: 20 },
    { inferPerSec: 90, latencyP99Ns: 20 },
  ]
  expect(score(one, other, [throughput])).toBeCloseTo(0.2)
  expect(score(other, one, [throughput, latency])).toBeCloseTo(-0.15)
  expect(score({ latencyP99Ns: 5 }, { latencyP99Ns: 15 }, [latency])).toBeCloseTo(1)
})

test('who alone has a metric wins by it', () => {
  expect(score({ inferPerSec: 1 }, {}, [throughput])).toBe(1)
  expect(score({}, { inferPerSec: 1 }, [throughput])).toBe(-1)
  expect(score({}, {}, [throughput])).toBe(0)
})

test('on the log scale a poor committed configuration does not make two that are far better look alike', () => {
  const committed = { inferPerSec: 4, latencyP99Ns: 500 }
  const [fast, brisk] = [
    { inferPerSec: 2000, latencyP99Ns: 48 },
    { inferPerSec: 1250, latencyP99Ns: 36 },
  ]
  const objectives = [{ ...throughput, weight: 2 }, latency]
  expect(score(fast, brisk, objectives)).toBeGreaterThan(0)
  expect(score(fast, committed, objectives)).toBeLessThan(score(brisk, committed, objectives))
  expect(logScore(fast, committed, objectives)).toBeGreaterThan(logScore(brisk, committed, objectives))
  expect(logScore({ latencyP99Ns: 1 }, {}, [latency])).toBe(1)
  expect(logScore({ latencyP99Ns: 0 }, { latencyP99Ns: 5 }, [latency])).toBeGreaterThan(1)
})

test('the gain is what people call better: 50 % more, or half the latency = 100 %', () => {
  expect(gain({ inferPerSec: 150 }, { inferPerSec: 100 }, [throughput])).toBeCloseTo(0.5)
  expect(gain({ latencyP99Ns: 5 }, { latencyP99Ns: 10 }, [latency])).toBeCloseTo(1)
  expect(gain({ latencyP99Ns: 5 }, {}, [latency])).toBeNull()
})
