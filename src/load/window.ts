import type { ThreadReport } from './protocol.ts'

/** All latencies of some windows in one ascending array. */
export function mergeLatencies(windows: readonly { readonly latenciesNs: Float64Array }[]): Float64Array {
  return mergeSorted(windows.map(({ latenciesNs }) => latenciesNs))
}

/** Ascending arrays as one ascending array; a single one as it is. */
export function mergeSorted(arrays: readonly Float64Array[]): Float64Array {
  const [only, ...others] = arrays
  if (only !== undefined && others.length === 0) return only
  const merged = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const array of arrays) {
    merged.set(array, offset)
    offset += array.length
  }
  return merged.sort()
}

/**
 * What the threads of one run measured, as one: from the first start to the last end (which are the same for
 * all, unless each thread has a number of requests of its own to send), and all their requests.
 */
export function mergeReports(
  reports: readonly ThreadReport[],
): Pick<
  ThreadReport,
  | 'startHrtimeNs'
  | 'durationNs'
  | 'lateStartNs'
  | 'latenciesNs'
  | 'completed'
  | 'issued'
  | 'failures'
  | 'firstFailure'
> {
  // Of a few requests a thread may have none to send: nothing began or ended there.
  const active = reports.filter(({ requests, issued }) => requests + issued > 0)
  const [first = reports[0]] = active
  if (first === undefined) throw new RangeError('a run without threads')
  const startHrtimeNs = active.reduce(
    (least, { startHrtimeNs: each }) => (each < least ? each : least),
    first.startHrtimeNs,
  )
  const endsNs = active.map((each) => Number(each.startHrtimeNs - startHrtimeNs) + each.durationNs)
  const failures: Record<string, number> = {}
  for (const report of reports) {
    for (const [status, count] of Object.entries(report.failures))
      failures[status] = (failures[status] ?? 0) + count
  }
  return {
    startHrtimeNs,
    // One thread's own figure, or the clocks' translation would round a planned duration.
    durationNs: active.length <= 1 ? first.durationNs : Math.max(...endsNs),
    lateStartNs: Math.max(...active.map((each) => each.lateStartNs), 0),
    latenciesNs: mergeLatencies(reports),
    completed: reports.reduce((sum, each) => sum + each.completed, 0),
    issued: reports.reduce((sum, each) => sum + each.issued, 0),
    failures,
    firstFailure: reports.find((each) => each.firstFailure !== null)?.firstFailure ?? null,
  }
}
