import type { WindowOptions } from './protocol.ts'

/** Which part of a run a request belongs to, by the time it is sent (in an open loop: due). */
export type Phase = 'leadIn' | 'window' | 'leadOut'

/**
 * Lead-in → window → lead-out, by times alone: whoever calls tells what time it is. The window is half-open,
 * [startNs, endNs), so that a completion that ends it is not counted in it.
 */
export class Phases {
  readonly startNs: number
  readonly #plannedEndNs: number
  readonly #limitNs: number
  readonly #minRequests: number
  readonly #onOpen: () => void
  readonly #onClose: () => void
  #endNs: number | null = null
  #opened = false
  #requests = 0
  #lastRequestNs = 0

  constructor(nowNs: number, options: WindowOptions, onOpen: () => void, onClose: () => void) {
    this.startNs = nowNs + options.leadInNs
    this.#plannedEndNs = this.startNs + options.durationNs
    this.#limitNs = this.startNs + Math.max(options.durationNs, options.maxDurationNs ?? options.durationNs)
    this.#minRequests = options.minRequests ?? 0
    this.#onOpen = onOpen
    this.#onClose = onClose
  }

  /** null until the window has ended. */
  get endNs(): number | null {
    return this.#endNs
  }

  /** The phase at `atNs`, after opening or closing the window if it is time. Must be told of every event, in order. */
  at(atNs: number): Phase {
    if (atNs < this.startNs) return 'leadIn'
    if (!this.#opened) {
      this.#opened = true
      this.#onOpen()
    }
    if (this.#endNs === null) {
      const wanting = this.#requests < this.#minRequests && atNs < this.#limitNs
      if (atNs < this.#plannedEndNs || wanting) return 'window'
      const prolonged = this.#lastRequestNs >= this.#plannedEndNs || this.#requests < this.#minRequests
      this.#endNs = prolonged ? Math.min(atNs, this.#limitNs) : this.#plannedEndNs
      this.#onClose()
    }
    // In an open loop a request can still be due inside a window that has ended.
    return atNs < this.#endNs ? 'window' : 'leadOut'
  }

  /** A request of the window was sent (due) at `atNs`. */
  countRequest(atNs: number): void {
    this.#requests++
    this.#lastRequestNs = Math.max(this.#lastRequestNs, atNs)
  }

  /** Whether something that happened at `atNs` lies in the window. */
  includes(atNs: number): boolean {
    return atNs >= this.startNs && (this.#endNs === null || atNs < this.#endNs)
  }
}
