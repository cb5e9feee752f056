import type { Constraint, Objective } from '../config/config.ts'
import { normalCdf } from '../stats/special.ts'
import { holds } from './answer.ts'
import { candidatesOf, spreadOf } from './candidates.ts'
import { chanceOfWorking } from './failures.ts'
import { type Belief, expectedExcess } from './gaussian.ts'
import { impliedObservations } from './implied.ts'
import { fitsMemory } from './memory.ts'
import { direction, weights } from './score.ts'
import { loadsFor } from './space.ts'
import { type Place, placeKey, type SearchState } from './state.ts'
import { fitSurrogate, type Surrogate } from './surrogate.ts'

/** Expected improvement below which another measurement is not worth its time: well within any machine's noise. */
const leastImprovement = 0.01
/** While nothing meets the constraints, coming nearer counts this much against meeting them, so that hopeless ones are approached too. */
const leastChance = 0.02

type BeliefOf = ReturnType<Surrogate>

/** An unmeasured place, or one that missed a limit by what may be noise, with what is expected of it. */
export interface Prospect extends Place {
  /** Measured before: measuring it again confirms. */
  readonly tried: boolean
  /** Probability that it works and meets every constraint. */
  readonly meeting: number
  /**
   * Where something measured meets the constraints: the expected gain of the objective over the best of that, as a log
   * ratio. Where nothing does: the expected approach to the limits. Both times the probabilities above.
   */
  readonly improvement: number
}

/** A near miss gets this many measurements at most: from the third on its mean hardly moves. */
const mostTries = 3

/** The places of the space that may work and promise something, in no order. */
export function prospects(state: SearchState): Prospect[] {
  const { space, objectives, constraints, points } = state
  const candidates = candidatesOf(points)
  const spread = spreadOf(points)
  const tried = new Set(points.map(placeKey))
  const missed = new Set(
    candidates
      .filter((candidate) => candidate.measurements < mostTries && !holds(candidate, constraints))
      .map(placeKey),
  )
  const surrogate = fitSurrogate([
    ...candidates.map((candidate) => ({ ...candidate, noise: spread / Math.sqrt(candidate.measurements) })),
    ...impliedObservations(candidates, space).filter((place) => !tried.has(placeKey(place))),
  ])
  const works = chanceOfWorking(points)
  const fits = fitsMemory(points, space)
  const beliefs = candidates.map(surrogate)
  const held = candidates.map((candidate) => holds(candidate, constraints))
  const feasible = beliefs.filter((_, i) => held[i])
  const seeking = feasible.length === 0
  const aim = (belief: BeliefOf): Belief =>
    seeking ? marginOf(belief, constraints) : utilityOf(belief, objectives)
  const best = Math.max(...(seeking ? beliefs : feasible).map((belief) => aim(belief).mean))
  const consider = (place: Place): Prospect[] => {
    const chance = works(place)
    const again = tried.has(placeKey(place))
    if (chance === 0 || (again && (seeking || !missed.has(placeKey(place))))) return []
    const belief = surrogate(place)
    // Before anything worked there is nothing to improve on: all that counts is whether it works.
    const hoped = beliefs.length === 0 ? 1 : expectedExcess(aim(belief), best)
    // Constraints only lower what is hoped for, and most places need no further look.
    if (!seeking && hoped < leastImprovement) return []
    const meeting = chance * chanceOfMeeting(belief, constraints)
    const improvement = hoped * (seeking ? chance * leastChance + meeting : meeting)
    return seeking || improvement >= leastImprovement
      ? [{ ...place, tried: again, meeting, improvement }]
      : []
  }
  return space.configurations
    .filter(fits)
    .flatMap((configuration) =>
      loadsFor(space, configuration).flatMap((load) => consider({ configuration, load })),
    )
}

/**
 * The objective on the log scale: Σ weight × ±log(metric). To second order its differences are Model Analyzer's
 * scores, and being a sum of normals it is itself normal.
 */
function utilityOf(beliefOf: BeliefOf, objectives: readonly Objective[]): Belief {
  const shares = weights(objectives)
  let mean = 0
  let variance = 0
  for (const [i, { metric }] of objectives.entries()) {
    const belief = beliefOf(metric)
    const share = shares[i] ?? 0
    mean += share * direction(metric) * belief.mean
    variance += (share * belief.sd) ** 2
  }
  return { mean, sd: Math.sqrt(variance) }
}

/** The log distance to the limit that is missed most: negative where it is missed. */
function marginOf(beliefOf: BeliefOf, constraints: readonly Constraint[]): Belief {
  return constraints
    .map((constraint) => roomOf(beliefOf, constraint))
    .reduce((worst, room) => (room.mean < worst.mean ? room : worst), {
      mean: Number.POSITIVE_INFINITY,
      sd: 0,
    })
}

function roomOf(beliefOf: BeliefOf, { metric, bound, limit }: Constraint): Belief {
  // A metric on the log scale is above 0: a limit of 0 or less is always kept from below, and never from above.
  if (limit <= 0)
    return { mean: bound === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY, sd: 0 }
  const { mean, sd } = beliefOf(metric)
  return { mean: bound === 'max' ? Math.log(limit) - mean : mean - Math.log(limit), sd }
}

function chanceOfMeeting(beliefOf: BeliefOf, constraints: readonly Constraint[]): number {
  return constraints.reduce((chance, constraint) => {
    const { mean, sd } = roomOf(beliefOf, constraint)
    return chance * normalCdf(mean / Math.max(sd, 1e-9))
  }, 1)
}
