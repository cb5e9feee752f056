import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'
import { nsPerMs, type World } from '../domain/world.ts'
import { maxLateRatio } from '../load/client-health.ts'
import type { Window } from '../load/generator.ts'
import type { SelfReport } from '../perf-analyzer/output.ts'
import type { LevelOutcome } from '../perf-analyzer/run.ts'

/** Above this share of busy time perf_analyzer itself doubts that it measures the server. */
const maxOverheadRatio = 0.5

/** Of Triton's C++ client, each of perf_analyzer's threads and its control plane being one client. */
const clientsPerChannel = 6

/**
 * After the last window it asks the server for statistics before it stops its threads: what they send meanwhile is in no window
 * and not in its export. 17 ms were seen on a busy machine.
 */
const stoppingNs = 50 * nsPerMs

const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`

/**
 * The windows of a run that perf_analyzer's own figures are made of.
 *
 * @param finishing most requests that it sends after the last window: it leaves no sequence without its end
 */
export function toWindows(
  world: World,
  load: Load,
  { profile, self }: Extract<LevelOutcome, { status: 'measured' }>,
  finishing = 0,
): Window[] {
  const client = healthOf(load, self)
  const counted = profile.windows.reduce((sum, { latenciesNs }) => sum + latenciesNs.length, 0)
  const measuredNs = profile.windows.reduce((sum, { durationNs }) => sum + durationNs, 0)
  const stopping = measuredNs === 0 ? 0 : Math.ceil((counted * stoppingNs) / measuredNs)
  // perf_analyzer stamps the wall clock.
  const wallMinusRunNs = Date.parse(world.date()) * 1e6 - world.nowNs()
  return profile.windows.map(({ startWallNs, durationNs, latenciesNs }, index) => ({
    startNs: Math.max(0, Number(startWallNs) - wallMinusRunNs),
    durationNs,
    latenciesNs,
    completed: latenciesNs.length,
    // The first answers for what is in none: those of earlier windows, and those that were out or followed at the end.
    issued: latenciesNs.length + (index === 0 ? profile.requests - counted : 0),
    ...(index === 0 ? { mayHaveIssued: outstanding(load, latenciesNs) + stopping + finishing } : {}),
    failures: {},
    firstFailure: null,
    client,
  }))
}

/** At most as many as fit the longest latency. */
function outstanding(load: Load, latenciesNs: Float64Array): number {
  if (load.mode === 'concurrency') return load.concurrency
  return Math.ceil((load.requestRate * (latenciesNs.at(-1) ?? 0)) / 1e9)
}

/** perf_analyzer gives up at the first failed request: that one is all that is known. */
export function failedWindow(
  world: World,
  load: Load,
  outcome: Extract<LevelOutcome, { status: 'requestFailed' | 'silent' }>,
): Window {
  return {
    startNs: world.nowNs(),
    durationNs: 1,
    latenciesNs: new Float64Array(),
    completed: 0,
    issued: 1,
    failures: outcome.status === 'requestFailed' ? { perf_analyzer: 1 } : {},
    firstFailure: outcome.reason,
    client: healthOf(load, silent),
  }
}

/** Of a run that did not get as far as to say anything of itself. */
export const silent = { overheadRatio: null, delayedRatio: 0 } as const

/** perf_analyzer's threads instead of an event loop; it does not say what CPU time it took. */
export function healthOf(load: Load, self: Pick<SelfReport, 'overheadRatio' | 'delayedRatio'>): ClientHealth {
  const busyRatio = self.overheadRatio ?? 0
  const isOpen = load.mode === 'requestRate'
  const lateRatio = isOpen ? self.delayedRatio : 0
  const thread = {
    eventLoopUtilization: self.overheadRatio,
    eventLoopDelayP99Ns: null,
    eventLoopGapNs: null,
    gcPauseNs: null,
    gcPauseMaxNs: null,
  }
  const problems = [
    ...(busyRatio > maxOverheadRatio
      ? [`client_saturated: perf_analyzer's overhead was ${percent(busyRatio)}`]
      : []),
    ...(lateRatio > maxLateRatio
      ? [`client_saturated: ${percent(lateRatio)} of the requests were sent late`]
      : []),
  ]
  return {
    ...thread,
    cpuNsPerRequest: null,
    lateRatio,
    achievedRatio: isOpen ? 1 - lateRatio : null,
    connections: Math.ceil(((load.mode === 'concurrency' ? load.concurrency : 4) + 1) / clientsPerChannel),
    threads: [thread],
    threadsReason: 'perf_analyzer has threads of its own and tells only how busy they were',
    saturated: problems.length > 0,
    problems,
  }
}
