import { configurationKey } from '../domain/configuration.ts'
import { holds } from './answer.ts'
import { type Candidate, candidatesOf, exactSpread, hasFailed, spreadOf, withNoise } from './candidates.ts'
import { chanceOfWorking } from './failures.ts'
import { impliedObservations } from './implied.ts'
import { expectedExcess, expectedGain } from './improvement.ts'
import { fitsMemory } from './memory.ts'
import { loadsFor } from './space.ts'
import { chanceToTurn, marginOf, meetingOf, needsOf, nothing, utilityOf } from './stakes.ts'
import { type Place, placeKey, type SearchState } from './state.ts'
import { fitSurrogate } from './surrogate.ts'

/** Expected improvement below which another measurement is not worth its time: well within any machine's noise. */
const leastImprovement = 0.01
/** While nothing meets the constraints, coming nearer counts this much against meeting them, so that hopeless ones are approached too. */
const leastChance = 0.02
/**
 * A near miss gets this many measurements at most, and none where its mean will hardly turn: where loads are few, the next best that
 * is sure to hold may be worth 70 % (ADR 33).
 */
const mostTries = 6
/** Expected improvement below which a near miss is left: it is measured again since all else may be much worse, not for a per cent. */
const leastOfNearMiss = 0.03
/** Below this chance that its mean turns. */
const leastTurn = 0.05

/** An unmeasured place, or one that missed a limit by what may be noise, with what is expected of it. */
export interface Prospect extends Place {
  /** Measured before: measuring it again confirms. */
  readonly tried: boolean
  /** Probability that it works and meets every constraint. */
  readonly meeting: number
  /**
   * Where something measured meets the constraints: the expected gain of the objective over the best of that, as a log
   * ratio. Where nothing does: the expected approach to the limits. Both times with the probabilities above.
   */
  readonly improvement: number
  /** Nothing that was measured meets the constraints. */
  readonly seeking: boolean
}

/** The places of the space that may work and promise something, in no order. */
export function prospects(state: SearchState): Prospect[] {
  const { space, points } = state
  const tried = new Set(points.map(placeKey))
  const begun = new Set(points.map(({ configuration }) => configurationKey(configuration)))
  const again = nearMisses(state)
  const works = chanceOfWorking(points)
  const promises = promiseOf(state, tried)
  return space.configurations.filter(fitsMemory(points, space)).flatMap((configuration) => {
    const isBegun = begun.has(configurationKey(configuration))
    return loadsFor(space, configuration).flatMap((load): Prospect[] => {
      const place = { configuration, load }
      const isTried = isBegun && tried.has(placeKey(place))
      const nearMiss = isTried ? again.get(placeKey(place)) : undefined
      const chance = works(place)
      if (chance === 0 || (isTried && nearMiss === undefined)) return []
      const promise = promises(place, nearMiss)
      if (promise === null || (isTried && promise.seeking)) return []
      const [meeting, improvement] = [chance * promise.meeting, chance * promise.improvement]
      const { seeking, least } = promise
      return improvement >= least ? [{ ...place, tried: isTried, meeting, improvement, seeking }] : []
    })
  })
}

/** The places that missed a limit and may be measured again, by their keys; where there is no noise, none. */
function nearMisses({ points, constraints }: SearchState): ReadonlyMap<string, Candidate> {
  if (spreadOf(points) === exactSpread) return new Map()
  const missed = candidatesOf(points).filter(
    // What failed as well is no answer, whatever its mean turns to.
    (candidate) => candidate.tries < mostTries && !hasFailed(candidate) && !holds(candidate, constraints),
  )
  return new Map(missed.map((candidate) => [placeKey(candidate), candidate]))
}

interface Expectation extends Pick<Prospect, 'meeting' | 'improvement' | 'seeking'> {
  /** Less improvement is not worth a measurement. */
  readonly least: number
}

/** What any place promises if it works, a near miss if measuring it again may turn it; null where that is nothing. */
function promiseOf(
  { space, objectives, constraints, points }: SearchState,
  tried: ReadonlySet<string>,
): (place: Place, nearMiss?: Candidate) => Expectation | null {
  const candidates = candidatesOf(points)
  const spread = spreadOf(points)
  const surrogate = fitSurrogate([
    ...withNoise(candidates, spread),
    ...impliedObservations(candidates, space).filter((place) => !tried.has(placeKey(place))),
  ])
  // What has no noise needs no belief.
  const isHolding = (candidate: Candidate): boolean =>
    // Nor is what failed when it was measured again anything to be improved on.
    !hasFailed(candidate) &&
    holds(
      candidate,
      constraints,
      spread === exactSpread ? undefined : meetingOf(surrogate(candidate), constraints),
    )
  const holding = candidates.filter(isHolding)
  if (holding.length === 0) {
    const margins = candidates.flatMap((candidate) => marginOf(surrogate(candidate), constraints)?.mean ?? [])
    const nearest = Math.max(...margins)
    return (place) => {
      const outlook = surrogate(place)
      const meeting = meetingOf(outlook, constraints)
      const margin = marginOf(outlook, constraints)
      // Before anything worked there is nothing to come nearer than: all that counts is whether it works.
      const nearer = margins.length === 0 || margin === null ? 1 : expectedExcess(margin, nearest)
      return { meeting, improvement: nearer * (leastChance + meeting), seeking: true, least: 0 }
    }
  }
  const floor = expectedAnswer(
    holding.map((candidate) => {
      const outlook = surrogate(candidate)
      const { slope, rest } = utilityOf(outlook, objectives)
      return { utility: slope * outlook.rate.mean + rest.mean, meeting: meetingOf(outlook, constraints) }
    }),
  )
  const leastOfNew = Math.min(leastImprovement, spread / 5)
  return (place, nearMiss) => {
    const leastGain = nearMiss === undefined ? leastOfNew : leastOfNearMiss
    const outlook = surrogate(place)
    if (nearMiss !== undefined && chanceToTurn(nearMiss, outlook, constraints, spread) < leastTurn)
      return null
    const utility = utilityOf(outlook, objectives)
    // Constraints only lower what is hoped for, and most places need no further look.
    const free = expectedGain(outlook.rate, { ...utility, floor, least: nothing })
    if (free.gain < leastGain) return null
    if (constraints.length === 0)
      return { meeting: 1, improvement: free.gain, seeking: false, least: leastGain }
    const { least, others } = needsOf(outlook, constraints)
    const { gain, chance } = expectedGain(outlook.rate, { ...utility, floor, least })
    return { meeting: others * chance, improvement: others * gain, seeking: false, least: leastGain }
  }
}

/**
 * What the answer is expected to be worth: the best that holds its limits, as far as it does, and where it does not the next. A
 * best that may have been lucky with its limit thus leaves room for one that is sure to hold.
 */
function expectedAnswer(held: readonly { readonly utility: number; readonly meeting: number }[]): number {
  const ranked = held.toSorted((a, b) => b.utility - a.utility)
  const last = ranked.at(-1)?.utility ?? 0
  return ranked
    .toReversed()
    .reduce((rest, { utility, meeting }) => meeting * utility + (1 - meeting) * rest, last)
}
