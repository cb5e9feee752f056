import type { ConnectionOptions } from 'node:tls'
import { checkFrame, violated } from './frame-rules.ts'
import {
  errorCode,
  type Frame,
  FrameReader,
  flag,
  frameType,
  makeFrame,
  makeNumbersFrame,
  makeSettings,
  ProtocolError,
  setting,
  unpadded,
} from './frames.ts'
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts'
import type { Field } from './hpack.ts'
import { Inflow, streamWindowBytes } from './inflow.ts'
import { Outflow } from './outflow.ts'
import { type Http2Stream, makeStream, type StreamEnd, type StreamEvents } from './stream.ts'
import { Transport } from './transport.ts'

export interface SessionEvents {
  /** The peer's settings are here: at first, which makes the session usable, and whenever they change. */
  readonly onSettings: (maxConcurrentStreams: number) => void
  /** No further stream will be taken (GOAWAY, or no ids are left); those under way may end. */
  readonly onGoAway: (reason: string) => void
  /** Once; before the ends of its streams. */
  readonly onClose: (reason: string) => void
}

const largestStreamId = 2 ** 31 - 1

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
const settingsAck = makeFrame(frameType.settings, flag.ack, 0, Buffer.alloc(0))
const ended: StreamEnd = { kind: 'ended' }

/** The client's side of one HTTP/2 connection (RFC 9113), for gRPC: no push, no priorities, no upgrade. */
export class Http2Session {
  readonly #events: SessionEvents
  readonly #transport: Transport
  readonly #frames = new FrameReader((frame) => this.#onFrame(frame))
  readonly #headers = new HeaderBlocks()
  readonly #outflow = new Outflow((bytes) => this.#transport.push(bytes))
  readonly #inflow = new Inflow((bytes) => this.#transport.push(bytes))
  readonly #streams = new Map<number, Http2Stream>()
  /** Beyond the peer's limit of streams, in their order. */
  readonly #waiting = new Set<Http2Stream>()
  #maxStreams = Number.POSITIVE_INFINITY
  #nextId: number
  #settled = false
  /** Why it takes no further streams. */
  #retired = ''
  #closed = false

  /** Connects; with TLS where options for it are given. @param firstStreamId odd; for tests of what comes after the last one */
  constructor(
    host: string,
    port: number,
    tls: ConnectionOptions | null,
    events: SessionEvents,
    firstStreamId = 1,
  ) {
    this.#events = events
    this.#nextId = firstStreamId
    this.#transport = new Transport(host, port, tls, () => this.#begin(), {
      onRead: (bytes, count) => this.#onRead(bytes, count),
      onClose: (reason) => this.destroy(this.#retired || reason),
    })
  }

  /** Takes requests. */
  get isOpen(): boolean {
    return this.#settled && this.#retired === '' && !this.#closed
  }

  /** Ends the connection and all its streams. */
  destroy(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#transport.destroy()
    this.#events.onClose(reason)
    for (const stream of [...this.#streams.values(), ...this.#waiting])
      this.#finish(stream, { kind: 'lost', reason })
  }

  /** Sends headers, and data unless it is null. Only to be called while `isOpen`. */
  request(fields: readonly Field[], data: Buffer | null, ending: boolean, events: StreamEvents): Http2Stream {
    const stream = makeStream(fields, data, ending, events)
    if (this.#streams.size < this.#maxStreams) this.#open(stream)
    else this.#waiting.add(stream)
    this.#transport.flush()
    return stream
  }

  /** Sends further data of a stream that has not been ended. */
  write(stream: Http2Stream, data: Buffer): void {
    if (stream.closed) return
    stream.unsent.push(data)
    this.#sendOn(stream)
  }

  /** No further data follows. */
  end(stream: Http2Stream): void {
    if (stream.closed || stream.ending) return
    stream.ending = true
    this.#sendOn(stream)
  }

  /** Gives a stream up; its events are not called any more. */
  cancel(stream: Http2Stream): void {
    if (stream.closed) return
    if (stream.id !== 0) this.#reset(stream)
    this.#leave(stream)
    this.#transport.flush()
  }

  #begin(): void {
    this.#transport.push(preface)
    this.#transport.push(
      makeSettings([
        [setting.enablePush, 0],
        [setting.initialWindowSize, streamWindowBytes],
      ]),
    )
    this.#inflow.begin()
    this.#transport.flush()
  }

  #onRead(bytes: Buffer, count: number): void {
    try {
      this.#frames.push(bytes, count)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#transport.push(makeNumbersFrame(frameType.goAway, 0, 0, error.errorCode))
      this.destroy(`no HTTP/2: ${error.message}`)
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#closed) return
    const { type, flags, streamId: id, bytes, start, end } = frame
    if (!this.#settled && (type !== frameType.settings || (flags & flag.ack) !== 0))
      violated('it does not begin with SETTINGS')
    if (this.#headers.isOpen && type !== frameType.continuation)
      violated('a header block that does not go on')
    checkFrame(frame)
    switch (type) {
      case frameType.data:
        this.#onData(frame, this.#streamFor(id))
        break
      case frameType.headers:
        this.#streamFor(id)
        this.#onHeaders(this.#headers.begin(frame))
        break
      case frameType.continuation:
        this.#onHeaders(this.#headers.goOn(frame))
        break
      case frameType.resetStream:
        this.#onReset(this.#streamFor(id), bytes.readUInt32BE(start))
        break
      case frameType.settings:
        if ((flags & flag.ack) === 0) this.#onSettings(frame)
        break
      case frameType.ping:
        if ((flags & flag.ack) === 0)
          this.#transport.push(makeFrame(frameType.ping, flag.ack, 0, bytes.subarray(start, end)))
        break
      case frameType.goAway:
        this.#onGoAway(bytes.readUInt32BE(start) & 0x7fff_ffff, bytes.readUInt32BE(start + 4))
        break
      case frameType.windowUpdate:
        this.#onWindowUpdate(id, bytes.readUInt32BE(start) & 0x7fff_ffff)
        break
      default: // PRIORITY, and what later standards add
    }
  }

  /** Undefined for one that is over. */
  #streamFor(id: number): Http2Stream | undefined {
    if (id % 2 === 0 || id >= this.#nextId) violated(`stream ${id} was never opened`)
    return this.#streams.get(id)
  }

  #onData(frame: Frame, stream: Http2Stream | undefined): void {
    const isLast = (frame.flags & flag.endStream) !== 0
    this.#inflow.received(stream ?? null, frame.end - frame.start, isLast)
    if (stream === undefined) return
    if (!stream.answered) violated('an answer that begins with DATA')
    const [from, to] = unpadded(frame)
    stream.events.onData(frame.bytes, from, to)
    if (isLast) this.#finish(stream, ended)
  }

  #onHeaders(block: HeaderBlock | null): void {
    const stream = block === null ? undefined : this.#streams.get(block.streamId)
    if (block === null || stream === undefined) return
    if (!stream.answered && isInterimResponse(block)) return
    if (stream.answered && !block.endStream) violated('trailers that do not end the answer')
    stream.answered = true
    // Over before its driver hears of the answer: the next request finds its place free.
    if (block.endStream) this.#leave(stream)
    stream.events.onHeaders(block.fields, block.endStream)
    if (block.endStream) stream.events.onEnd(ended)
  }

  #onReset(stream: Http2Stream | undefined, code: number): void {
    if (stream === undefined) return
    // It takes no more of the request, and a reset is not answered with another (RFC 9113, 5.4.2).
    stream.localEnded = true
    this.#finish(stream, { kind: 'reset', code })
  }

  #onSettings({ bytes, start, end }: Frame): void {
    for (let at = start; at < end; at += 6) {
      const id = bytes.readUInt16BE(at)
      const value = bytes.readUInt32BE(at + 2)
      if (id === setting.maxConcurrentStreams) this.#maxStreams = value
      else this.#outflow.set(id, value, this.#streams.values())
    }
    this.#transport.push(settingsAck)
    this.#settled = true
    this.#events.onSettings(this.#maxStreams)
    this.#openWaiting()
    this.#outflow.sendBlocked()
  }

  #onGoAway(lastStreamId: number, code: number): void {
    this.#retire(`the server sent GOAWAY with code ${code}`)
    // These it has not looked at, and will not.
    const refused = [...this.#streams.values()].filter(({ id }) => id > lastStreamId)
    for (const stream of refused) this.#finish(stream, { kind: 'lost', reason: this.#retired })
  }

  /** Takes no further streams, and ends when those under way have. */
  #retire(reason: string): void {
    this.#retired = reason
    this.#events.onGoAway(reason)
    for (const stream of this.#waiting) this.#finish(stream, { kind: 'lost', reason })
    this.#endWhenDone()
  }

  #onWindowUpdate(id: number, bytes: number): void {
    const stream = id === 0 ? null : this.#streamFor(id)
    if (stream === undefined) return
    this.#outflow.addRoom(stream, bytes)
    this.#outflow.sendBlocked()
  }

  #open(stream: Http2Stream): void {
    stream.id = this.#nextId
    this.#nextId += 2
    this.#streams.set(stream.id, stream)
    this.#outflow.begin(stream)
    if (this.#nextId > largestStreamId)
      this.#retire('the connection has had all the streams that it can have')
  }

  #sendOn(stream: Http2Stream): void {
    if (stream.id === 0) return
    this.#outflow.send(stream)
    this.#transport.flush()
  }

  #openWaiting(): void {
    for (const stream of this.#waiting) {
      if (this.#streams.size >= this.#maxStreams) return
      this.#waiting.delete(stream)
      this.#open(stream)
    }
  }

  #finish(stream: Http2Stream, end: StreamEnd): void {
    if (stream.closed) return
    this.#leave(stream)
    stream.events.onEnd(end)
  }

  /** A stream is over. */
  #leave(stream: Http2Stream): void {
    stream.closed = true
    this.#waiting.delete(stream)
    if (!this.#streams.delete(stream.id)) return
    this.#outflow.forget(stream)
    if (this.#closed) return
    // Answered before the request has been read: nobody waits for the rest.
    if (!stream.localEnded) this.#reset(stream)
    this.#openWaiting()
    this.#endWhenDone()
  }

  #reset(stream: Http2Stream): void {
    stream.localEnded = true
    this.#transport.push(makeNumbersFrame(frameType.resetStream, stream.id, errorCode.cancel))
  }

  #endWhenDone(): void {
    if (this.#retired !== '' && this.#streams.size === 0) this.#transport.end()
  }
}

/** Whether the final one is still to come (RFC 9113, 8.1). @throws ProtocolError where it is no response at all */
function isInterimResponse({ fields: [first], endStream }: HeaderBlock): boolean {
  if (first?.[0] !== ':status') violated('an answer without a status')
  const isInterim = first[1].startsWith('1')
  if (isInterim && endStream) violated('an interim answer and nothing after it')
  return isInterim
}
