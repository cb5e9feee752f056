import { GrowingArray } from './growing-array.ts'
import { mergeSorted } from './window.ts'

/**
 * The two parts of an open loop's latency, of the successful requests of a window: `lagNs` from when a request was due to
 * when it was sent, `serviceNs` from there to its end. Each ascending, whole ns.
 */
export interface SendReport {
  readonly serviceNs: Float64Array
  readonly lagNs: Float64Array
}

/** Collects them during a run. */
export class SendTimes {
  readonly #serviceNs = new GrowingArray()
  readonly #lagNs = new GrowingArray()

  add(dueNs: number, sentNs: number, endNs: number): void {
    this.#serviceNs.push(Math.round(endNs - sentNs))
    this.#lagNs.push(Math.round(sentNs - dueNs))
  }

  report(): SendReport {
    return { serviceNs: this.#serviceNs.toArray().sort(), lagNs: this.#lagNs.toArray().sort() }
  }
}

/** What the threads of a run, or several windows, collected. Undefined where none did: in a closed loop. */
export function mergeSends(reports: readonly { readonly sends?: SendReport }[]): SendReport | undefined {
  const given = reports.flatMap(({ sends }) => sends ?? [])
  if (given.length === 0) return undefined
  return {
    serviceNs: mergeSorted(given.map(({ serviceNs }) => serviceNs)),
    lagNs: mergeSorted(given.map(({ lagNs }) => lagNs)),
  }
}
