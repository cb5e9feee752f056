import type { RequestLog } from './request-log.ts'

/** A load level in perf_analyzer's figures. */
export interface PerfAnalyzerFigures {
  /** Successful requests that ended inside the windows. */
  readonly requests: number
  readonly inferPerSec: number
  /** Null without any request. */
  readonly latencyP50Ns: number | null
  readonly latencyP90Ns: number | null
  readonly latencyP95Ns: number | null
  readonly latencyP99Ns: number | null
}

/** What is needed of a window. */
export interface LoggedWindow {
  readonly durationNs: number
  readonly log?: RequestLog
}

/**
 * What perf_analyzer makes of the same requests (inference_profiler.cc: ValidLatencyMeasurement, SummarizeLatency,
 * MergePerfStatusReports): a request counts in the window in which it ends, both edges included, and with its whole time
 * from when it was sent, not due; throughput is these requests × batch over the windows' time; several windows are one
 * population. Failed requests do not count, where perf_analyzer would end the run. Unlike it, no n is too small here for
 * any percentile.
 */
export function perfAnalyzerFigures(
  windows: readonly LoggedWindow[],
  batchSize: number,
): PerfAnalyzerFigures {
  const latencies = Float64Array.from(windows.flatMap(latenciesOf)).sort()
  const durationNs = windows.reduce((sum, window) => sum + window.durationNs, 0)
  return {
    requests: latencies.length,
    inferPerSec: durationNs === 0 ? 0 : (latencies.length * batchSize * 1e9) / durationNs,
    latencyP50Ns: perfAnalyzerPercentile(latencies, 50),
    latencyP90Ns: perfAnalyzerPercentile(latencies, 90),
    latencyP95Ns: perfAnalyzerPercentile(latencies, 95),
    latencyP99Ns: perfAnalyzerPercentile(latencies, 99),
  }
}

/** The value at index trunc(p/100 · (n − 1) + 0.5): the rank nearest to the interpolated one, halves upwards. */
export function perfAnalyzerPercentile(sorted: ArrayLike<number>, percent: number): number | null {
  return sorted[Math.trunc((percent / 100) * (sorted.length - 1) + 0.5)] ?? null
}

function latenciesOf({ durationNs, log }: LoggedWindow): number[] {
  if (log === undefined) throw new RangeError('a window without its request log')
  const { sentNs, endNs, failure } = log
  const latencies: number[] = []
  for (const [index, atNs] of endNs.entries()) {
    if (failure[index] === -1 && atNs >= 0 && atNs <= durationNs)
      latencies.push(atNs - (sentNs[index] ?? Number.NaN))
  }
  return latencies
}
