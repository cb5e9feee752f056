import type { PerfAnalyzerFlags } from '../config/config.ts'
import type { GrpcAddress } from '../domain/endpoint.ts'
import type { Load } from '../domain/load.ts'

/** One load level of one model. */
export interface Level {
  readonly model: string
  readonly grpc: GrpcAddress
  readonly load: Load
  /** perf_analyzer's `--input-data` JSON. */
  readonly inputData: string
  /** Of one window as it is to be; perf_analyzer makes it from the interval. */
  readonly windowNs: number
  /** Whatever the windows vary by: for a warm-up. */
  readonly anyStability: boolean
  /** What the user wants in place of our own choices. */
  readonly flags: PerfAnalyzerFlags
}
