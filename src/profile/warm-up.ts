import type { Load } from '../domain/load.ts'
import type { WarmUp } from '../domain/scenario.ts'
import { nsPerMs, type World } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import { type SteadyBudget, type SteadyStep, steadyStep } from '../load/steady.ts'
import type { Random } from '../stats/random.ts'
import { countOf } from './blocks.ts'
import { type Pace, paceOf } from './pace.ts'

export interface WarmUpLimits {
  readonly warmupNs: number
  /** Where the load is not steady after `warmupNs`, until it is, but no longer than this. Equal: it is not judged. */
  readonly maxWarmupNs: number
  /** Exactly so many requests instead; not judged. */
  readonly warmupRequestCount?: number | null
}

/** One side's warm-up: what is kept of it, and its pace for whoever plans from it. */
export interface WarmedSide {
  readonly warmUp: WarmUp
  readonly pace: Pace
  readonly windows: readonly Window[]
  /** Not one request succeeded. */
  readonly isSilent: boolean
}

/** In tenths of the least warm-up, two windows more than it takes to judge: the very first ones are the coldest. */
const windowsOfLeast = 10

/** A throughput of fewer requests goes up and down with every one of them. */
const minRequestsPerWindow = 10

/** Below this the window's edges are a good part of it. */
const leastWindowNs = 10 * nsPerMs

/** Each connection has carried a request several times over, whatever the load. */
const minRequests = 10

interface Side {
  readonly target: string
  readonly windows: Window[]
  spentNs: number
  step: SteadyStep
}

/**
 * Warm-up on the connections that are measured, by time and count, in windows that alternate between the sides: all get
 * the same number of them, until each is steady or the time is over. A side that answers nothing ends it. Where a side
 * then still saturates the load threads, all sides get more of them, while there are more to be had, and a new warm-up.
 */
export async function warmUp(
  world: World,
  generator: LoadGenerator,
  targets: readonly string[],
  load: Load,
  limits: WarmUpLimits,
  random: Random,
): Promise<WarmedSide[]> {
  const isJudged = limits.warmupRequestCount == null && limits.maxWarmupNs > limits.warmupNs
  const run = () => untilSteady(world, generator, targets, load, limits, random)
  let sides = await run()
  // In a single window the first requests of all are slow here too: code that is not yet compiled.
  if (!isJudged && sides.some(isSaturated)) sides = await run()
  while (sides.some(isSaturated) && (await generator.widen(targets, load))) sides = await run()
  return sides.map(({ windows, spentNs, step }) => ({
    warmUp: {
      durationNs: Math.round(spentNs),
      requests: windows.reduce((sum, window) => sum + window.latenciesNs.length, 0),
      steady: isJudged ? step.kind === 'steady' : null,
      reason: isJudged ? step.reason : 'of fixed length, not judged',
    },
    windows,
    pace: paceOf(lastHalf(windows), load),
    isSilent: windows.every((window) => window.latenciesNs.length === 0),
  }))
}

async function untilSteady(
  world: World,
  generator: LoadGenerator,
  targets: readonly string[],
  load: Load,
  limits: WarmUpLimits,
  random: Random,
): Promise<Side[]> {
  const sides = targets.map((target): Side => {
    return { target, windows: [], spentNs: 0, step: { kind: 'goOn', reason: 'not begun' } }
  })
  const budget: SteadyBudget = { minNs: limits.warmupNs, minRequests, maxNs: limits.maxWarmupNs }
  do {
    const options =
      limits.warmupRequestCount == null
        ? { leadInNs: 0, durationNs: windowNs(sides, load, limits) }
        : countOf(limits.warmupRequestCount)
    // In random order: whoever is warmed last goes into its first block with the warmer caches.
    for (const side of random.shuffle(sides)) {
      const startNs = world.nowNs()
      side.windows.push(await generator.run(side.target, load, options))
      side.spentNs += world.nowNs() - startNs
      side.step = steadyStep(side.windows, side.spentNs, budget)
    }
  } while (
    limits.warmupRequestCount == null &&
    !world.signal.aborted &&
    sides.every((side) => hasAnswered(side.windows)) &&
    sides.some(({ step }) => step.kind !== 'steady') &&
    sides.every(({ step }) => step.kind !== 'outOfBudget')
  )
  return sides
}

/** The first requests are slower than those that are to be planned for. */
function lastHalf(windows: readonly Window[]): readonly Window[] {
  return windows.slice(Math.floor(windows.length / 2))
}

/** In most windows of the last half. */
function isSaturated({ windows }: Side): boolean {
  const judged = lastHalf(windows)
  return judged.filter(({ client }) => client.saturated).length * 2 > judged.length
}

/** The last window had an answer: a server that gives none for a whole window is not warmed by more of them. */
function hasAnswered(windows: readonly Window[]): boolean {
  return (windows.at(-1)?.latenciesNs.length ?? 0) > 0
}

/** Long enough for its throughput to mean something, short enough for as many as it takes to judge. */
function windowNs(
  sides: readonly { readonly windows: readonly Window[] }[],
  load: Load,
  { warmupNs, maxWarmupNs }: WarmUpLimits,
): number {
  if (maxWarmupNs <= warmupNs) return Math.max(warmupNs, leastWindowNs)
  const paces = sides.map(({ windows }) => paceOf(windows, load).nsPerRequest)
  const wantedNs = minRequestsPerWindow * Math.max(0, ...paces)
  const leastNs = Math.max(warmupNs / windowsOfLeast, leastWindowNs)
  return Math.round(Math.max(leastNs, Math.min(wantedNs, maxWarmupNs / windowsOfLeast)))
}
