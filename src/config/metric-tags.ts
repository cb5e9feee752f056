import type { MetricName } from '../domain/metric.ts'
import { nsPerMs } from '../domain/world.ts'

/** Model Analyzer's tags with the metric they mean here. */
export const metricTags = {
  perf_throughput: 'inferPerSec',
  perf_latency_avg: 'latencyAvgNs',
  perf_latency_p90: 'latencyP90Ns',
  perf_latency_p95: 'latencyP95Ns',
  perf_latency_p99: 'latencyP99Ns',
  // The old name of p99. Model Analyzer still accepts it but matches it with nothing, so that it never fails.
  perf_latency: 'latencyP99Ns',
  perf_server_queue: 'serverQueueNs',
  perf_server_compute_input: 'serverComputeInputNs',
  perf_server_compute_infer: 'serverComputeInferNs',
  perf_server_compute_output: 'serverComputeOutputNs',
  // The whole device, as Model Analyzer has it.
  gpu_used_memory: 'gpuDeviceMemoryBytes',
  gpu_utilization: 'gpuUtilizationRatio',
  gpu_power_usage: 'gpuPowerWatts',
  cpu_used_ram: 'serverMemoryBytes',
} as const satisfies Record<string, MetricName>

export type MetricTag = keyof typeof metricTags
export const objectiveTags = Object.keys(metricTags) as [MetricTag, ...MetricTag[]]

/** The tags that may be limited: which bound they take, and what one unit of the file is in the metric's own. */
export const constraintTags = {
  perf_throughput: { bound: 'min', unit: 'infer/s', factor: 1 },
  perf_latency_avg: { bound: 'max', unit: 'ms', factor: nsPerMs },
  perf_latency_p90: { bound: 'max', unit: 'ms', factor: nsPerMs },
  perf_latency_p95: { bound: 'max', unit: 'ms', factor: nsPerMs },
  perf_latency_p99: { bound: 'max', unit: 'ms', factor: nsPerMs },
  perf_latency: { bound: 'max', unit: 'ms', factor: nsPerMs },
  // Model Analyzer's MB is 1e6 bytes.
  gpu_used_memory: { bound: 'max', unit: 'MB', factor: 1e6 },
} as const satisfies Partial<Record<MetricTag, { bound: 'min' | 'max'; unit: string; factor: number }>>

export type ConstraintTag = keyof typeof constraintTags

/** The tags whose regression can be gated, so that a tolerance for them means something. */
export const toleranceTags = {
  perf_latency_p99: 'latencyP99Ns',
  perf_latency_p95: 'latencyP95Ns',
  perf_latency_p90: 'latencyP90Ns',
  perf_latency_p50: 'latencyP50Ns',
  perf_throughput: 'inferPerSec',
  // The server's own: what others hold is no regression of the model.
  gpu_used_memory: 'gpuMemoryBytes',
} as const satisfies Record<string, MetricName>

/** What one unit of an absolute tolerance is in the metric's own, with its word. */
export const toleranceUnits = {
  perf_latency_p99: { unit: 'ms', factor: nsPerMs },
  perf_latency_p95: { unit: 'ms', factor: nsPerMs },
  perf_latency_p90: { unit: 'ms', factor: nsPerMs },
  perf_latency_p50: { unit: 'ms', factor: nsPerMs },
  perf_throughput: { unit: 'infer/s', factor: 1 },
  gpu_used_memory: { unit: 'MB', factor: 1e6 },
} as const satisfies Record<keyof typeof toleranceTags, { unit: string; factor: number }>

const unmeasured =
  /^(output_token_throughput|inter_token_latency_|time_to_first_token_|perf_client_|gpu_free_memory|gpu_total_memory|cpu_available_ram)/

/** True of Model Analyzer's tags that nothing here measures. */
export function isUnmeasuredTag(tag: string): boolean {
  return unmeasured.test(tag)
}
