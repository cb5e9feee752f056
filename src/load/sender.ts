import type { AnswerCheck } from './output-check.ts'
import type { RequestEnd } from './unary-call.ts'

/** A request as it is sent. */
export interface Outgoing {
  /** A whole gRPC frame. */
  readonly frame: Buffer
  /** What is wrong with an answer to it; null where answers are not looked at. */
  readonly check: AnswerCheck | null
}

/** A response with data of a request that may have several, at its time. */
export type OnResponse = (atNs: number) => void

/** What the drivers send requests through: a connection, a connection's streams, or a sequence on either. */
export interface Sender {
  readonly ready: boolean
  /** The last attempt to connect failed and the next is not yet made. */
  readonly resting: boolean
  /** Takes another request now. */
  readonly hasRoom: boolean
  readonly lastError: string
  /** Calls back once when this is ready or the next attempt to be has failed. */
  readonly whenSettled: (callback: () => void) => void
  readonly wake: () => void
  /** The driver sends no more through this: what a sequence leaves on the server is cleared away. */
  readonly stop?: () => void
  /** Only to be called while `ready`. Returns how to give the request up: nothing is called back then. */
  readonly send: (request: Outgoing, onEnd: RequestEnd, onResponse?: OnResponse) => () => void
}
