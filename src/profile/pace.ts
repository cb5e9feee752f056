import type { Load } from '../domain/load.ts'
import type { Window } from '../load/generator.ts'
import { mergeLatencies } from '../load/window.ts'
import { quantile } from '../stats/quantile.ts'
import { mean } from '../stats/robust.ts'

/** How fast a load's requests come, for planning how long to measure. */
export interface Pace {
  /** Time for each request, of all that are outstanding at once. */
  readonly nsPerRequest: number
  readonly typicalLatencyNs: number
}

/** Fewer ends of requests than this in all windows depend on where the windows' edges fell. */
const minCompleted = 10

/**
 * The pace of some windows of a load; zero where there is none. Where too few requests ended inside the windows to count
 * them, by Little's law from their latencies (closed loop), or by the asked rate.
 */
export function paceOf(windows: readonly Window[], load: Load): Pace {
  const durationNs = windows.reduce((sum, window) => sum + window.durationNs, 0)
  const completed = windows.reduce((sum, window) => sum + window.completed, 0)
  const latencies = mergeLatencies(windows)
  const counted = durationNs / Math.max(1, completed)
  const typicalLatencyNs = quantile(latencies, 0.5) ?? 0
  if (completed >= minCompleted || latencies.length === 0) return { nsPerRequest: counted, typicalLatencyNs }
  const nsPerRequest =
    load.mode === 'concurrency' ? mean(latencies) / load.concurrency : 1e9 / load.requestRate
  return { nsPerRequest, typicalLatencyNs }
}
