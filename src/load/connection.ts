import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { tlsOptions } from '../domain/endpoint.ts'
import { nowNs } from './clock.ts'
import { statusMessage, statusName } from './grpc-status.ts'
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

/**
 * Room for large outputs. HTTP/2's default of 65 535 bytes would make each of them wait for window updates,
 * and so measure this client. A stream's room, and a connection's that is shared by several streams.
 */
const streamWindowBytes = 16 * 1024 * 1024
const connectionWindowBytes = 4 * streamWindowBytes

/** MB. Node refuses streams beyond its default of 10 MB, which few large requests in flight reach. */
const maxSessionMemory = 4096

/**
 * Streams at a time where the peer sets no lower limit. Against an overloaded server an open loop would
 * otherwise pile up streams until memory ends. What is above waits here, its latency running from its due time.
 */
const maxStreams = 4096

const uint32Max = 2 ** 32 - 1

const service = '/inference.GRPCInferenceService'

/** A stream, and what became of it where it closed without a gRPC status. */
export interface OpenedStream {
  readonly stream: ClientHttp2Stream
  readonly fate: () => [failure: string, message: string]
}

/** A gRPC response has at least the frame prefix of its one message. */
const minResponseBytes = 5

/** One HTTP/2 connection to a target, connected again when it is lost. */
export class Connection implements Sender {
  /** Why the last attempt failed or the connection was lost. */
  lastError = ''
  readonly #url: string
  readonly #tls: ReturnType<typeof tlsOptions>
  readonly #headers: OutgoingHttpHeaders
  #state: 'idle' | 'connecting' | 'ready' | 'resting' | 'closed' = 'idle'
  #session: ClientHttp2Session | null = null
  #readySinceNs = 0
  #streamLimit = maxStreams
  #active = 0
  #waiting: (() => void)[] = []

  constructor(target: LoadTarget) {
    const host = target.host.includes(':') ? `[${target.host}]` : target.host
    this.#url = `${target.tls ? 'https' : 'http'}://${host}:${target.port}`
    this.#tls = tlsOptions(target)
    this.#headers = {
      ':method': 'POST',
      ':path': `${service}/ModelInfer`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...target.metadata,
    }
  }

  get ready(): boolean {
    return (
      this.#state === 'ready' && this.#session !== null && !this.#session.closed && !this.#session.destroyed
    )
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
    this.#session?.destroy()
    this.#settle()
  }

  /**
   * Sends one request. Only to be called while `ready`. Returns how to give it up: nothing is called back then.
   * Latency runs until the trailers (or headers of an answer without a body) that carry `grpc-status` are here.
   */
  send({ frame, check }: Outgoing, onEnd: RequestEnd): () => void {
    const session = this.#session
    if (session === null) throw new Error('send() on a connection that is not ready')
    const stream = session.request(this.#headers)
    let open = true
    let responseBytes = 0
    const chunks: Buffer[] = []
    let httpStatus: number | undefined
    this.#active++

    const end = (failure: string | null, message: string) => {
      if (!open) return
      open = false
      this.#active--
      // An answer before the request has been read leaves the stream half open: it must not take up room.
      if (failure !== null && !stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL)
      const endNs = nowNs()
      if (failure !== null || check === null) onEnd(failure, message, endNs)
      else onEnd(null, '', endNs, () => check(() => onlyMessage(chunks)))
    }
    const judge = (headers: IncomingHttpHeaders) => {
      const status = statusOf(headers)
      if (status === null) return
      if (status.name !== 'OK') end(status.name, status.message)
      else if (responseBytes >= minResponseBytes) end(null, '')
      else end('INTERNAL', 'status OK without a response message')
    }
    stream.on('response', (headers) => {
      httpStatus = headers[':status']
      judge(headers)
    })
    stream.on('data', (chunk: Buffer) => {
      responseBytes += chunk.length
      if (check !== null) chunks.push(chunk)
    })
    stream.on('trailers', judge)
    // 'close' follows and tells what became of it.
    stream.on('error', () => undefined)
    stream.on('close', () => {
      if (open) end(...lostStream(session, stream, httpStatus, this.lastError))
    })
    stream.end(frame)
    return () => {
      if (!open) return
      open = false
      this.#active--
      stream.close(constants.NGHTTP2_CANCEL)
    }
  }

  /** Opens a bidirectional call. Only to be called while `ready`. It takes up room until it is closed. */
  openStream(method: string): OpenedStream {
    const session = this.#session
    if (session === null) throw new Error('openStream() on a connection that is not ready')
    const stream = session.request({ ...this.#headers, ':path': `${service}/${method}` })
    let httpStatus: number | undefined
    this.#active++
    stream.once('response', (headers) => {
      httpStatus = headers[':status']
    })
    stream.once('close', () => this.#active--)
    return { stream, fate: () => lostStream(session, stream, httpStatus, this.lastError) }
  }

  #connect(): void {
    this.#state = 'connecting'
    this.lastError = ''
    const session = connect(this.#url, {
      ...this.#tls,
      maxSessionMemory,
      // As if the peer had set it: it holds only until the peer sets its own.
      peerMaxConcurrentStreams: uint32Max,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    })
    this.#session = session
    const timeout = setTimeout(() => {
      const asked = this.#url.startsWith('https') && this.#tls.cert === undefined
      this.lastError ||=
        `no HTTP/2 answer within ${connectTimeoutMs / 1000} s` +
        (asked ? '; does it ask for a client certificate?' : '')
      session.destroy()
      // Node does not close a session whose TLS handshake the server has broken off.
      this.#lost(session)
    }, connectTimeoutMs)
    session.on('remoteSettings', (settings) => {
      this.#streamLimit = Math.min(maxStreams, settings.maxConcurrentStreams ?? maxStreams)
      if (this.#session !== session || this.#state !== 'connecting') return
      clearTimeout(timeout)
      session.setLocalWindowSize(connectionWindowBytes)
      this.#state = 'ready'
      this.#readySinceNs = nowNs()
      this.#settle()
    })
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.lastError = error.code === undefined ? error.message : `${error.code}: ${error.message}`
    })
    session.on('goaway', (code) => {
      this.lastError = `the server sent GOAWAY with code ${code}`
      this.#lost(session)
    })
    session.on('close', () => {
      clearTimeout(timeout)
      this.#lost(session)
    })
  }

  #lost(session: ClientHttp2Session): void {
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

/** The gRPC status in headers or trailers; null where they hold none. */
export function statusOf(
  headers: IncomingHttpHeaders,
): { readonly name: string; readonly message: string } | null {
  const status = headers['grpc-status']
  if (typeof status !== 'string') return null
  return { name: statusName(status), message: statusMessage(String(headers['grpc-message'] ?? '')) }
}

/** What became of a stream that closed without a gRPC status. */
function lostStream(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  httpStatus: number | undefined,
  lastError: string,
): [failure: string, message: string] {
  if (session.destroyed || session.closed) return ['connection', lastError || 'the connection was closed']
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR)
    return ['reset', `the server reset the stream with code ${stream.rstCode}`]
  const status = httpStatus === undefined ? '' : ` (HTTP status ${httpStatus})`
  return ['UNKNOWN', `the answer ended without grpc-status${status}`]
}
