import { tlsOptions } from '../domain/endpoint.ts'
import type { Field } from '../http2/hpack.ts'
import { Http2Session } from '../http2/session.ts'
import type { StreamEnd, StreamEvents } from '../http2/stream.ts'
import { nowNs } from './clock.ts'
import { statusMessage, statusName } from './grpc-status.ts'
import type { AnswerCheck } from './output-check.ts'
import type { LoadTarget } from './protocol.ts'
import type { Outgoing, Sender } from './sender.ts'
import { onlyMessage } from './stream-response.ts'

/**
 * How a request ended: null is success, else a gRPC status name, `reset`, `deadline` or `connection`. `wrongOutput` compares
 * the answer of a success whose outputs are checked: after the end, so that it is in no latency.
 */
export type RequestEnd = (
  failure: string | null,
  message: string,
  endNs: number,
  wrongOutput?: () => string | null,
) => void

/** A pause between attempts to connect: a server that is gone must not be hammered, one that is back is soon found. */
const restMs = 50

/** Longer than a TCP and TLS handshake across the world; ends an attempt that nobody answers. */
const connectTimeoutMs = 5000

/** What becomes of a handshake that the server breaks off, as it does without a certificate that it asks for. */
const brokenOff = /ALERT|ECONNRESET|EPROTO|closed|no HTTP/

/**
 * Streams at a time where the peer sets no lower limit. Against an overloaded server an open loop would
 * otherwise pile up streams until memory ends. What is above waits here, its latency running from its due time.
 */
const maxStreams = 4096

const service = '/inference.GRPCInferenceService'

/** A bidirectional call. */
export interface OpenedStream {
  /** Its connection takes further streams: it is not lost or closing (GOAWAY). */
  readonly isOnLiveConnection: () => boolean
  readonly write: (frame: Buffer) => void
  readonly end: () => void
  /** Gives it up: nothing is called back then. */
  readonly cancel: () => void
}

/** What a bidirectional call is told. */
export interface StreamReceiver {
  readonly onStatus: (status: GrpcStatus) => void
  /** The receiver's to keep. */
  readonly onData: (chunk: Buffer) => void
  /** Once, at its end, with what became of it if it had no status. */
  readonly onClose: (failure: string, message: string) => void
}

/** A gRPC response has at least the frame prefix of its one message. */
const framePrefixBytes = 5

/** One HTTP/2 connection to a target, connected again when it is lost. */
export class Connection implements Sender {
  /** Why the last attempt failed or the connection was lost. */
  lastError = ''
  readonly #target: LoadTarget
  readonly #fields: readonly Field[]
  readonly #streamFields = new Map<string, readonly Field[]>()
  #state: 'idle' | 'connecting' | 'ready' | 'resting' | 'closed' = 'idle'
  #session: Http2Session | null = null
  #readySinceNs = 0
  #streamLimit = maxStreams
  #active = 0
  #waiting: (() => void)[] = []

  constructor(target: LoadTarget) {
    this.#target = target
    this.#fields = requestFields(target, 'ModelInfer')
  }

  get ready(): boolean {
    return this.#state === 'ready' && this.#session?.isOpen === true
  }

  /** The last attempt failed and the next is not yet made. */
  get resting(): boolean {
    return this.#state === 'resting'
  }

  get hasRoom(): boolean {
    return this.#active < this.#streamLimit
  }

  /** As the peer set it, at most 4096. */
  get streamLimit(): number {
    return this.#streamLimit
  }

  /** Calls back once when this is ready or the next attempt to be has failed; connects if nothing else does. */
  whenSettled(callback: () => void): void {
    this.#waiting.push(callback)
    this.wake()
  }

  /** Connects unless it is connected, connecting or resting. */
  wake(): void {
    if (this.#state === 'ready' && !this.ready && this.#session !== null) this.#lost(this.#session)
    if (this.#state === 'idle') this.#connect()
    else if (this.#state === 'ready' || this.#state === 'closed') this.#settle()
  }

  close(): void {
    this.#state = 'closed'
    this.#session?.destroy('the connection was closed')
    this.#settle()
  }

  /**
   * Sends one request. Only to be called while `ready`. Returns how to give it up: nothing is called back then.
   * Latency runs until the trailers (or headers of an answer without a body) that carry `grpc-status` are here.
   */
  send({ frame, check }: Outgoing, onEnd: RequestEnd): () => void {
    const session = this.#session
    if (session === null) throw new Error('send() on a connection that is not ready')
    this.#active++
    const call = new UnaryCall(check, () => this.#active--, onEnd)
    const stream = session.request(this.#fields, frame, true, call)
    return () => {
      if (!call.giveUp()) return
      session.cancel(stream)
    }
  }

  /** Opens a bidirectional call. Only to be called while `ready`. It takes up room until it is closed. */
  openStream(method: string, { onStatus, onData, onClose }: StreamReceiver): OpenedStream {
    const session = this.#session
    if (session === null) throw new Error('openStream() on a connection that is not ready')
    const fields = this.#streamFields.get(method) ?? requestFields(this.#target, method)
    this.#streamFields.set(method, fields)
    let httpStatus: string | undefined
    let open = true
    this.#active++
    const close = () => {
      if (!open) return
      open = false
      this.#active--
    }
    const stream = session.request(fields, null, false, {
      onHeaders: (headers) => {
        httpStatus ??= fieldValue(headers, ':status')
        const status = statusOf(headers)
        if (status !== null) onStatus(status)
      },
      onData: (bytes, start, end) => onData(Buffer.from(bytes.subarray(start, end))),
      onEnd: (end) => {
        close()
        onClose(...fateOf(end, httpStatus))
      },
    })
    return {
      isOnLiveConnection: () => session.isOpen,
      write: (frame) => session.write(stream, frame),
      end: () => session.end(stream),
      cancel: () => {
        close()
        session.cancel(stream)
      },
    }
  }

  #connect(): void {
    this.#state = 'connecting'
    this.lastError = ''
    const { host, port, tls } = this.#target
    const options = tls ? tlsOptions(this.#target) : null
    const session = new Http2Session(host, port, options, {
      onSettings: (maxConcurrentStreams) => {
        this.#streamLimit = Math.min(maxStreams, maxConcurrentStreams)
        if (this.#session !== session || this.#state !== 'connecting') return
        clearTimeout(timeout)
        this.#state = 'ready'
        this.#readySinceNs = nowNs()
        this.#settle()
      },
      onGoAway: (reason) => {
        this.lastError = reason
        this.#lost(session)
      },
      onClose: (reason) => {
        clearTimeout(timeout)
        const withoutCertificate = options !== null && options.cert === undefined
        const mayAsk = this.#state === 'connecting' && withoutCertificate && brokenOff.test(reason)
        if (this.#session === session)
          this.lastError = mayAsk ? `${reason}; does it ask for a client certificate?` : reason
        this.#lost(session)
      },
    })
    this.#session = session
    const timeout = setTimeout(
      () => session.destroy(`no HTTP/2 answer within ${connectTimeoutMs / 1000} s`),
      connectTimeoutMs,
    )
  }

  #lost(session: Http2Session): void {
    if (this.#session !== session || this.#state === 'closed') return
    this.#session = null
    const lived = this.#state === 'ready' && nowNs() - this.#readySinceNs > restMs * 1e6
    if (lived) {
      this.#state = 'idle'
      if (this.#waiting.length > 0) this.#connect()
      return
    }
    this.#state = 'resting'
    setTimeout(() => {
      if (this.#state !== 'resting') return
      this.#state = 'idle'
      if (this.#waiting.length > 0) this.#connect()
    }, restMs)
    this.#settle()
  }

  #settle(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const callback of waiting) callback()
  }
}

/** One request and its answer. */
class UnaryCall implements StreamEvents {
  readonly #check: AnswerCheck | null
  readonly #onOver: () => void
  readonly #onEnd: RequestEnd
  readonly #chunks: Buffer[] = []
  #responseBytes = 0
  /** Whether the answer is kept to be read; null before its first bytes. */
  #keeps: boolean | null = null
  #httpStatus: string | undefined
  #open = true

  /** @param onOver before `onEnd`, and when it is given up */
  constructor(check: AnswerCheck | null, onOver: () => void, onEnd: RequestEnd) {
    this.#check = check
    this.#onOver = onOver
    this.#onEnd = onEnd
  }

  /** Whether it was still to be answered. */
  giveUp(): boolean {
    if (!this.#open) return false
    this.#open = false
    this.#onOver()
    return true
  }

  onHeaders(fields: readonly Field[]): void {
    this.#httpStatus ??= fieldValue(fields, ':status')
    const status = statusOf(fields)
    if (status === null) return
    if (status.name !== 'OK') this.#end(status.name, status.message)
    else if (this.#responseBytes >= framePrefixBytes) this.#end(null, '')
    else this.#end('INTERNAL', 'status OK without a response message')
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#responseBytes += end - start
    // Of an answer that comes a few bytes at a time nothing is known yet: then it is read.
    const hasLength = end - start >= framePrefixBytes
    this.#keeps ??= this.#check?.mustRead(hasLength ? bytes.readUInt32BE(start + 1) : Number.NaN) ?? false
    if (this.#keeps) this.#chunks.push(Buffer.from(bytes.subarray(start, end)))
  }

  onEnd(end: StreamEnd): void {
    if (this.#open) this.#end(...fateOf(end, this.#httpStatus))
  }

  #end(failure: string | null, message: string): void {
    const endNs = nowNs()
    if (!this.giveUp()) return
    const check = this.#check
    if (failure !== null || check === null || this.#keeps !== true) this.#onEnd(failure, message, endNs)
    else this.#onEnd(null, '', endNs, () => check.judge(() => onlyMessage(this.#chunks)))
  }
}

function requestFields({ host, port, tls, metadata }: LoadTarget, method: string): readonly Field[] {
  return [
    [':method', 'POST'],
    [':scheme', tls ? 'https' : 'http'],
    [':path', `${service}/${method}`],
    [':authority', `${host.includes(':') ? `[${host}]` : host}:${port}`],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...Object.entries(metadata ?? {}).map(([name, value]): Field => [name.toLowerCase(), value]),
  ]
}

const fieldValue = (fields: readonly Field[], name: string) => fields.find((field) => field[0] === name)?.[1]

export interface GrpcStatus {
  readonly name: string
  readonly message: string
}

/** The gRPC status in headers or trailers; null where they hold none. */
function statusOf(fields: readonly Field[]): GrpcStatus | null {
  const status = fieldValue(fields, 'grpc-status')
  if (status === undefined) return null
  return { name: statusName(status), message: statusMessage(fieldValue(fields, 'grpc-message') ?? '') }
}

/** What became of a stream that ended without a gRPC status. */
function fateOf(end: StreamEnd, httpStatus: string | undefined): [failure: string, message: string] {
  switch (end.kind) {
    case 'lost':
      return ['connection', end.reason]
    case 'reset':
      return ['reset', `the server reset the stream with code ${end.code}`]
    case 'ended': {
      const status = httpStatus === undefined ? '' : ` (HTTP status ${httpStatus})`
      return ['UNKNOWN', `the answer ended without grpc-status${status}`]
    }
    default:
      return end satisfies never
  }
}
