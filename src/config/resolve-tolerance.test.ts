import { expect, test } from 'vitest'
import { readConfig } from './load-config.ts'

const modelOf = (text: string, model = 'm') => readConfig(text, 'triton-perf-gate.yml', {}).settingsFor(model)

test('tolerances have a relative and an absolute part, and models have their own, metric by metric', () => {
  const text = `
gate:
  tolerance:
    perf_latency_p99: {relative: 10%, absolute: 0.2}
    perf_throughput: 2%
    gpu_used_memory: {absolute: 100}
  model_tolerance:
    ocr:
      perf_throughput: {absolute: 5}
      perf_latency_p99: 20%
`
  const both = { ratio: 0.1, absolute: 0.2e6 }
  expect(modelOf(text).tolerance).toMatchObject({
    latencyP99Ns: both,
    latencyP95Ns: both,
    inferPerSec: { ratio: 0.02, absolute: 0 },
    gpuMemoryBytes: { ratio: 0.02, absolute: 100e6 },
  })
  expect(modelOf(text, 'ocr').tolerance).toMatchObject({
    latencyP99Ns: { ratio: 0.2, absolute: 0 },
    latencyP50Ns: { ratio: 0.2, absolute: 0 },
    inferPerSec: { ratio: 0.03, absolute: 5 },
    gpuMemoryBytes: { ratio: 0.02, absolute: 100e6 },
  })
  expect(modelOf(text, '__proto__').tolerance).toEqual(modelOf(text).tolerance)
})

test('a tolerance of p99 holds for the lower percentile that may stand in for it', () => {
  const { tolerance } = modelOf('gate: { tolerance: { perf_latency_p99: 10%, perf_latency_p90: 0.2 } }')
  expect(tolerance).toMatchObject({
    latencyP99Ns: { ratio: 0.1 },
    latencyP95Ns: { ratio: 0.1 },
    latencyP90Ns: { ratio: 0.2 },
    inferPerSec: { ratio: 0.03 },
  })
})
