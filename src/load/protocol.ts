import type { GrpcAddress } from '../domain/endpoint.ts'
import type { ErrorCode } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { ThreadHealth } from '../domain/scenario.ts'
import type { RequestLog } from './request-log.ts'
import type { ResponseReport } from './response-times.ts'
import type { SendReport } from './send-times.ts'
import type { SequencePlan } from './sequences.ts'
import type { Share } from './share.ts'

/** A server's model to send requests to. */
export interface LoadTarget extends GrpcAddress {
  readonly id: string
  /** Whole gRPC frames, sent in turn. */
  readonly frames: readonly Uint8Array[]
  /** Over all threads together; each thread has at least one. */
  readonly connections: number
  /** A request without an answer after this long has failed. */
  readonly deadlineNs: number
  /** Over ModelStreamInfer; over ModelInfer where left out. */
  readonly streaming?: Streaming
  /** For a model with sequence batching. */
  readonly sequences?: SequencePlan
  /**
   * Targets that are under load at once have a lane each, which is a group of threads: no request of one waits for a thread
   * that is busy with another's. 0 where left out.
   */
  readonly lane?: number
  /** What its answers must be; where left out they are not looked at. */
  readonly check?: OutputCheck
}

/** An output as it must come. */
export interface ExpectedOutput {
  readonly name: string
  /** With the batch dimension where the model has one. */
  readonly shape: readonly number[]
  /** As Tensor.data. */
  readonly data: Uint8Array
}

/** Outputs as the model's configuration has them. */
export interface DeclaredOutputs {
  readonly outputs: readonly {
    readonly name: string
    /** Triton's name of the type without the prefix. */
    readonly datatype: string
    /** With the batch dimension where the model has one; -1 where any size will do. */
    readonly shape: readonly number[]
  }[]
  /** All of them: then an answer of the same length as a right one is not read again. */
  readonly areOfFixedSize: boolean
}

/** What the answers of a target must be. */
export interface OutputCheck {
  /** Of the first answer to each frame, for each thread, and of those of another length than that. */
  readonly declared: DeclaredOutputs
  readonly bytes:
    | null
    /** For each frame the outputs that are known, or null. */
    | { readonly kind: 'given'; readonly outputs: readonly (readonly ExpectedOutput[] | null)[] }
    /** Each answer must be as the first one to the same frame, of this thread. */
    | { readonly kind: 'first' }
  /** Where outputs lie that the answers do not carry. */
  readonly shared?: SharedOutputs
}

/** Outputs in shared memory. */
export interface SharedOutputs {
  /** The region as a file. */
  readonly path: string
  /** Of each frame. */
  readonly slots: readonly (readonly OutputSlot[])[]
}

export interface OutputSlot {
  readonly name: string
  readonly offset: number
  readonly byteSize: number
  /** Of one element; null for strings. */
  readonly elementBytes: number | null
}

export interface Streaming {
  /** The model answers a request any number of times. */
  readonly decoupled: boolean
}

export interface WindowOptions {
  /** Load before the window, which counts for nothing; as long again at most after it, while requests of the window are out. */
  readonly leadInNs: number
  readonly durationNs: number
  /** The window is prolonged until so many requests have been sent in it … */
  readonly minRequests?: number
  /** … but no longer than this. */
  readonly maxDurationNs?: number
  /**
   * Exactly so many requests instead of a time: no lead-in, no lead-out, and the window goes from the first one sent
   * (open loop: due) to the last end. `durationNs` and the two above are not looked at.
   */
  readonly requestCount?: number
  /** Of the Poisson schedule; where left out, the number of the target's window, so that two sides get the same. */
  readonly seed?: number
  /** Keep the times of each request: 32 bytes for each. */
  readonly requestLog?: boolean
}

/** How the threads of one run keep together. */
export interface Muster {
  /** Where all threads of the run, and of those at the same time, wait until the lead-in begins; null for a single one: at once. */
  readonly rendezvous: { readonly memory: SharedArrayBuffer; readonly parties: number } | null
  readonly seed: number
  /** The memory of a Tally that all threads of the run share. */
  readonly tally: SharedArrayBuffer
  /** That of an Outstanding which the targets under load at once share; null for a single one. */
  readonly outstanding: SharedArrayBuffer | null
}

/** What one thread measured. */
export interface ThreadReport {
  /** On the clock that all threads share (process.hrtime). */
  readonly startHrtimeNs: bigint
  readonly durationNs: number
  /** How long after the window's begin the first request was sent; 0 where one was sent before. */
  readonly lateStartNs: number
  /** Ascending. */
  readonly latenciesNs: Float64Array
  readonly completed: number
  readonly issued: number
  /** Requests of the window, and those of them that were sent late, and that were sent before it ended. */
  readonly requests: number
  readonly late: number
  readonly inTime: number
  readonly failures: Readonly<Record<string, number>>
  readonly firstFailure: string | null
  /** Only of a decoupled model. */
  readonly responses?: ResponseReport
  /** Only of an open loop. */
  readonly sends?: SendReport
  /** Only where it is asked for. */
  readonly log?: RequestLog
  readonly cpuNs: number
  readonly health: ThreadHealth
}

export type Command =
  | { readonly kind: 'open'; readonly target: LoadTarget; readonly share: Share }
  | {
      readonly kind: 'run'
      readonly targetId: string
      /** The whole load, of which the thread takes its share. */
      readonly load: Load
      readonly options: WindowOptions
      readonly muster: Muster
    }
  | { readonly kind: 'closeTarget'; readonly targetId: string }
  /** No answer: the thread is no more. */
  | { readonly kind: 'end' }

export interface CommandMessage {
  readonly id: number
  readonly command: Command
}

export type ReplyMessage =
  | { readonly id: number; readonly ok: true; readonly report: ThreadReport | null }
  | {
      readonly id: number
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly hint?: string | undefined
    }
