import type { WarmUp } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import { type SteadyBudget, type SteadyStep, steadyStep } from '../load/steady.ts'
import { type Ask, type LoadContext, runAsks } from './asks.ts'
import { countOf } from './blocks.ts'
import { type Pace, paceOf } from './pace.ts'

export interface WarmUpLimits {
  readonly warmupNs: number
  /** Where the load is not steady after `warmupNs`, until it is, but no longer than this. Equal: it is not judged. */
  readonly maxWarmupNs: number
  /** Exactly so many requests instead; not judged. */
  readonly warmupRequestCount?: number | null
}

/** One model's warm-up on one side: what is kept of it, and its pace for whoever plans from it. */
export interface WarmedModel {
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

interface WarmingModel {
  readonly ask: Ask
  readonly windows: Window[]
  step: SteadyStep
}

interface Side {
  /** Under load at once. */
  readonly models: readonly WarmingModel[]
  spentNs: number
}

/**
 * Warm-up on the connections that are measured, by time and count, in windows that alternate between the sides: all get
 * the same number of them, until each model is steady or the time is over. A model that answers nothing ends it. Where one
 * then still saturates its load threads, it gets more of them on all sides, while there are more to be had, and all a new
 * warm-up. Gives each side's models, in their order.
 */
export async function warmUp(
  context: LoadContext,
  asked: readonly (readonly Ask[])[],
  limits: WarmUpLimits,
): Promise<WarmedModel[][]> {
  const isJudged = limits.warmupRequestCount == null && limits.maxWarmupNs > limits.warmupNs
  const run = () => untilSteady(context, asked, limits)
  let sides = await run()
  // In a single window the first requests of all are slow here too: code that is not yet compiled.
  if (!isJudged && saturatedModels(sides).length > 0) sides = await run()
  while (await widenAll(context.generator, sides)) sides = await run()
  return sides.map(({ models, spentNs }) =>
    models.map(({ ask, windows, step }) => ({
      warmUp: {
        durationNs: Math.round(spentNs),
        requests: windows.reduce((sum, window) => sum + window.latenciesNs.length, 0),
        steady: isJudged ? step.kind === 'steady' : null,
        reason: isJudged ? step.reason : 'of fixed length, not judged',
      },
      windows,
      pace: paceOf(lastHalf(windows), ask.load),
      isSilent: windows.some(isUnanswered) && windows.every((window) => window.latenciesNs.length === 0),
    })),
  )
}

async function untilSteady(
  { world, generator, random }: LoadContext,
  asked: readonly (readonly Ask[])[],
  limits: WarmUpLimits,
): Promise<Side[]> {
  const sides = asked.map((asks): Side => {
    const models = asks.map((ask): WarmingModel => {
      return { ask, windows: [], step: { kind: 'goOn', reason: 'not begun' } }
    })
    return { models, spentNs: 0 }
  })
  const all = sides.flatMap(({ models }) => models)
  const budget: SteadyBudget = { minNs: limits.warmupNs, minRequests, maxNs: limits.maxWarmupNs }
  do {
    const options =
      limits.warmupRequestCount == null
        ? { leadInNs: 0, durationNs: windowNs(all, limits) }
        : countOf(limits.warmupRequestCount)
    // In random order: whoever is warmed last goes into its first block with the warmer caches.
    for (const side of random.shuffle(sides)) {
      const startNs = world.nowNs()
      const asks = side.models.map(({ ask }) => ask)
      const windows = await runAsks(generator, asks, options)
      side.spentNs += world.nowNs() - startNs
      for (const [index, model] of side.models.entries()) {
        const window = windows[index]
        if (window !== undefined) model.windows.push(window)
        model.step = steadyStep(model.windows, side.spentNs, budget)
      }
    }
  } while (
    limits.warmupRequestCount == null &&
    !world.signal.aborted &&
    all.every(({ windows }) => hasAnswered(windows)) &&
    all.some(({ step }) => step.kind !== 'steady') &&
    all.every(({ step }) => step.kind !== 'outOfBudget')
  )
  return sides
}

/** More threads for every model that saturates its own; false where there is none, or none are to be had. */
async function widenAll(generator: LoadGenerator, sides: readonly Side[]): Promise<boolean> {
  let widened = false
  for (const index of saturatedModels(sides)) {
    const asks = sides.flatMap(({ models }) => models[index]?.ask ?? [])
    const [ask] = asks
    if (ask === undefined) continue
    const targets = asks.map(({ target }) => target)
    if (await generator.widen(targets, ask.load)) widened = true
  }
  return widened
}

/** By their place in a side. */
function saturatedModels(sides: readonly Side[]): number[] {
  const [first] = sides
  return [...(first?.models.keys() ?? [])].filter((index) =>
    sides.some(({ models }) => models[index] !== undefined && isSaturated(models[index])),
  )
}

/** The first requests are slower than those that are to be planned for. */
function lastHalf(windows: readonly Window[]): readonly Window[] {
  return windows.slice(Math.floor(windows.length / 2))
}

/** In most windows of the last half. */
function isSaturated({ windows }: WarmingModel): boolean {
  const judged = lastHalf(windows)
  return judged.filter(({ client }) => client.saturated).length * 2 > judged.length
}

/** A server that gives no answer for a whole window is not warmed by more of them. */
function hasAnswered(windows: readonly Window[]): boolean {
  const last = windows.at(-1)
  return last !== undefined && !isUnanswered(last)
}

/** It was asked, and gave no answer; on a machine that is stopped for the whole of a short window it is not even asked. */
function isUnanswered({ latenciesNs, issued, failures }: Window): boolean {
  return latenciesNs.length === 0 && (issued > 0 || Object.keys(failures).length > 0)
}

/** Long enough for every throughput to mean something, short enough for as many as it takes to judge. */
function windowNs(models: readonly WarmingModel[], { warmupNs, maxWarmupNs }: WarmUpLimits): number {
  if (maxWarmupNs <= warmupNs) return Math.max(warmupNs, leastWindowNs)
  const paces = models.map(({ ask, windows }) => paceOf(windows, ask.load).nsPerRequest)
  const wantedNs = minRequestsPerWindow * Math.max(0, ...paces)
  const leastNs = Math.max(warmupNs / windowsOfLeast, leastWindowNs)
  return Math.round(Math.max(leastNs, Math.min(wantedNs, maxWarmupNs / windowsOfLeast)))
}
