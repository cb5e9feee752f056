import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { batchSizeOf, type Load, loadKey } from '../domain/load.ts'
import { answerOf, bestOf, rank } from './answer.ts'
import { budgetWords, isAffordable } from './budget.ts'
import { exactSpread, groupsBy, spreadOf } from './candidates.ts'
import { fitsMemory } from './memory.ts'
import { measure } from './quick.ts'
import { loadsFor } from './space.ts'
import { placeKey, type SearchPoint, type SearchState, type Step, sameConfiguration } from './state.ts'

/** Model Analyzer's early exits: heavier loads stop when the best of the last 4 is at most 5 % above the first of the 4. */
const plateauTries = 4
const plateauGain = 0.05

/** The next measurement of the brute search: every configuration at every load, less Model Analyzer's early exits. */
export function nextBruteStep(state: SearchState): Step {
  return nextInOrder(state, stopsGrowing)
}

/** As brute, but every configuration has its turn, because the user listed them. */
export function nextManualStep(state: SearchState): Step {
  return nextInOrder(state, () => false)
}

/** Configurations in order, loads from light to heavy, the committed one first; then those again that the answer is about. */
function nextInOrder(
  whole: SearchState,
  skip: (configuration: Configuration, state: SearchState) => boolean,
): Step {
  const { committed, configurations } = whole.space
  const others = configurations.filter((configuration) => !sameConfiguration(configuration, committed))
  // What is measured again must not open or close a way.
  const state = { ...whole, points: groupsBy(whole.points, placeKey).flatMap(([first]) => first ?? []) }
  const fits = fitsMemory(state.points, state.space)
  for (const configuration of [committed, ...others]) {
    const load = nextLoad(configuration, state)
    const begun = state.points.some((point) => sameConfiguration(point.configuration, configuration))
    if (load === null || (!begun && (!fits(configuration) || skip(configuration, state)))) continue
    if (!isAffordable(whole, { configuration }, 0)) return done(whole, budgetWords(whole))
    return measure({ configuration, load }, 'explore', 'next in order')
  }
  const again = nextContender(whole)
  if (again !== null && isAffordable(whole, again.place, 0)) return measure(again.place, 'confirm', again.why)
  return done(whole, 'everything that was to be tried is measured')
}

/** The winner, the committed configuration and the runner-up are measured twice: the best of many is best by its noise as well. */
function nextContender({ points, space, ...state }: SearchState) {
  // What has no noise is confirmed by having been measured.
  if (spreadOf(points) === exactSpread) return null
  const ranked = rank({ points, space, ...state })
  const [winner] = ranked
  if (winner === undefined) return null
  const runnerUp = ranked.find((each) => !sameConfiguration(each.configuration, winner.configuration))
  const contenders = [
    { place: winner, why: 'the winner is measured again' },
    { place: bestOf(ranked, space.committed), why: 'the committed configuration is measured again' },
    { place: runnerUp, why: 'the runner-up is measured again' },
  ]
  const [next] = contenders.flatMap(({ place, why }) =>
    place == null || place.tries > 1 ? [] : [{ place, why }],
  )
  return next ?? null
}

/** The lightest unmeasured load of a configuration; null after a failure, or where every client batch is on a plateau. */
function nextLoad(configuration: Configuration, { space, points }: SearchState): Load | null {
  const own = points.filter((point) => sameConfiguration(point.configuration, configuration))
  if (own.some(({ metrics }) => metrics === null)) return null
  // Requests of different size are different loads: each has a plateau of its own.
  const isFlat = (load: Load): boolean => {
    if (space.allLoads === true) return false
    const alike = own.filter((point) => batchSizeOf(point.load) === batchSizeOf(load))
    const last = alike.slice(-plateauTries).map(throughputOf)
    return last.length === plateauTries && Math.max(...last) <= (1 + plateauGain) * (last[0] ?? 0)
  }
  const measured = new Set(own.map(({ load }) => loadKey(load)))
  return loadsFor(space, configuration).find((load) => !measured.has(loadKey(load)) && !isFlat(load)) ?? null
}

/**
 * True where a smaller max_batch_size of otherwise the same configuration failed, or brought no more throughput than
 * one smaller still.
 */
function stopsGrowing(configuration: Configuration, { points }: SearchState): boolean {
  const best = new Map<number, number>()
  const restOf = (each: Configuration) => configurationKey({ ...each, maxBatchSize: 0 })
  const rest = restOf(configuration)
  for (const point of points) {
    const { maxBatchSize } = point.configuration
    if (maxBatchSize >= configuration.maxBatchSize || restOf(point.configuration) !== rest) continue
    if (point.metrics === null) return true
    best.set(maxBatchSize, Math.max(best.get(maxBatchSize) ?? 0, throughputOf(point)))
  }
  const bySize = [...best].sort(([a], [b]) => a - b).map(([, throughput]) => throughput)
  const newest = bySize.at(-1) ?? 0
  return bySize.length > 1 && newest <= Math.max(...bySize.slice(0, -1))
}

function throughputOf({ metrics }: SearchPoint): number {
  return metrics?.inferPerSec ?? 0
}

function done(state: SearchState, reason: string): Step {
  return { kind: 'done', answer: answerOf(state), reason }
}
