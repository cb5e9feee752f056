import { encodeSuffix, withSuffix } from './request-suffix.ts'
import type { OnResponse, Outgoing, Sender } from './sender.ts'
import type { Sequence, SequenceSource } from './sequences.ts'
import type { RequestEnd } from './unary-call.ts'

/** A sequence that has begun and not ended. */
interface Live {
  readonly sequence: Sequence & { readonly release: () => void }
  sent: number
  /** Its last request, or the one that ends it early, has been sent. */
  over: boolean
}

/**
 * One live sequence after the other, as a connection that the drivers send through: it puts into each request which
 * one of its sequence it is. In a closed loop each outstanding request is one such slot.
 */
export class SequenceSender implements Sender {
  /** Requests sent only to end a sequence early, which no driver knows of. */
  closings = 0
  readonly #through: Sender
  readonly #source: SequenceSource
  readonly #requests: readonly Outgoing[]
  readonly #serial: boolean
  #live: Live | null = null
  #begun = 0
  #outstanding = 0
  #stopped = false
  #closing = 0
  #onClosed: (() => void) | null = null

  constructor(through: Sender, source: SequenceSource, requests: readonly Outgoing[], serial: boolean) {
    this.#through = through
    this.#source = source
    this.#requests = requests
    this.#serial = serial
  }

  get ready(): boolean {
    return this.#through.ready
  }

  get resting(): boolean {
    return this.#through.resting
  }

  get hasRoom(): boolean {
    return this.#serial && this.#outstanding > 0 ? false : this.#through.hasRoom
  }

  get lastError(): string {
    return this.#through.lastError
  }

  whenSettled(callback: () => void): void {
    this.#through.whenSettled(callback)
  }

  wake(): void {
    this.#through.wake()
  }

  /** Sends the next request of the sequence, or the first of the next one; the request is the sequence's own, whatever is given. */
  send(_request: Outgoing, onEnd: RequestEnd, onResponse?: OnResponse): () => void {
    const live = this.#live ?? this.#begin()
    const end = live.sent + 1 >= live.sequence.length
    const request = this.#request(live, end)
    this.#outstanding++
    const landed = (failed: boolean) => {
      this.#outstanding--
      if (end) live.sequence.release()
      else if (failed) this.#breakOff(live)
      if (this.#stopped) this.#endLive()
    }
    const cancel = this.#through.send(
      request,
      (failure, message, endNs, wrongOutput) => {
        landed(failure !== null)
        onEnd(failure, message, endNs, wrongOutput)
      },
      onResponse,
    )
    return () => {
      landed(true)
      cancel()
    }
  }

  /**
   * Ends the live sequence, behind what is under way of it. At once, not when all others have stopped too: they may be
   * waiting in the server for the slot that this one holds.
   */
  stop(): void {
    this.#stopped = true
    this.#endLive()
  }

  /** Waits until the sequences that were ended early are gone from the server, for `patienceMs` at most. */
  async finish(patienceMs: number): Promise<void> {
    if (this.#closing === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      this.#onClosed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #endLive(): void {
    if (this.#outstanding === 0 && this.#live !== null) this.#breakOff(this.#live)
  }

  #begin(): Live {
    this.#live = { sequence: this.#source.begin(this.#begun++ === 0), sent: 0, over: false }
    return this.#live
  }

  #request(live: Live, end: boolean): Outgoing {
    const { id, frameOf } = live.sequence
    const request = this.#requests[frameOf(live.sent)]
    if (request === undefined) throw new RangeError('a target without frames')
    const suffix = encodeSuffix({ sequence: { id, start: live.sent === 0, end } })
    live.sent++
    if (end) {
      live.over = true
      this.#live = null
    }
    return { frame: withSuffix(request.frame, suffix), check: request.check }
  }

  /**
   * Ends a sequence before its time with one more request, as perf_analyzer does: the server would keep its state and its slot
   * until max_sequence_idle_microseconds. What becomes of that request is nobody's measurement.
   */
  #breakOff(live: Live): void {
    if (live.over) return
    if (!this.#through.ready) {
      live.over = true
      this.#live = null
      live.sequence.release()
      return
    }
    const request = this.#request(live, true)
    this.closings++
    this.#closing++
    this.#through.send(request, () => {
      live.sequence.release()
      if (--this.#closing === 0) this.#onClosed?.()
    })
  }
}
