import type { LoadTarget } from '../../src/load/protocol.ts'

/** One stretch of closed loop, as the benchmark asks a client process for it. */
export interface Stretch {
  readonly target: Pick<LoadTarget, 'host' | 'port' | 'frames'>
  readonly model: string
  readonly concurrency: number
  readonly durationNs: number
}

export interface StretchResult {
  readonly requests: number
  readonly failed: number
  readonly latencyP50Ns: number
  readonly latencyP99Ns: number
  /**
   * The sum of all latencies, as a share of concurrency × time. In a closed loop a request is always out, but for what the
   * client does between two: time that is missing here was hidden from the latencies.
   */
  readonly accountedRatio: number | null
}
