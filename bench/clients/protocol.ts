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
}
