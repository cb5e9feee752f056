import { fromHrtime, hrtimeOf } from './clock.ts'
import type { WindowOptions } from './protocol.ts'
import { Tally, tallyMemory } from './tally.ts'

/** Which part of a run a request belongs to, by the time it is sent (in an open loop: due). */
export type Phase = 'leadIn' | 'window' | 'leadOut'

/**
 * Lead-in → window → lead-out, by times alone: whoever calls tells what time it is. The window is half-open,
 * [startNs, endNs), so that a completion that ends it is not counted in it.
 */
export class Phases {
  readonly #counted: boolean
  #startNs: number
  readonly #plannedEndNs: number
  readonly #limitNs: number
  readonly #minRequests: number
  readonly #onOpen: () => void
  readonly #onClose: () => void
  #endNs: number | null = null
  #opened = false
  #hasRequests = false
  readonly #tally: Tally

  /** @param startNs when the lead-in begins @param tally shared with the other threads of the run */
  constructor(
    startNs: number,
    options: WindowOptions,
    onOpen: () => void,
    onClose: () => void,
    tally: Tally = new Tally(tallyMemory()),
  ) {
    this.#counted = options.requestCount !== undefined
    const durationNs = this.#counted ? Number.POSITIVE_INFINITY : options.durationNs
    this.#startNs = this.#counted ? startNs : startNs + options.leadInNs
    this.#plannedEndNs = this.#startNs + durationNs
    this.#limitNs = this.#startNs + Math.max(durationNs, options.maxDurationNs ?? durationNs)
    this.#minRequests = options.minRequests ?? 0
    this.#onOpen = onOpen
    this.#onClose = onClose
    this.#tally = tally
  }

  get startNs(): number {
    return this.#startNs
  }

  /** null until the window has ended. */
  get endNs(): number | null {
    return this.#endNs
  }

  /** The phase at `atNs`, after opening or closing the window if it is time. Must be told of every event, in order. */
  at(atNs: number): Phase {
    if (atNs < this.#startNs) return 'leadIn'
    if (!this.#opened) {
      this.#opened = true
      this.#onOpen()
    }
    if (this.#endNs === null) {
      if (!this.#isOver(atNs)) return 'window'
      this.#endNs = this.#agreedEnd(atNs)
      this.#onClose()
    }
    // In an open loop a request can still be due inside a window that has ended.
    return atNs < this.#endNs ? 'window' : 'leadOut'
  }

  /** A request of the window was sent (due) at `atNs`. */
  countRequest(atNs: number): void {
    if (this.#counted && !this.#hasRequests) this.#startNs = atNs
    this.#hasRequests = true
    if (this.#minRequests > 0) this.#tally.countRequest(atNs >= this.#plannedEndNs)
  }

  /** A number of requests has been sent and has ended, the last one at `atNs`. */
  finish(atNs: number): void {
    if (!this.#counted || this.#endNs !== null) return
    // Without any request it is empty, but no length of zero: rates are made from it.
    this.#endNs = Math.max(atNs, this.#startNs + 1)
    this.#onClose()
  }

  /** Whether something that happened at `atNs` lies in the window. */
  includes(atNs: number): boolean {
    return atNs >= this.#startNs && (this.#endNs === null || atNs < this.#endNs)
  }

  #isOver(atNs: number): boolean {
    if (atNs < this.#plannedEndNs) return false
    return this.#tally.requests >= this.#minRequests || atNs >= this.#limitNs
  }

  #agreedEnd(atNs: number): number {
    if (this.#minRequests === 0) return this.#plannedEndNs
    const prolonged = this.#tally.prolonged || this.#tally.requests < this.#minRequests
    const ownNs = prolonged ? Math.min(atNs, this.#limitNs) : this.#plannedEndNs
    const own = hrtimeOf(ownNs)
    const agreed = this.#tally.agreeOnEnd(own)
    return agreed === own ? ownNs : fromHrtime(agreed)
  }
}
