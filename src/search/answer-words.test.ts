import { expect, test } from 'vitest'
import type { Constraint, Objective } from '../config/config.ts'
import { measurementWords } from './answer-words.ts'

const throughput: Objective = { name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }
const p95: Constraint = { name: 'perf_latency_p95', metric: 'latencyP95Ns', bound: 'max', limit: 20e6 }
const memory: Constraint = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit: 900e6 }
const rate: Constraint = { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: 400 }
const metrics = { inferPerSec: 299.4, latencyP99Ns: 31e6, latencyP95Ns: 21.5e6, gpuMemoryBytes: 850e6 }

test('of a measurement that is said which matters: throughput, what is limited, and where it breaks its limit', () => {
  const wordsOf = (constraints: readonly Constraint[], objectives = [throughput]) =>
    measurementWords(metrics, { objectives, constraints })
  expect(wordsOf([])).toBe('299 infer/s, p99 latency 31 ms')
  expect(wordsOf([p95, memory])).toBe('299 infer/s, p95 latency 21.5 ms (limit 20 ms), GPU memory 850 MB')
  expect(wordsOf([rate])).toBe('299 infer/s (limit 400 infer/s), p99 latency 31 ms')
  expect(wordsOf([p95], [{ name: 'gpu_used_memory', metric: 'gpuMemoryBytes', weight: 1 }])).toContain(
    '850 MB',
  )
})

test('what is limited and was not measured is said not to be, what is sought only is left out', () => {
  expect(measurementWords({ inferPerSec: 5 }, { objectives: [throughput], constraints: [memory] })).toBe(
    '5 infer/s, GPU memory not measured (limit 900 MB)',
  )
})
