import { betterInWords } from '../domain/words.ts'
import { answerOf, bestOf, estimateOf, indistinguishable, rank } from './answer.ts'
import { budgetWords, costNs, isAffordable, loadedOf } from './budget.ts'
import { type Candidate, exactSpread, spreadOf } from './candidates.ts'
import { type Prospect, prospects } from './promise.ts'
import { firstLoad } from './space.ts'
import { type Place, type SearchState, type Step, sameConfiguration } from './state.ts'
import { isUnanswered, nextUnanswered } from './unanswered.ts'

/** Every gain is against the committed configuration's best load, so it gets this many loads first where they promise something. */
export const committedLoads = 3
/**
 * Share of the measurements kept for confirming, and one at least where a tenth is none: of the default 20 the winner and one
 * more. Whether the winner was luck one more measurement of it tells; a third one tells less than another look elsewhere.
 */
const confirmShare = 0.1
/** Fewer measurements than this are all for looking: with four there is hardly anything to confirm. */
const leastToConfirm = 5
/** Below this chance to meet the constraints another load of the committed configuration tells nothing that is of use. */
const leastOwnChance = 0.05
/**
 * What missed a limit by what may be noise comes before the winner's confirmation where it is expected to gain so much: where
 * loads are few, the best that is sure to hold may be worth half.
 */
const largeGain = 0.05
/** Measurements of a contender at most; from the third on only while contenders cannot be told apart. */
const mostMeasurements = 3

/**
 * The next measurement of the quick search, or its answer. First the committed configuration at several loads; then
 * wherever the expected improvement per cost is largest (Jones, Schonlau, Welch 1998, with the chance that the place works
 * and meets the constraints as a factor), so that another load of the loaded configuration comes before another
 * configuration of the same promise; at last the contenders once more. A confirmation that fails makes other places
 * promising again.
 */
export function nextQuickStep(state: SearchState): Step {
  if (state.points.length === 0) return beginning(state)
  if (isUnanswered(state)) return untilAnswered(state)
  const promising = prospects(state)
  const found = explore(state, promising)
  return typeof found === 'string' ? ending(state, promising, found) : found
}

/** The committed configuration, at the load where it is expected to saturate; where all requests are too large for it, the nearest. */
export function beginning(state: SearchState): Step {
  const { space } = state
  const isOwn = firstLoad(space, space.committed) !== null
  const configuration = isOwn ? space.committed : nextUnanswered(state)?.configuration
  const load = configuration === undefined ? null : firstLoad(space, configuration)
  if (configuration === undefined || load === null)
    return done(state, 'no configuration takes any of the loads')
  const place = { configuration, load }
  if (!isAffordable(state, place, 0)) return exhausted(state)
  const why = isOwn
    ? 'the committed configuration comes first'
    : 'the committed configuration takes none of the client batches: what differs least from it comes first'
  return measure(place, 'explore', why)
}

/** Whether the budget allows the cheapest step there is, another load of what is loaded, and those kept for confirming. */
export function mayExplore(state: SearchState, reserve: number): boolean {
  return isAffordable(state, { configuration: loadedOf(state) }, reserve)
}

/** The contenders once more, as long as that tells something and the budget allows it; then the answer, with why looking has ended. */
export function ending(state: SearchState, promising: readonly Prospect[], reason: string): Step {
  const contender = nextContender(state, promising)
  if (contender === null) return done(state, reason)
  if (!isAffordable(state, contender.place, 0)) return exhausted(state)
  return measure(contender.place, 'confirm', contender.why)
}

/** Where all that was measured failed: the next that may answer, as long as there is one and the budget allows it. */
export function untilAnswered(state: SearchState): Step {
  const place = nextUnanswered(state)
  if (place === null) {
    const all = state.space.members === undefined ? 'nothing in the space' : 'no change of one model'
    return done(state, `${all} is left to be tried, and nothing has answered`)
  }
  if (!isAffordable(state, place, 0)) return exhausted(state)
  const isOwn = sameConfiguration(place.configuration, state.space.committed)
  const what = isOwn ? 'another load of the committed configuration' : 'another configuration'
  return measure(place, 'explore', `nothing has answered so far: ${what}`)
}

/** Measurements that are kept for confirming. */
export function reserveOf({ points, budget: { maxMeasurements } }: SearchState): number {
  if (maxMeasurements < leastToConfirm || spreadOf(points) === exactSpread) return 0
  return Math.max(1, Math.floor(maxMeasurements * confirmShare))
}

/** The most promising place that the budget allows; else, in words, why there is none. */
function explore(state: SearchState, promising: readonly Prospect[]): Step | string {
  const reserve = reserveOf(state)
  if (!mayExplore(state, reserve)) return budgetWords(state, reserve)
  const affordable = promising.filter((prospect) => isAffordable(state, prospect, reserve))
  const best = mostPromising(
    state,
    ownLoads(state, affordable) ?? otherBatching(state, affordable) ?? affordable,
  )
  if (best === null && promising.length > 0) return budgetWords(state, reserve)
  if (best === null) return 'nothing that is left is expected to be better'
  return measure(best, best.tried ? 'confirm' : 'explore', prospectWords(best, state))
}

function mostPromising(state: SearchState, pool: readonly Prospect[]): Prospect | null {
  const value = (prospect: Prospect): number => prospect.improvement / costNs(state, prospect)
  return pool.reduce<Prospect | null>(
    (top, prospect) => (top === null || value(prospect) > value(top) ? prospect : top),
    null,
  )
}

function prospectWords({ improvement, meeting, seeking }: Prospect, { constraints }: SearchState): string {
  const chance = `${(meeting * 100).toFixed(0)} % chance`
  // What comes nearer to the limits is no better for it.
  if (seeking) return `nothing works and meets the constraints so far, ${chance} that this does`
  const meets = constraints.length > 0 ? `, ${chance} to meet the constraints` : ''
  return `expected to be ${betterInWords(Math.expm1(improvement))}${meets}`
}

/** The committed configuration's promising loads, until it had its share; null then, or where it has none. */
function ownLoads(
  { points, space }: SearchState,
  promising: readonly Prospect[],
): readonly Prospect[] | null {
  const isOwn = ({ configuration }: Place): boolean => sameConfiguration(configuration, space.committed)
  const own = promising.filter((place) => isOwn(place) && place.meeting > leastOwnChance)
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

/**
 * What is to be measured again: the winner, since it was chosen for looking good; the committed configuration where it
 * cannot be told from the winner; what would win, had it not missed a limit by little; and the runner-up. From the third time
 * on only while contenders cannot be told apart. null where nothing is left.
 */
function nextContender(
  state: SearchState,
  promising: readonly Prospect[],
): { readonly place: Place; readonly why: string } | null {
  const estimate = estimateOf(state)
  const ranked = rank(state, estimate)
  const [winner] = ranked
  // What has no noise is confirmed by having been measured.
  if (winner === undefined || spreadOf(state.points) === exactSpread) return null
  const nearMiss = mostPromising(
    state,
    promising.filter(({ tried }) => tried),
  )
  if (nearMiss !== null && nearMiss.improvement >= largeGain)
    return { place: nearMiss, why: prospectWords(nearMiss, state) }
  if (winner.tries === 1) return { place: winner, why: 'the winner is measured again' }
  const own = bestOf(ranked, state.space.committed)
  const close = (contender: Candidate | null | undefined): boolean =>
    contender != null && contender !== winner && indistinguishable(winner, contender, state, estimate)
  if (close(own) && own?.tries === 1)
    return { place: own, why: 'the committed configuration is as good as the winner so far' }
  if (nearMiss !== null) return { place: nearMiss, why: prospectWords(nearMiss, state) }
  const runnerUp = ranked.find(({ configuration }) => !sameConfiguration(configuration, winner.configuration))
  const contenders = [...new Set([winner, runnerUp, close(own) ? own : null])].filter((one) => one != null)
  const fewest = contenders.reduce((least, one) => (one.tries < least.tries ? one : least))
  const told = fewest.tries > 1 && !contenders.some(close)
  if (told || fewest.tries >= mostMeasurements) return null
  return { place: fewest, why: 'winner and runner-up are measured again, in turn' }
}

function exhausted(state: SearchState): Step {
  return done(state, budgetWords(state))
}

function done(state: SearchState, reason: string): Step {
  return { kind: 'done', answer: answerOf(state, estimateOf(state)), reason }
}

export function measure({ configuration, load }: Place, purpose: 'explore' | 'confirm', why: string): Step {
  return { kind: 'measure', configuration, load, purpose, why }
}
