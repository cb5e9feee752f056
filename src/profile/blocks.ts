import { batchSizeOf, type Load } from '../domain/load.ts'
import type { Block } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import type { Window } from '../load/generator.ts'
import type { WindowOptions } from '../load/protocol.ts'
import { quantile } from '../stats/quantile.ts'
import { type Ask, type LoadContext, runAsks } from './asks.ts'
import type { Pace } from './pace.ts'

/** How a repetition's load is cut: the same for every side of it. */
export interface BlockPlan {
  readonly count: number
  readonly blockNs: number
  readonly leadInNs: number
  /** One block of exactly so many requests instead, however long it takes. */
  readonly requestCount?: number
}

export interface BlockLimits {
  readonly measurementNs: number
  readonly maxMeasurementNs: number
  readonly blockNs: number
}

/** A block's p99 needs about a hundred requests to be more than its maximum. */
const minRequestsPerBlock = 100

/** Fewer blocks than four leave the median over block pairs without anything to be robust against. */
const minBlocks = 4

/** Two are the least for sides to alternate, for models so slow that a block holds a handful of requests. */
const minSlowBlocks = 2

/** A block of a slow model shorter than this is mostly its own edges: lead-in before, and the last requests after it. */
const minLatenciesPerBlock = 10

/** A few more than it takes: the rate seen in warm-up is itself an estimate. */
const margin = 1.15

/**
 * What four blocks with a p99 of their own need; that is more than the 299 requests below which the whole has none.
 */
const wantedRequests = Math.ceil(minBlocks * minRequestsPerBlock * margin)

/**
 * Blocks long enough for their percentile, as many as reach the wanted requests within the time, from the
 * slowest side's pace in warm-up so that both sides get the same.
 */
export function planBlocks(paces: readonly Pace[], limits: BlockLimits): BlockPlan {
  const nsPerRequest = Math.max(...paces.map((pace) => pace.nsPerRequest))
  const latencyNs = Math.max(...paces.map((pace) => pace.typicalLatencyNs))
  const longestNs = Math.min(
    Math.max(limits.measurementNs, wantedRequests * nsPerRequest),
    limits.maxMeasurementNs,
  )
  // Lead-ins and the ends of the last requests take their part of the longest time, but never of the asked one.
  for (let totalNs = longestNs; totalNs > limits.measurementNs; totalNs *= shrinkage) {
    const plan = cut(totalNs, nsPerRequest, latencyNs, limits)
    if (plan.count * (plan.blockNs + plan.leadInNs + latencyNs) <= limits.maxMeasurementNs) return plan
  }
  return cut(limits.measurementNs, nsPerRequest, latencyNs, limits)
}

/** Steps in which a longest time is sought that has room for its lead-ins: finer ones would gain a block nothing. */
const shrinkage = 0.95

function cut(totalNs: number, nsPerRequest: number, latencyNs: number, limits: BlockLimits): BlockPlan {
  const wantedBlockNs = Math.max(limits.blockNs, margin * minRequestsPerBlock * nsPerRequest)
  const few = Math.floor(totalNs / (minLatenciesPerBlock * latencyNs))
  const least = Math.min(minBlocks, Math.max(minSlowBlocks, few))
  const count = Math.max(least, Math.floor(totalNs / wantedBlockNs))
  const blockNs = Math.round(totalNs / count)
  return {
    count,
    blockNs,
    // Two latencies of running fill the queue and the pipeline again after the other side's block. Of a model that answers
    // twice in a block there is no such thing, and half the block again is time enough to spend on it.
    leadInNs: Math.round(Math.min(Math.max(2 * latencyNs, 20 * nsPerMs), blockNs / 2)),
  }
}

/**
 * Runs the blocks of all sides, alternating: in every round each side gets one block, in random order, so
 * that what drifts on the machine hits both alike. Block i of one side pairs with block i of the other. The models of a side
 * are under load at once. Gives each side's rounds, a window for each of its models.
 */
export async function runBlocks(
  { world, generator, random }: LoadContext,
  sides: readonly (readonly Ask[])[],
  plan: BlockPlan,
): Promise<Window[][][]> {
  const rounds: Window[][][] = sides.map(() => [])
  for (let round = 0; round < plan.count && !world.signal.aborted; round++) {
    for (const side of random.shuffle(sides.map((_, index) => index))) {
      const { blockNs: durationNs, leadInNs, requestCount } = plan
      const options = requestCount === undefined ? { leadInNs, durationNs } : countOf(requestCount)
      rounds[side]?.push(await runAsks(generator, sides[side] ?? [], options))
    }
  }
  return rounds
}

/** A window of exactly so many requests. */
export function countOf(requestCount: number): WindowOptions {
  return { leadInNs: 0, durationNs: 0, requestCount }
}

/** What is kept of a window in the file. */
export function toBlock(window: Window, load: Load): Block {
  return {
    startNs: window.startNs,
    durationNs: window.durationNs,
    requests: window.latenciesNs.length,
    inferPerSec: inferPerSec([window], load),
    latencyP50Ns: quantile(window.latenciesNs, 0.5),
    latencyP99Ns: quantile(window.latenciesNs, 0.99),
  }
}

/** Inferences (requests × batch) completed within the windows, over the windows' time. */
export function inferPerSec(windows: readonly Window[], load: Load): number {
  const durationNs = windows.reduce((sum, window) => sum + window.durationNs, 0)
  const completed = windows.reduce((sum, window) => sum + window.completed, 0)
  return durationNs === 0 ? 0 : (completed * batchSizeOf(load) * 1e9) / durationNs
}
