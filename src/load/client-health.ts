import type { Load } from '../domain/load.ts'
import type { ClientHealth, ThreadHealth } from '../domain/scenario.ts'
import type { ThreadReport } from './protocol.ts'

/**
 * Above this share of busy time a closed loop measures its client. Busy is normal (a fast model is answered
 * by sending the next request), so the limit is where answers begin to queue up here: at 90 % a request waits
 * for the loop nine times as long as it is served by it (M/M/1), and the loop, not the server, sets the throughput.
 */
const maxUtilization = 0.9

/**
 * Above this share of late requests an open loop is not the load that was asked for. Not the 1 % at which
 * perf_analyzer warns: a window of 250 ms at 100 requests/s holds 25, so that one preemption would be
 * 4 %, while a client that cannot keep up is late with nearly all.
 */
export const maxLateRatio = 0.1

/**
 * Above this share of the window the garbage collector, not the requests, is what the thread works at. Against the
 * fastest models its many pauses of about 1 ms make 5 %, and they are in the busy time already; four times that is a
 * heap that runs full.
 */
const maxGcRatio = 0.2

/**
 * A thread in which nothing ran for so long was not slow but stopped: a suspended machine, SIGSTOP, a paused
 * container. Schedulers of crowded machines take a thread away for tens of milliseconds, hardly ever for hundreds.
 */
const frozenNs = 1e9

/** What the threads of one run tell of the instrument. */
export function clientHealth(
  load: Load,
  reports: readonly ThreadReport[],
  pool: Pick<ClientHealth, 'connections' | 'threadsReason'>,
): ClientHealth {
  const threads = reports.map(({ health }) => health)
  const sum = (pick: (report: ThreadReport) => number) =>
    reports.reduce((total, report) => total + pick(report), 0)
  const requests = Math.max(
    1,
    sum((report) => report.requests),
  )
  const isOpen = load.mode === 'requestRate'
  const durationNs = Math.max(...reports.map((report) => report.durationNs))
  const figures = {
    ...worstThread(threads),
    lateRatio: isOpen ? sum(({ late }) => late) / requests : 0,
  }
  const gapNs = figures.eventLoopGapNs ?? 0
  const saturation = saturationOf(isOpen, figures, durationNs)
  return {
    ...figures,
    cpuNsPerRequest: Math.round(
      sum(({ cpuNs }) => cpuNs) /
        Math.max(
          1,
          sum(({ completed }) => completed),
        ),
    ),
    achievedRatio: isOpen ? sum(({ inTime }) => inTime) / requests : null,
    ...pool,
    threads,
    saturated: saturation.length > 0,
    problems: [
      ...saturation.map((clause) => `client_saturated: ${clause}`),
      ...(gapNs > frozenNs
        ? [`client_frozen: nothing ran here for ${seconds(gapNs)}, as on a suspended machine`]
        : []),
    ],
  }
}

function saturationOf(
  isOpen: boolean,
  { eventLoopUtilization, gcPauseNs, lateRatio }: ThreadHealth & { readonly lateRatio: number },
  durationNs: number,
): string[] {
  const clauses: string[] = []
  // An open loop spins while it waits for a due time: it is busy by design, so lateness alone tells.
  if (isOpen && lateRatio > maxLateRatio)
    clauses.push(`${percent(lateRatio)} of the requests were sent late (limit ${percent(maxLateRatio)})`)
  if (!isOpen && eventLoopUtilization !== null && eventLoopUtilization > maxUtilization)
    clauses.push(
      `a load thread was busy for ${percent(eventLoopUtilization)} of the time (limit ${percent(maxUtilization)})`,
    )
  if (gcPauseNs !== null && gcPauseNs > maxGcRatio * durationNs)
    clauses.push(
      `garbage collection took ${percent(gcPauseNs / durationNs)} of the time (limit ${percent(maxGcRatio)})`,
    )
  return clauses
}

/** The highest of each figure; null where none of them says it. */
export function worstThread(threads: readonly ThreadHealth[]): ThreadHealth {
  const worst = (pick: (health: ThreadHealth) => number | null) => highest(threads.map(pick))
  return {
    eventLoopUtilization: worst((health) => health.eventLoopUtilization),
    eventLoopDelayP99Ns: worst((health) => health.eventLoopDelayP99Ns),
    eventLoopGapNs: worst((health) => health.eventLoopGapNs),
    gcPauseNs: worst((health) => health.gcPauseNs),
    gcPauseMaxNs: worst((health) => health.gcPauseMaxNs),
  }
}

/** null where all are. */
export function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}

function seconds(durationNs: number): string {
  return `${(durationNs / 1e9).toFixed(1)} s`
}
