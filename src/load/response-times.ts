import type { Phases } from './phases.ts'
import { mergeSorted } from './window.ts'

/** When the responses of a decoupled model's requests came. */
export interface ResponseReport {
  /** From a request's origin to its first response with data, of the successful requests of the window that had one; ascending, whole ns. */
  readonly firstNs: Float64Array
  /** Between one such response and the next of the same request; ascending, whole ns. */
  readonly gapsNs: Float64Array
  /** Responses with data that came inside the window, whenever their request was sent. */
  readonly count: number
}

/** Collects them during a run. */
export class ResponseTimes {
  readonly #phases: Phases
  readonly #firstNs: number[] = []
  readonly #gapsNs: number[] = []
  #count = 0

  constructor(phases: Phases) {
    this.#phases = phases
  }

  arrived(atNs: number): void {
    if (this.#phases.includes(atNs)) this.#count++
  }

  /** A successful request of the window, with the times of its responses. */
  add(originNs: number, responsesNs: readonly number[]): void {
    let previousNs = originNs
    for (const [index, atNs] of responsesNs.entries()) {
      ;(index === 0 ? this.#firstNs : this.#gapsNs).push(Math.round(atNs - previousNs))
      previousNs = atNs
    }
  }

  report(): ResponseReport {
    return {
      firstNs: Float64Array.from(this.#firstNs).sort(),
      gapsNs: Float64Array.from(this.#gapsNs).sort(),
      count: this.#count,
    }
  }
}

/** What the threads of a run, or several windows, collected. Undefined where none did. */
export function mergeResponses(
  reports: readonly { readonly responses?: ResponseReport }[],
): ResponseReport | undefined {
  const given = reports.flatMap(({ responses }) => responses ?? [])
  if (given.length === 0) return undefined
  return {
    firstNs: mergeSorted(given.map(({ firstNs }) => firstNs)),
    gapsNs: mergeSorted(given.map(({ gapsNs }) => gapsNs)),
    count: given.reduce((sum, { count }) => sum + count, 0),
  }
}
