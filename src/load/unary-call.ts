import type { Field } from '../http2/hpack.ts'
import type { StreamEnd, StreamEvents } from '../http2/stream.ts'
import { nowNs } from './clock.ts'
import { fateOf, fieldValue, statusOf } from './grpc-status.ts'
import type { AnswerCheck } from './output-check.ts'

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

/** Whether it is compressed, and its length in four bytes (gRPC over HTTP/2, Length-Prefixed-Message). */
const framePrefixBytes = 5

/** One request and its answer. */
export class UnaryCall implements StreamEvents {
  readonly #check: AnswerCheck | null
  readonly #onOver: () => void
  readonly #onEnd: RequestEnd
  readonly #chunks: Buffer[] = []
  /** Of the answer: what has come, and what its prefix says of its one message. */
  #bytes = 0
  #compressed = 0
  #messageBytes = 0
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

  onHeaders(fields: readonly Field[], isLast: boolean): void {
    this.#httpStatus ??= fieldValue(fields, ':status')
    const status = isLast ? statusOf(fields) : null
    if (status === null) return
    if (status.name === 'OK') this.#end(...this.#successOrNot())
    else this.#end(status.name, status.message)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    let at = start
    for (; at < end && this.#bytes < framePrefixBytes; at++) {
      if (this.#bytes++ === 0) this.#compressed = bytes[at] ?? 0
      else this.#messageBytes = this.#messageBytes * 256 + (bytes[at] ?? 0)
    }
    this.#bytes += end - at
    // Of an answer that comes a few bytes at a time nothing is known yet: then it is read.
    const isKnown = this.#bytes >= framePrefixBytes
    this.#keeps ??= this.#check?.mustRead(isKnown ? this.#messageBytes : Number.NaN) ?? false
    if (this.#keeps) this.#chunks.push(Buffer.from(bytes.subarray(start, end)))
  }

  onEnd(end: StreamEnd): void {
    if (this.#open) this.#end(...fateOf(end, this.#httpStatus))
  }

  /** Of status OK: the answer must also be one whole message, which is what a fast server that cuts it off has not sent. */
  #successOrNot(): [failure: string | null, message: string] {
    if (this.#httpStatus !== '200') return ['UNKNOWN', `status OK under HTTP status ${this.#httpStatus}`]
    if (this.#bytes < framePrefixBytes) return ['INTERNAL', 'status OK without a response message']
    if (this.#compressed !== 0) return ['INTERNAL', 'a compressed response, which nobody asked for']
    const wanted = framePrefixBytes + this.#messageBytes
    if (this.#bytes === wanted) return [null, '']
    return ['INTERNAL', `a response of ${this.#bytes} bytes whose one message takes ${wanted}`]
  }

  #end(failure: string | null, message: string): void {
    const endNs = nowNs()
    if (!this.giveUp()) return
    const check = this.#check
    if (failure !== null || check === null || this.#keeps !== true) this.#onEnd(failure, message, endNs)
    else this.#onEnd(null, '', endNs, () => check.judge(() => this.#message()))
  }

  #message(): Buffer {
    return Buffer.concat(this.#chunks).subarray(framePrefixBytes)
  }
}
