import { frameType, makeNumbersFrame } from './frames.ts'
import { defaultWindowBytes } from './outflow.ts'
import type { Http2Stream } from './stream.ts'

/**
 * Room for large outputs. HTTP/2's default of 65 535 bytes would make each of them wait for window updates,
 * and so measure this client. A stream's room, and a connection's that is shared by several streams.
 */
export const streamWindowBytes = 16 * 1024 * 1024
const connectionWindowBytes = 4 * streamWindowBytes

/** Keeps this side's windows open (RFC 9113, 5.2): when half of one is used up, the peer is given it again. */
export class Inflow {
  readonly #push: (bytes: Buffer) => void
  #receivedBytes = 0

  constructor(push: (bytes: Buffer) => void) {
    this.#push = push
  }

  /** A connection's first window is no setting: it has to be widened. */
  begin(): void {
    this.#giveRoom(0, connectionWindowBytes - defaultWindowBytes)
  }

  /** Payload of DATA, its padding included. @param stream null where it is over: its bytes take the connection's room all the same */
  received(stream: Http2Stream | null, bytes: number, isLast: boolean): void {
    this.#receivedBytes += bytes
    if (this.#receivedBytes > connectionWindowBytes / 2) {
      this.#giveRoom(0, this.#receivedBytes)
      this.#receivedBytes = 0
    }
    if (stream === null) return
    stream.receivedBytes += bytes
    if (stream.receivedBytes > streamWindowBytes / 2 && !isLast) {
      this.#giveRoom(stream.id, stream.receivedBytes)
      stream.receivedBytes = 0
    }
  }

  #giveRoom(streamId: number, bytes: number): void {
    this.#push(makeNumbersFrame(frameType.windowUpdate, streamId, bytes))
  }
}
