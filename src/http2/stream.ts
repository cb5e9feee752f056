import type { Field } from './hpack.ts'

/** How a stream ended: by the peer's END_STREAM, its RST_STREAM, or with the connection. */
export type StreamEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'reset'; readonly code: number }
  | { readonly kind: 'lost'; readonly reason: string }

export interface StreamEvents {
  /** Headers that are no interim response; then, or at once, those with which the answer ends (`isLast`). */
  readonly onHeaders: (fields: readonly Field[], isLast: boolean) => void
  /** The bytes are another's after the call. */
  readonly onData: (bytes: Buffer, start: number, end: number) => void
  /** Once; not after `cancel`. */
  readonly onEnd: (end: StreamEnd) => void
}

/** A request and its answer. What changes is its session's to change. */
export interface Http2Stream {
  /** 0 while it waits for the peer to admit another stream. */
  id: number
  readonly fields: readonly Field[]
  readonly events: StreamEvents
  /** What is still to be sent, and how much of the first has been. */
  readonly unsent: Buffer[]
  unsentOffset: number
  /** END_STREAM goes with the last of it. */
  ending: boolean
  /** END_STREAM has been sent. */
  localEnded: boolean
  /** The headers of its answer have come, after interim ones. */
  answered: boolean
  closed: boolean
  sendWindow: number
  /** Since the peer was last given room for more. */
  receivedBytes: number
}

export function makeStream(
  fields: readonly Field[],
  data: Buffer | null,
  ending: boolean,
  events: StreamEvents,
): Http2Stream {
  return {
    id: 0,
    fields,
    events,
    unsent: data === null ? [] : [data],
    unsentOffset: 0,
    ending,
    localEnded: false,
    answered: false,
    closed: false,
    sendWindow: 0,
    receivedBytes: 0,
  }
}
