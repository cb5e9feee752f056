import type { Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { Window } from '../load/generator.ts'
import { steadyStep } from '../load/steady.ts'
import { mergeLatencies } from '../load/window.ts'
import type { ModelStatistics } from '../proto/grpc_service_pb.js'
import { orderStatisticInterval, quantile } from '../stats/quantile.ts'
import { memoryOfTree } from '../system/process-tree.ts'
import { statisticsDelta } from '../triton/statistics.ts'
import type { LoadContext } from './asks.ts'
import { watchGpus } from './gpu-readings.ts'
import { noGpu, type Sample } from './sample.ts'
import { otherClients } from './server-counts.ts'
import type { LiveModel } from './side.ts'
import { type WarmUpLimits, warmUp } from './warm-up.ts'

/** When a point can be trusted, and how long to try. */
export interface TrustGoal extends WarmUpLimits {
  /** Width of p99's 95 % interval, as a share of p99. */
  readonly intervalWidth: number
  /** Under load in all, warm-up left out. */
  readonly maxNs: number
}

export interface TrustworthySample {
  readonly sample: Sample
  /** What was not reached, in words; null where all was. */
  readonly shortfall: string | null
}

/**
 * Requests of one window are not independent, and their interval is too narrow for it: two seconds see what repeats
 * within a second, such as a garbage collector.
 */
const minNs = 2 * nsPerSecond

/** Below this p99's interval has no upper end. */
const minRequests = 368

/** Short windows tell early; a hundred requests give each a p95. */
const window = { leastNs: 250 * nsPerMs, requests: 100, ofLongest: 10 }

/**
 * One load on one model: warm-up, then windows until they are steady and p99 is known closely enough, or the time is over.
 * What lies before the steady state counts as warm-up.
 */
export async function measureUntilTrustworthy(
  context: LoadContext,
  model: LiveModel,
  load: Load,
  goal: TrustGoal,
): Promise<TrustworthySample> {
  const { world, generator } = context
  const target = await model.target(load)
  const [[warmed] = []] = await warmUp(context, [[{ model: model.name, target, load }]], goal)
  if (warmed === undefined) throw new RangeError('a warm-up of no side')
  const { nsPerRequest, typicalLatencyNs } = warmed.pace
  const durationNs = Math.round(
    Math.min(Math.max(window.leastNs, window.requests * nsPerRequest), goal.maxNs / window.ofLongest),
  )
  const leadInNs = Math.min(Math.max(2 * typicalLatencyNs, 20 * nsPerMs), durationNs / 2)
  const readStatistics = () => model.live.client.statistics(model.name)

  // The server may be a remote one: only its own metrics tell of its GPUs.
  const readGpus = await watchGpus(world, [model], null)
  const startNs = world.nowNs()
  const windows: Window[] = []
  /** Before the first window, and after each. */
  const readings: ModelStatistics[][] = [await readStatistics()]
  let found = { since: 0, shortfall: null as string | null }
  if (warmed.isSilent) windows.push(...warmed.windows)
  while (!warmed.isSilent && !world.signal.aborted) {
    windows.push(await generator.run(target, load, { leadInNs, durationNs }))
    readings.push(await readStatistics())
    const spentNs = world.nowNs() - startNs
    const step = steadyStep(windows, spentNs, { minNs, minRequests, maxNs: goal.maxNs })
    const since = step.kind === 'steady' ? step.since : 0
    const problem = step.kind === 'steady' ? widthProblem(windows.slice(since), goal) : step.reason
    found = { since, shortfall: problem }
    if (problem === null || spentNs >= goal.maxNs) break
  }
  const gpus = await readGpus()
  const kept = windows.slice(found.since)
  const server = statisticsDelta(
    readings[warmed.isSilent ? 0 : found.since] ?? [],
    readings.at(-1) ?? [],
    model.name,
  )
  const longer = windows.slice(0, found.since)
  const sample: Sample = {
    startNs: kept[0]?.startNs ?? startNs,
    warmUp: {
      durationNs: warmed.warmUp.durationNs + longer.reduce((sum, each) => sum + each.durationNs, 0),
      requests: warmed.warmUp.requests + longer.reduce((sum, each) => sum + each.latenciesNs.length, 0),
      // What the windows showed is the later word.
      steady: found.shortfall === null || found.since > 0 || warmed.warmUp.steady,
      reason: found.shortfall ?? warmed.warmUp.reason,
    },
    windows: kept,
    server,
    ...(gpus.sides[0] ?? noGpu),
    serverMemoryBytes: memoryOfTree(model.live.server.pids()),
    disturbances: otherClients(server, warmed.isSilent ? [] : kept),
  }
  return { sample, shortfall: found.shortfall }
}

function widthProblem(windows: readonly Window[], { intervalWidth, maxNs }: TrustGoal): string | null {
  const latencies = mergeLatencies(windows)
  const p99 = quantile(latencies, 0.99) ?? 0
  const [low, high] = orderStatisticInterval(latencies, 0.99) ?? [0, null]
  const width = high === null ? Number.POSITIVE_INFINITY : (high - low) / p99
  if (width <= intervalWidth) return null
  const known = Number.isFinite(width) ? `${(width * 100).toFixed(0)} % wide` : 'open at its upper end'
  return `p99's 95 % interval is ${known}, ${(intervalWidth * 100).toFixed(0)} % was the goal within ${maxNs / nsPerSecond} s`
}
