import type { ErrorCode } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'

/** A server's model to send requests to. */
export interface LoadTarget {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Sent with every request. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Whole gRPC frames, sent in turn. */
  readonly frames: readonly Uint8Array[]
  readonly connections: number
  /** A request without an answer after this long has failed. */
  readonly deadlineNs: number
}

export interface WindowOptions {
  /** Load before the window, which counts for nothing; as long again at most after it, while requests of the window are out. */
  readonly leadInNs: number
  readonly durationNs: number
  /** The window is prolonged until so many requests have been sent in it … */
  readonly minRequests?: number
  /** … but no longer than this. */
  readonly maxDurationNs?: number
  /** Of the Poisson schedule; where left out, the number of the target's window, so that two sides get the same. */
  readonly seed?: number
}

/** What the worker measured. */
export interface WindowReport {
  /** On the clock that all threads share (process.hrtime). */
  readonly startHrtimeNs: bigint
  readonly durationNs: number
  readonly latenciesNs: Float64Array
  readonly completed: number
  readonly issued: number
  readonly failures: Record<string, number>
  readonly firstFailure: string | null
  readonly client: ClientHealth
}

export type Command =
  | { readonly kind: 'open'; readonly target: LoadTarget }
  | { readonly kind: 'run'; readonly targetId: string; readonly load: Load; readonly options: WindowOptions }
  | { readonly kind: 'closeTarget'; readonly targetId: string }

export interface CommandMessage {
  readonly id: number
  readonly command: Command
}

export type ReplyMessage =
  | { readonly id: number; readonly ok: true; readonly report: WindowReport | null }
  | {
      readonly id: number
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly hint?: string | undefined
    }
