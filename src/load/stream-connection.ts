import { nowNs } from './clock.ts'
import type { Connection, OpenedStream } from './connection.ts'
import type { GrpcStatus } from './grpc-status.ts'
import type { AnswerCheck } from './output-check.ts'
import { encodeSuffix, withSuffix } from './request-suffix.ts'
import type { OnResponse, Outgoing, Sender } from './sender.ts'
import { MessageReader, readStreamResponse, type StreamResponse } from './stream-response.ts'
import type { RequestEnd } from './unary-call.ts'

/** A request on its way over a stream. */
interface Pending {
  readonly onEnd: RequestEnd
  readonly onResponse: OnResponse | undefined
  /** The last response with data; null before the first. */
  lastNs: number | null
  readonly check: AnswerCheck | null
  /** The first response with data, where it is to be checked. */
  answer: Buffer | null
  /** What an error response said, where others may follow it. */
  error: string | null
}

/** One bidirectional call of ModelStreamInfer. */
interface Lane {
  readonly stream: OpenedStream
  /** By request id. */
  readonly pending: Map<string, Pending>
  usable: boolean
}

/** Triton's answer to a streamed request that failed has a message and no status: this is gRPC's name for that. */
const noStatus = 'UNKNOWN'

/** A ModelInferResponse for a request that was answered with nothing. */
const noOutputs = Buffer.alloc(0)

/**
 * Sends requests over ModelStreamInfer. Each outstanding request has a stream for itself, which the next one takes over:
 * Triton answers the requests of one stream to a model that is not decoupled in their order, so that those that
 * share one would wait for each other.
 */
export class StreamConnection implements Sender {
  readonly #connection: Connection
  readonly #decoupled: boolean
  readonly #idle: Lane[] = []
  /** The only lane, where requests must arrive in their order. */
  readonly #ordered: boolean
  #shared: Lane | null = null
  #lastId = 0

  /** @param options `ordered`: all requests go over one stream, in their order */
  constructor(connection: Connection, options: { readonly decoupled: boolean; readonly ordered?: boolean }) {
    this.#connection = connection
    this.#decoupled = options.decoupled
    this.#ordered = options.ordered ?? false
  }

  get ready(): boolean {
    return this.#connection.ready
  }

  get resting(): boolean {
    return this.#connection.resting
  }

  get hasRoom(): boolean {
    return this.#idle.length > 0 || this.#shared !== null || this.#connection.hasRoom
  }

  get lastError(): string {
    return this.#connection.lastError
  }

  whenSettled(callback: () => void): void {
    this.#connection.whenSettled(callback)
  }

  wake(): void {
    this.#connection.wake()
  }

  /**
   * Ends with the final response. Latency runs until the last response with data, or until the final one where there was
   * none: a model may answer a request with nothing.
   */
  send({ frame, check }: Outgoing, onEnd: RequestEnd, onResponse?: OnResponse): () => void {
    const lane = this.#takeLane()
    const requestId = String(++this.#lastId)
    lane.pending.set(requestId, { onEnd, onResponse, lastNs: null, check, answer: null, error: null })
    lane.stream.write(withSuffix(frame, encodeSuffix({ requestId, emptyFinalResponse: this.#decoupled })))
    return () => {
      if (!lane.pending.delete(requestId)) return
      // Ends the request on the server too; a stream that carries others as well only forgets it.
      if (lane.pending.size === 0) this.#drop(lane)
    }
  }

  /** Ends its streams; the connection stays. */
  close(): void {
    for (const lane of [...this.#idle.splice(0), ...(this.#shared === null ? [] : [this.#shared])])
      lane.stream.end()
    this.#shared = null
  }

  #takeLane(): Lane {
    if (this.#ordered) {
      if (this.#shared?.usable !== true) this.#shared = this.#openLane()
      return this.#shared
    }
    for (;;) {
      const lane = this.#idle.pop()
      if (lane === undefined) return this.#openLane()
      // Its session may be closing (GOAWAY): what is under way there may end, nothing new may begin.
      if (lane.usable && lane.stream.isOnLiveConnection()) return lane
      lane.stream.end()
    }
  }

  #openLane(): Lane {
    const reader = new MessageReader()
    let status: GrpcStatus | null = null
    const stream = this.#connection.openStream('ModelStreamInfer', {
      onStatus: (given) => {
        status = given
      },
      onData: (chunk) => {
        const atNs = nowNs()
        try {
          for (const message of reader.push(chunk)) this.#receive(lane, readStreamResponse(message), atNs)
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
          this.#drop(lane)
          this.#failAll(lane, 'INTERNAL', `the response cannot be read: ${error.message}`)
        }
      },
      onClose: (failure, message) => {
        lane.usable = false
        this.#failAll(lane, ...whyClosed(status, failure, message))
      },
    })
    const lane: Lane = { stream, pending: new Map(), usable: true }
    return lane
  }

  #receive(lane: Lane, message: StreamResponse, atNs: number): void {
    const { requestId, error, final, hasData, response } = message
    // An error may come without the id of its request.
    const [oldest = ''] = requestId === '' ? lane.pending.keys() : []
    const id = requestId === '' ? oldest : requestId
    const pending = lane.pending.get(id)
    // Late, after it was given up.
    if (pending === undefined) return
    if (error !== null) pending.error ??= error
    else if (hasData) {
      pending.lastNs = atNs
      if (pending.check?.mustRead(response.length) === true) pending.answer ??= response
      pending.onResponse?.(atNs)
    }
    const over = this.#decoupled ? final === true || (error !== null && final === null) : true
    if (!over) return
    lane.pending.delete(id)
    if (lane.usable && lane.pending.size === 0 && !this.#ordered) this.#idle.push(lane)
    const { check, answer, lastNs } = pending
    const judged = check !== null && (answer !== null || lastNs === null)
    const wrongOutput = judged ? () => check.judge(() => answer ?? noOutputs) : undefined
    if (pending.error === null) pending.onEnd(null, '', lastNs ?? atNs, wrongOutput)
    else pending.onEnd(noStatus, pending.error, atNs)
  }

  #drop(lane: Lane): void {
    lane.usable = false
    lane.stream.cancel()
  }

  #failAll(lane: Lane, failure: string, message: string): void {
    const atNs = nowNs()
    const pending = [...lane.pending.values()]
    lane.pending.clear()
    for (const { onEnd } of pending) onEnd(failure, message, atNs)
  }
}

function whyClosed(status: GrpcStatus | null, failure: string, message: string): [string, string] {
  if (status === null) return [failure, message]
  return status.name === 'OK'
    ? ['UNKNOWN', 'the server ended the stream before it had answered']
    : [status.name, status.message]
}
