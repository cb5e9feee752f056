import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import type { WindowOptions } from '../load/protocol.ts'
import type { Random } from '../stats/random.ts'

/** What sides are put under load with, in random order. */
export interface LoadContext {
  readonly world: World
  readonly generator: LoadGenerator
  readonly random: Random
}

/** One model of a side under its load, by the load generator's target. Those of one side are under load at once. */
export interface Ask {
  readonly model: string
  readonly target: string
  readonly load: Load
}

/** A window of every model of a side at once, in their order. */
export async function runAsks(
  generator: LoadGenerator,
  asks: readonly Ask[],
  options: WindowOptions,
): Promise<Window[]> {
  const [only, ...others] = asks
  if (only === undefined) return []
  if (others.length === 0) return [await generator.run(only.target, only.load, options)]
  const loads = asks.map(({ target, load }) => ({ targetId: target, load }))
  return generator.runTogether(loads, options)
}

/** Of a block; the lead-in is there for the load to be complete when the block begins. */
const maxApartRatio = 0.05

/**
 * Why a model's block was not beside the others' load for 95 % of it and more, as a clause; null where it was. The
 * windows are those of one block, in the order of `asks`.
 */
export function apart(asks: readonly Ask[], windows: readonly Window[]): string | null {
  const starts = windows.map(({ startNs }) => startNs)
  const ends = windows.map(({ startNs, durationNs }) => startNs + durationNs)
  const commonNs = Math.min(...ends) - Math.max(...starts)
  const longestNs = Math.max(...windows.map(({ durationNs }) => durationNs))
  if (commonNs < (1 - maxApartRatio) * longestNs)
    return `loads_apart: only ${percent(commonNs / longestNs)} of a block had every model under load`
  const late = windows.findIndex(
    ({ lateStartNs = 0, durationNs }, index) =>
      // In an open loop the first request is sent when it is due, however late in the window that is.
      asks[index]?.load.mode === 'concurrency' && lateStartNs > maxApartRatio * durationNs,
  )
  const [ask, window] = [asks[late], windows[late]]
  if (ask === undefined || window === undefined) return null
  const share = percent((window.lateStartNs ?? 0) / window.durationNs)
  return `loads_apart: the load of ${ask.model} began when ${share} of a block was over`
}

/**
 * The windows of one block with what each load thread says of itself in all of them: where one model's load is not what it
 * should be, the others were not measured beside it.
 */
export function withSharedHealth(asks: readonly Ask[], windows: readonly Window[]): Window[] {
  return windows.map((window, index) => {
    const others = windows.flatMap(({ client }, other) =>
      other === index ? [] : [{ model: asks[other]?.model ?? '', client }],
    )
    return { ...window, client: beside(window.client, others) }
  })
}

function beside(
  own: ClientHealth,
  others: readonly { readonly model: string; readonly client: ClientHealth }[],
): ClientHealth {
  return {
    ...own,
    saturated: own.saturated || others.some(({ client }) => client.saturated),
    problems: [
      ...own.problems,
      ...others.flatMap(({ model, client }) =>
        client.problems.map((clause) => clause.replace(/^(\w+): /, `$1: beside it the load of ${model}: `)),
      ),
    ],
  }
}

function percent(ratio: number): string {
  return `${Math.max(0, Math.round(ratio * 100))} %`
}
