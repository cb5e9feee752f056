/**
 * The metrics of a scenario. The name says the unit; ms, µs and percent exist only where values are
 * read from the user or shown to one.
 */
export const metrics = {
  latencyAvgNs: { label: 'avg latency', unit: 'ns', better: 'lower' },
  latencyP50Ns: { label: 'p50 latency', unit: 'ns', better: 'lower' },
  latencyP90Ns: { label: 'p90 latency', unit: 'ns', better: 'lower' },
  latencyP95Ns: { label: 'p95 latency', unit: 'ns', better: 'lower' },
  latencyP99Ns: { label: 'p99 latency', unit: 'ns', better: 'lower' },
  latencyP999Ns: { label: 'p99.9 latency', unit: 'ns', better: 'lower' },
  latencyMaxNs: { label: 'max latency', unit: 'ns', better: 'lower' },
  /** Of open loops: a request's latency from when it was actually sent, and how long after it was due that was. */
  serviceP50Ns: { label: 'p50 service time', unit: 'ns', better: 'lower' },
  serviceP99Ns: { label: 'p99 service time', unit: 'ns', better: 'lower' },
  sendLagP99Ns: { label: 'p99 send lag', unit: 'ns', better: 'lower' },
  inferPerSec: { label: 'throughput', unit: 'infer/s', better: 'higher' },
  /** Of decoupled models: from a request's origin to its first response with data, and from each such to the next. */
  timeToFirstResponseP50Ns: { label: 'p50 time to first response', unit: 'ns', better: 'lower' },
  timeToFirstResponseP99Ns: { label: 'p99 time to first response', unit: 'ns', better: 'lower' },
  interResponseP50Ns: { label: 'p50 inter-response time', unit: 'ns', better: 'lower' },
  interResponseP99Ns: { label: 'p99 inter-response time', unit: 'ns', better: 'lower' },
  responsesPerSec: { label: 'responses', unit: 'responses/s', better: 'higher' },
  /** Server time per request from ModelStatistics: delta ns / delta count of the same field. */
  serverQueueNs: { label: 'queue', unit: 'ns', better: 'lower' },
  serverComputeInputNs: { label: 'compute input', unit: 'ns', better: 'lower' },
  serverComputeInferNs: { label: 'compute infer', unit: 'ns', better: 'lower' },
  serverComputeOutputNs: { label: 'compute output', unit: 'ns', better: 'lower' },
  /** Average client latency minus queue and compute: network, gRPC, scheduling, the server's own overhead. */
  networkOverheadNs: { label: 'network + overhead', unit: 'ns', better: 'lower' },
  /** Average executed batch: delta inference_count / delta execution_count. */
  executedBatchSize: { label: 'executed batch size', unit: 'count', better: 'higher' },
  gpuMemoryBytes: { label: 'GPU memory', unit: 'bytes', better: 'lower' },
  /** Before the model is loaded: CUDA contexts, memory pools. And what came with the model, the rest. */
  gpuIdleServerMemoryBytes: { label: 'GPU memory, server without model', unit: 'bytes', better: 'lower' },
  gpuModelMemoryBytes: { label: 'GPU memory, model alone', unit: 'bytes', better: 'lower' },
  /** Of the whole device, whoever holds it: what Model Analyzer's gpu_used_memory means. */
  gpuDeviceMemoryBytes: { label: 'GPU memory, whole device', unit: 'bytes', better: 'lower' },
  /** The same by Triton's own metrics, the second source. */
  gpuDeviceMemoryTritonBytes: {
    label: 'GPU memory, whole device, by Triton',
    unit: 'bytes',
    better: 'lower',
  },
  gpuUtilizationRatio: { label: 'GPU utilization', unit: 'ratio', better: 'higher' },
  gpuPowerWatts: { label: 'GPU power', unit: 'W', better: 'lower' },
  /** Resident memory of the server's process tree. */
  serverMemoryBytes: { label: 'server memory', unit: 'bytes', better: 'lower' },
  /** CPU time of the server's process tree for each inference, lead-ins included. */
  serverCpuNsPerInference: { label: 'server CPU per inference', unit: 'ns', better: 'lower' },
} as const satisfies Record<string, MetricDefinition>

export interface MetricDefinition {
  readonly label: string
  readonly unit: 'ns' | 'infer/s' | 'responses/s' | 'bytes' | 'ratio' | 'W' | 'count'
  readonly better: 'lower' | 'higher'
}

export type MetricName = keyof typeof metrics
export const metricNames = Object.keys(metrics) as readonly MetricName[]

/** Latency percentiles from the highest: the gated one is the highest that the number of requests allows. */
export const latencyPercentiles = [
  { name: 'latencyP99Ns', percentile: 0.99 },
  { name: 'latencyP95Ns', percentile: 0.95 },
  { name: 'latencyP90Ns', percentile: 0.9 },
  { name: 'latencyP50Ns', percentile: 0.5 },
] as const satisfies readonly { name: MetricName; percentile: number }[]

/** All that are reported: p99.9 is information, since few repetitions have the 2995 requests it needs. */
export const reportedPercentiles = [
  { name: 'latencyP999Ns', percentile: 0.999 },
  ...latencyPercentiles,
] as const satisfies readonly { name: MetricName; percentile: number }[]

/**
 * The least number of requests for which a percentile is reported: the smallest n with a one-sided 95 %
 * distribution-free upper bound, p^n ≤ 0.05 (2995 for p99.9, 299 for p99, 59 for p95, 29 for p90, 5 for p50).
 */
export function minRequestsForPercentile(percentile: number): number {
  return Math.ceil(Math.log(0.05) / Math.log(percentile))
}

/**
 * No measurement gives a larger number in any unit: in nanoseconds it is more than eleven days. What lies beyond is a slip or
 * an attack: beside a baseline with such a latency everything would be faster.
 */
export const largestValue = 1e15

/** How the regression test treats a metric where the configuration says nothing (ratio of change for the worse). */
export const defaultTolerance: Readonly<Partial<Record<MetricName, number>>> = {
  latencyP99Ns: 0.05,
  latencyP95Ns: 0.05,
  latencyP90Ns: 0.05,
  latencyP50Ns: 0.05,
  inferPerSec: 0.03,
  gpuMemoryBytes: 0.02,
}
