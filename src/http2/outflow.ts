import {
  errorCode,
  flag,
  frameType,
  headBytes,
  makeFrame,
  maxFrameBytes,
  ProtocolError,
  setting,
  writeHead,
} from './frames.ts'
import { HpackEncoder } from './hpack.ts'
import type { Http2Stream } from './stream.ts'
import { joinedBytes } from './transport.ts'

/** Until the peer says otherwise, and a connection's at first whatever it says (RFC 9113, 6.9.2). */
export const defaultWindowBytes = 65_535

const largestWindow = 2 ** 31 - 1

/** Headers and data on their way out, as much of them as the peer's windows and frame size admit. */
export class Outflow {
  readonly #push: (bytes: Buffer) => void
  readonly #encoder = new HpackEncoder()
  /** Streams with bytes that the windows do not admit, in their order. */
  readonly #blocked = new Set<Http2Stream>()
  #window = defaultWindowBytes
  #streamWindow = defaultWindowBytes
  #frameBytes = maxFrameBytes

  constructor(push: (bytes: Buffer) => void) {
    this.#push = push
  }

  /** A setting of the peer's; those that are of no concern here are passed over. @throws ProtocolError */
  set(id: number, value: number, streams: Iterable<Http2Stream>): void {
    if (id === setting.enablePush && value !== 0)
      throw new ProtocolError(errorCode.protocolError, 'a server that asks for pushed streams')
    if (id === setting.headerTableSize) this.#encoder.setLimit(value)
    else if (id === setting.maxFrameSize) {
      if (value < maxFrameBytes || value >= 2 ** 24)
        throw new ProtocolError(errorCode.protocolError, `frames of ${value} bytes`)
      this.#frameBytes = value
    } else if (id === setting.initialWindowSize) {
      const change = value - this.#streamWindow
      this.#streamWindow = value
      if (value > largestWindow) throw tooLarge()
      for (const stream of streams) {
        stream.sendWindow += change
        if (stream.sendWindow > largestWindow) throw tooLarge()
      }
    }
  }

  /** The peer takes more: on a stream, or (null) on the connection. @throws ProtocolError */
  addRoom(stream: Http2Stream | null, bytes: number): void {
    if (bytes === 0) throw new ProtocolError(errorCode.protocolError, 'a window update of nothing')
    if (stream === null) this.#window += bytes
    else stream.sendWindow += bytes
    if ((stream?.sendWindow ?? this.#window) > largestWindow) throw tooLarge()
  }

  /** Begins a stream that has its id. */
  begin(stream: Http2Stream): void {
    stream.sendWindow = this.#streamWindow
    const block = this.#encoder.encode(stream.fields)
    const [data, second] = stream.unsent
    const room = Math.min(this.#window, stream.sendWindow, joinedBytes - 2 * headBytes - block.length)
    if (data !== undefined && second === undefined && data.length <= room)
      this.#sendJoined(stream, block, data)
    else {
      this.#sendHeaders(stream, block)
      this.send(stream)
    }
  }

  /** Sends what a stream has to send, and what there is no room for later. */
  send(stream: Http2Stream): void {
    if (this.#blocked.has(stream)) return
    while (!stream.localEnded) {
      const [data] = stream.unsent
      if (data === undefined && !stream.ending) return
      const left = (data?.length ?? 0) - stream.unsentOffset
      // An end without data needs no room, and a window may lie below zero (RFC 9113, 6.9.2).
      const size = Math.max(0, Math.min(left, this.#window, stream.sendWindow, this.#frameBytes))
      if (left > 0 && size === 0) {
        this.#blocked.add(stream)
        return
      }
      this.#sendData(stream, data, size, size === left)
    }
  }

  /** There may be room. */
  sendBlocked(): void {
    if (this.#blocked.size === 0) return
    const blocked = [...this.#blocked]
    this.#blocked.clear()
    for (const stream of blocked) this.send(stream)
  }

  forget(stream: Http2Stream): void {
    this.#blocked.delete(stream)
  }

  /** Headers and all data in one buffer. */
  #sendJoined(stream: Http2Stream, block: Buffer, data: Buffer): void {
    const dataAt = headBytes + block.length
    const joined = Buffer.allocUnsafe(dataAt + headBytes + data.length)
    writeHead(joined, 0, block.length, {
      type: frameType.headers,
      flags: flag.endHeaders,
      streamId: stream.id,
    })
    joined.set(block, headBytes)
    const flags = stream.ending ? flag.endStream : 0
    writeHead(joined, dataAt, data.length, { type: frameType.data, flags, streamId: stream.id })
    joined.set(data, dataAt + headBytes)
    this.#push(joined)
    this.#window -= data.length
    stream.sendWindow -= data.length
    stream.unsent.length = 0
    stream.localEnded = stream.ending
  }

  #sendHeaders(stream: Http2Stream, block: Buffer): void {
    for (let at = 0; at < block.length; at += this.#frameBytes) {
      const flags = at + this.#frameBytes >= block.length ? flag.endHeaders : 0
      const type = at === 0 ? frameType.headers : frameType.continuation
      this.#push(makeFrame(type, flags, stream.id, block.subarray(at, at + this.#frameBytes)))
    }
  }

  #sendData(stream: Http2Stream, data: Buffer | undefined, size: number, isWhole: boolean): void {
    const isLast = isWhole && stream.ending && stream.unsent.length <= 1
    const head = Buffer.allocUnsafe(headBytes)
    const flags = isLast ? flag.endStream : 0
    writeHead(head, 0, size, { type: frameType.data, flags, streamId: stream.id })
    this.#push(head)
    if (data !== undefined && size > 0)
      this.#push(data.subarray(stream.unsentOffset, stream.unsentOffset + size))
    this.#window -= size
    stream.sendWindow -= size
    stream.unsentOffset = isWhole ? 0 : stream.unsentOffset + size
    if (isWhole) stream.unsent.shift()
    stream.localEnded = isLast
  }
}

function tooLarge(): ProtocolError {
  return new ProtocolError(errorCode.flowControlError, `a window of more than ${largestWindow} bytes`)
}
