import { answerOf, bestOf, indistinguishable, rank } from './answer.ts'
import { budgetWords, costNs, isAffordable, loadedOf } from './budget.ts'
import type { Candidate } from './candidates.ts'
import { type Prospect, prospects } from './promise.ts'
import { firstLoad } from './space.ts'
import { type Place, type SearchState, type Step, sameConfiguration } from './state.ts'

/** Every gain is against the committed configuration's best load, so it gets this many loads first where they promise something. */
const committedLoads = 3
/** Share of the measurements kept for confirming: of the default 20 one round for three contenders and one more try. */
const confirmShare = 0.2
/** Measurements of a contender at most; from the third on only while contenders cannot be told apart. */
const mostMeasurements = 3

/**
 * The next measurement of the quick search, or its answer. First the committed configuration at several loads; then
 * wherever the expected improvement per cost is largest (Jones, Schonlau, Welch 1998, with the chance that the place works
 * and meets the constraints as a factor), so that another load of the loaded configuration comes before another
 * configuration of the same promise; at last winner, runner-up and committed configuration once more, in turn. A
 * confirmation that fails makes other places promising again.
 */
export function nextQuickStep(state: SearchState): Step {
  const { points, space, budget } = state
  if (points.length === 0) {
    const place = { configuration: space.committed, load: firstLoad(space, space.committed) }
    return isAffordable(state, place, 0)
      ? measure(place, 'explore', 'the committed configuration comes first')
      : exhausted(state)
  }
  const ranked = rank(state)
  const reserve = Math.floor(budget.maxMeasurements * confirmShare)
  const found = explore(state, reserve)
  if (typeof found !== 'string') return found
  const contender = nextContender(state, ranked)
  if (contender === null) return { kind: 'done', answer: answerOf(state), reason: found }
  if (!isAffordable(state, contender, 0)) return exhausted(state)
  return measure(contender, 'confirm', 'winner and runner-up are measured again, in turn')
}

/** The most promising unmeasured place that the budget allows; else, in words, why there is none. */
function explore(state: SearchState, reserve: number): Step | string {
  // Another load of the loaded configuration is the cheapest step there is.
  const cheapest = { configuration: loadedOf(state), load: firstLoad(state.space, state.space.committed) }
  if (!isAffordable(state, cheapest, reserve)) return budgetWords(state)
  const promising = prospects(state).filter((prospect) => isAffordable(state, prospect, reserve))
  const pool = ownLoads(state, promising) ?? otherBatching(state, promising) ?? promising
  const best = pool.reduce<Prospect | null>((top, prospect) => {
    if (top === null) return prospect
    return prospect.improvement / costNs(state, prospect) > top.improvement / costNs(state, top)
      ? prospect
      : top
  }, null)
  if (best === null) return 'nothing that is left is expected to be better'
  const chance = `${(best.meeting * 100).toFixed(0)} % chance to meet the constraints`
  return measure(best, 'explore', `${(best.improvement * 100).toFixed(1)} % expected gain, ${chance}`)
}

/** The committed configuration's promising loads, until it had its share; null then, or where it has none. */
function ownLoads(
  { points, space }: SearchState,
  promising: readonly Prospect[],
): readonly Prospect[] | null {
  const isOwn = ({ configuration }: Place): boolean => sameConfiguration(configuration, space.committed)
  const own = promising.filter(isOwn)
  return own.length > 0 && points.filter(isOwn).length < committedLoads ? own : null
}

/** The committed configuration with dynamic batching turned the other way, as far as promising; null once that was tried. */
function otherBatching(
  { points, space }: SearchState,
  promising: readonly Prospect[],
): readonly Prospect[] | null {
  const { committed } = space
  const isOther = ({ configuration }: Place): boolean =>
    configuration.dynamicBatching !== committed.dynamicBatching
  if (points.some(isOther)) return null
  const others = promising.filter(
    (place) =>
      isOther(place) &&
      place.configuration.instanceCount === committed.instanceCount &&
      place.configuration.maxBatchSize === committed.maxBatchSize,
  )
  return others.length === 0 ? null : others
}

/** The contender that was confirmed least; null where all are told apart, or were measured often enough. */
function nextContender(state: SearchState, ranked: readonly Candidate[]): Candidate | null {
  const [winner] = ranked
  if (winner === undefined) return null
  const runnerUp = ranked.find(({ configuration }) => !sameConfiguration(configuration, winner.configuration))
  const own = bestOf(ranked, state.space.committed)
  const contenders = [...new Set([winner, runnerUp, own])].filter((contender) => contender != null)
  const fewest = contenders.reduce((least, contender) =>
    contender.measurements < least.measurements ? contender : least,
  )
  if (fewest.measurements === 1) return fewest
  if (fewest.measurements >= mostMeasurements) return null
  const close = contenders.some(
    (contender) => contender !== winner && indistinguishable(winner, contender, state),
  )
  return close ? fewest : null
}

function exhausted(state: SearchState): Step {
  return { kind: 'done', answer: answerOf(state), reason: budgetWords(state) }
}

function measure({ configuration, load }: Place, purpose: 'explore' | 'confirm', why: string): Step {
  return { kind: 'measure', configuration, load, purpose, why }
}
