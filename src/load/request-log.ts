import { GrowingArray } from './growing-array.ts'

/**
 * Every request that ended during a run, lead-in and lead-out too, in the order of the ends (of one thread after the
 * other). Times in ns from the start of the window, negative before it; it ends at the window's `durationNs`.
 */
export interface RequestLog {
  /** In a closed loop: from when its latency counts, just before it is sent. */
  readonly dueNs: Float64Array
  /** NaN where it could not be sent. */
  readonly sentNs: Float64Array
  readonly endNs: Float64Array
  /** Index in `failures`; -1 of a success. */
  readonly failure: Float64Array
  readonly failures: readonly string[]
}

/** Collects it during a run, on the thread's own clock. */
export class RequestLogger {
  readonly #dueNs = new GrowingArray()
  readonly #sentNs = new GrowingArray()
  readonly #endNs = new GrowingArray()
  readonly #failure = new GrowingArray()
  readonly #failures: string[] = []

  add(dueNs: number, sentNs: number, endNs: number, failure: string | null): void {
    this.#dueNs.push(dueNs)
    this.#sentNs.push(sentNs)
    this.#endNs.push(endNs)
    this.#failure.push(failure === null ? -1 : this.#indexOf(failure))
  }

  /** @param windowStartNs on the thread's clock */
  report(windowStartNs: number): RequestLog {
    const fromStart = (times: GrowingArray) => times.toArray().map((atNs) => Math.round(atNs - windowStartNs))
    return {
      dueNs: fromStart(this.#dueNs),
      sentNs: fromStart(this.#sentNs),
      endNs: fromStart(this.#endNs),
      failure: this.#failure.toArray(),
      failures: this.#failures,
    }
  }

  #indexOf(failure: string): number {
    const index = this.#failures.indexOf(failure)
    return index >= 0 ? index : this.#failures.push(failure) - 1
  }
}

/** What the threads of a run logged, as one; undefined where they were not asked to. */
export function mergeLogs(
  reports: readonly { readonly startHrtimeNs: bigint; readonly log?: RequestLog }[],
  startHrtimeNs: bigint,
): RequestLog | undefined {
  const given = reports.flatMap(({ startHrtimeNs: own, log }) =>
    log === undefined ? [] : [{ log, laterNs: Number(own - startHrtimeNs) }],
  )
  if (given.length === 0) return undefined
  const failures = [...new Set(given.flatMap(({ log }) => log.failures))]
  const times = (of: 'dueNs' | 'sentNs' | 'endNs') =>
    Float64Array.from(given.flatMap(({ log, laterNs }) => Array.from(log[of], (atNs) => atNs + laterNs)))
  return {
    dueNs: times('dueNs'),
    sentNs: times('sentNs'),
    endNs: times('endNs'),
    failure: Float64Array.from(
      given.flatMap(({ log }) =>
        Array.from(log.failure, (index) => failures.indexOf(log.failures[index] ?? '')),
      ),
    ),
    failures,
  }
}
