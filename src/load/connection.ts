import { tlsOptions } from '../domain/endpoint.ts'
import type { Field } from '../http2/hpack.ts'
import { Http2Session } from '../http2/session.ts'
import { nowNs } from './clock.ts'
import { fateOf, fieldValue, type GrpcStatus, statusOf } from './grpc-status.ts'
import type { LoadTarget } from './protocol.ts'
import type { Outgoing, Sender } from './sender.ts'
import { type RequestEnd, UnaryCall } from './unary-call.ts'

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
   * Latency runs until the headers with which the answer ends, which carry `grpc-status`, are here.
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
      onHeaders: (headers, isLast) => {
        httpStatus ??= fieldValue(headers, ':status')
        const status = isLast ? statusOf(headers) : null
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
        if (this.#session !== session) return
        this.#streamLimit = Math.min(maxStreams, maxConcurrentStreams)
        if (this.#state !== 'connecting') return
        clearTimeout(timeout)
        this.#state = 'ready'
        this.#readySinceNs = nowNs()
        this.#settle()
      },
      onGoAway: (reason) => {
        if (this.#session === session) this.lastError = reason
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
