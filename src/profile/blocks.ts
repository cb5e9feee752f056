import { batchSizeOf, type Load } from '../domain/load.ts'
import { minRequestsForPercentile } from '../domain/metric.ts'
import type { Block } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import { quantile } from '../stats/quantile.ts'
import type { Random } from '../stats/random.ts'

/** How a repetition's load is cut: the same for every side of it. */
export interface BlockPlan {
  readonly count: number
  readonly blockNs: number
  readonly leadInNs: number
}

export interface BlockLimits {
  readonly measurementNs: number
  readonly maxMeasurementNs: number
  readonly blockNs: number
}

/** A block's p99 needs about a hundred requests to be more than its maximum. */
const minRequestsPerBlock = 100

/** A few more than the 299 below which there is no p99: the rate seen in warm-up is itself an estimate. */
const wantedRequests = Math.ceil(minRequestsForPercentile(0.99) * 1.15)

/** Fewer blocks than four leave the median over block pairs without anything to be robust against. */
const minBlocks = 4

/**
 * Blocks long enough for their percentile, as many as reach the wanted requests within the time, from the
 * slowest side's warm-up so that both sides get the same.
 */
export function planBlocks(warmups: readonly Window[], limits: BlockLimits): BlockPlan {
  const slowestNsPerRequest = Math.max(
    ...warmups.map((window) => window.durationNs / Math.max(1, window.completed)),
  )
  const typicalLatencyNs = Math.max(...warmups.map((window) => quantile(window.latenciesNs, 0.5) ?? 0))
  const totalNs = Math.min(
    Math.max(limits.measurementNs, wantedRequests * slowestNsPerRequest),
    limits.maxMeasurementNs,
  )
  const wantedBlockNs = Math.max(limits.blockNs, minRequestsPerBlock * slowestNsPerRequest)
  const count = Math.max(minBlocks, Math.floor(totalNs / wantedBlockNs))
  const blockNs = Math.round(totalNs / count)
  return {
    count,
    blockNs,
    // Two latencies of running fill the queue and the pipeline again after the other side's block.
    leadInNs: Math.round(Math.min(Math.max(2 * typicalLatencyNs, 20 * nsPerMs), blockNs)),
  }
}

/**
 * Runs the blocks of all sides, alternating: in every round each side gets one block, in random order, so
 * that what drifts on the machine hits both alike. Block i of one side pairs with block i of the other.
 */
export async function runBlocks(
  generator: LoadGenerator,
  targets: readonly string[],
  load: Load,
  plan: BlockPlan,
  random: Random,
  signal: AbortSignal,
): Promise<Window[][]> {
  const windows: Window[][] = targets.map(() => [])
  for (let round = 0; round < plan.count && !signal.aborted; round++) {
    for (const side of random.shuffle(targets.map((_, index) => index))) {
      const target = targets[side]
      if (target === undefined) continue
      const window = await generator.run(target, load, { leadInNs: plan.leadInNs, durationNs: plan.blockNs })
      windows[side]?.push(window)
    }
  }
  return windows
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
