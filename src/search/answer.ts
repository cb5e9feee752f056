import type { Constraint, Objective } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { loadLabel } from '../domain/load.ts'
import { meanOfMetrics } from '../domain/mean-metrics.ts'
import { metrics as definitions } from '../domain/metric.ts'
import type { Best } from '../domain/result.ts'
import type { Metrics } from '../domain/scenario.ts'
import { betterInWords, committedIsBest, countInWords } from '../domain/words.ts'
import { describe, numbersOf, percent, violationWords } from './answer-words.ts'
import {
  type Candidate,
  candidatesOf,
  exactSpread,
  groupsBy,
  hasFailed,
  spreadOf,
  withNoise,
} from './candidates.ts'
import { effortOf } from './effort.ts'
import { chanceAbove } from './improvement.ts'
import { excess, gain, logScore, meets, violation } from './score.ts'
import { loadsFor } from './space.ts'
import { meetingOf, utilityOf } from './stakes.ts'
import {
  type Place,
  placeKey,
  type SearchAnswer,
  type SearchMetrics,
  type SearchState,
  sameConfiguration,
} from './state.ts'
import { fitSurrogate } from './surrogate.ts'
import { mostHeld, standingOf, standingWords } from './unsteady.ts'

type Question = Pick<SearchState, 'objectives' | 'constraints' | 'points' | 'space'>

/** The measured places from best to worst: what meets the constraints first, by score; then the rest, by how little it violates. */
export function rank(question: Question, estimate: Estimate | null = null): Candidate[] {
  const { objectives, constraints, points, space } = question
  const candidates = candidatesOf(points)
  const against = candidates[0]?.metrics ?? {}
  const key = (candidate: Candidate): readonly [number, number] => [
    // What failed when it was measured again is no answer while anything else is.
    hasFailed(candidate)
      ? Number.POSITIVE_INFINITY
      : candidateViolation(candidate, constraints, estimate?.meetingOf(candidate)),
    effortOf(candidate.configuration, space) -
      (estimate === null ? logScore(candidate.metrics, against, objectives) : estimate.worthOf(candidate)),
  ]
  return candidates
    .map((candidate) => ({ candidate, key: key(candidate) }))
    .sort((a, b) => compare(a.key[0], b.key[0]) || compare(a.key[1], b.key[1]))
    .map(({ candidate }) => candidate)
}

/** What is believed of measured places. */
export interface Estimate {
  /** On the log scale. */
  readonly worthOf: (place: Place) => number
  /** The chance that it holds its limits. */
  readonly meetingOf: (place: Place) => number
  /** The chance that `one` is worth more than `other`. */
  readonly chanceOfBetter: (one: Place, other: Place) => number
}

/**
 * From all measurements together: its own, and what the others tell of it. The best of ten that were measured once is best by its
 * noise as well. null where there is no noise, and where further models are varied.
 */
export function estimateOf(question: Question): Estimate | null {
  const spread = spreadOf(question.points)
  // The surrogate knows one model's configuration.
  if (spread === exactSpread || question.space.members !== undefined) return null
  const surrogate = fitSurrogate(withNoise(candidatesOf(question.points), spread))
  const utility = (place: Place) => utilityOf(surrogate(place), question.objectives)
  return {
    worthOf: (place) => {
      const { slope, rest } = utility(place)
      return slope * surrogate(place).rate.mean + rest.mean
    },
    meetingOf: (place) => meetingOf(surrogate(place), question.constraints),
    chanceOfBetter: (one, other) => {
      const [{ slope, rest }, { rest: otherRest }] = [utility(one), utility(other)]
      const apart = { mean: rest.mean - otherRest.mean, sd: Math.hypot(rest.sd, otherRest.sd) }
      return chanceAbove(surrogate.rateDifference(one, other), slope, apart)
    },
  }
}

/**
 * A candidate must hold its constraints over all its measurements; and again over its confirmations alone, which did not make it
 * a candidate by looking good, or else by what all measurements of the search say of it: they know better than one that is noisy.
 *
 * @param meeting the chance that it holds them by all measurements of the search; left out where that is not known
 */
export function holds(candidate: Candidate, constraints: readonly Constraint[], meeting?: number): boolean {
  return candidateViolation(candidate, constraints, meeting) === 0
}

function candidateViolation(
  { metrics, confirmed }: Candidate,
  constraints: readonly Constraint[],
  meeting: number | undefined,
): number {
  const own = violation(metrics, constraints)
  const isBelieved = own === 0 && meeting !== undefined && meeting >= moreLikelyThanNot
  return confirmed === null || isBelieved ? own : Math.max(own, violation(confirmed, constraints))
}

const moreLikelyThanNot = 0.5

/** The best place of one configuration, or null where it has none. */
export function bestOf(ranked: readonly Candidate[], configuration: Configuration): Candidate | null {
  return ranked.find((candidate) => sameConfiguration(candidate.configuration, configuration)) ?? null
}

/**
 * Chance to be better from which on a place is told from another. Where all configurations are alike, 4 of 100 searches at 3 % noise
 * named another than the committed one, with 0.95 13; with 0.99 as many, and more real gains were called ties.
 */
const surelyBetter = 0.98
/** The same in standard errors where only their own measurements tell: one-sided 1 %, since the best of some ten is best by its noise as well. */
export const tieErrors = 2.326

/** True where neither of two places is sure to be better: by all measurements together, and without an estimate by their own. */
export function indistinguishable(
  one: Candidate,
  other: Candidate,
  question: Question,
  estimate: Estimate | null = null,
): boolean {
  if (estimate !== null) {
    const chance = estimate.chanceOfBetter(one, other)
    return Math.max(chance, 1 - chance) < surelyBetter
  }
  const error = spreadOf(question.points) * Math.sqrt(1 / one.measurements + 1 / other.measurements)
  return Math.abs(logScore(one.metrics, other.metrics, question.objectives)) <= tieErrors * error
}

/** What the measurements say is best; null where none succeeded. */
export function answerOf(question: Question, estimate: Estimate | null = null): SearchAnswer | null {
  const ranked = rank(question, estimate)
  const [first] = ranked
  if (first === undefined) return null
  const { constraints, objectives } = question
  const isHolding = (candidate: Candidate): boolean =>
    holds(candidate, constraints, estimate?.meetingOf(candidate))
  const meetsConstraints = isHolding(first)
  const top = meetsConstraints ? withOwnBatcher(first, ranked.filter(isHolding), question, estimate) : first
  const own = bestOf(ranked, question.space.committed)
  // What failed when it was measured again meets nothing, whatever it gave before.
  const ownMeets = own !== null && isHolding(own) && !hasFailed(own)
  const isCommitted = top === own
  // An estimate may rank first what by its own measurements is no better: nobody is to change anything for that.
  const isNoBetter = own !== null && logScore(top.metrics, own.metrics, objectives) <= 0
  const tie =
    !isCommitted &&
    ownMeets &&
    meetsConstraints &&
    (isNoBetter || indistinguishable(top, own, question, estimate))
  const winner = tie ? own : top
  return {
    configuration: winner.configuration,
    load: winner.load,
    metrics: winner.metrics,
    measurements: winner.measurements,
    gain: ownMeets && meetsConstraints ? gain(winner.metrics, own.metrics, objectives) : null,
    tie,
    meetsConstraints,
    explanation: withRefuted(
      explain(question, { top, own, tie, meetsConstraints, ownMeets }),
      meetsConstraints ? refutedWords(question, winner, isHolding) : null,
    ),
  }
}

/** What turning the batcher of the committed configuration off or on has to bring, as a change of a further model has (effort.ts). */
const leastForBatcher = 0.02

/**
 * The best place, or what was measured of the same configuration with the batcher as committed, where nobody could tell the two apart:
 * client batches that fill an execution make it idle, and then noise would decide whether the answer's patch removes it.
 */
function withOwnBatcher(
  top: Candidate,
  ranked: readonly Candidate[],
  question: Question,
  estimate: Estimate | null,
): Candidate {
  const { dynamicBatching } = question.space.committed
  if (top.configuration.dynamicBatching === dynamicBatching) return top
  const key = keyButBatcher(top.configuration)
  const twin = ranked.find(
    ({ configuration }) =>
      configuration.dynamicBatching === dynamicBatching && keyButBatcher(configuration) === key,
  )
  // With the committed configuration it is a tie, and said to be one.
  if (twin === undefined || sameConfiguration(twin.configuration, question.space.committed)) return top
  if (hasFailed(twin) || !indistinguishable(top, twin, question, estimate)) return top
  const gained =
    estimate === null
      ? logScore(top.metrics, twin.metrics, question.objectives)
      : estimate.worthOf(top) - estimate.worthOf(twin)
  return gained < leastForBatcher ? twin : top
}

function keyButBatcher({
  preferredBatchSizes: _,
  maxQueueDelayMicroseconds: __,
  ...rest
}: Configuration): string {
  const { dynamic_batching: ___, ...fields } = rest.fields ?? {}
  return configurationKey({ ...rest, dynamicBatching: false, fields })
}

/**
 * The answer as a report shows it.
 * @param measured the metrics of each successful measurement of the answer's configuration at its load
 */
export function toBest(answer: SearchAnswer, measured: readonly Metrics[], patch: string | null): Best {
  const { configuration, load, gain, tie, meetsConstraints, explanation } = answer
  // The numbers that gain and explanation rest on.
  const metrics = meanOfMetrics(measured, answer.metrics)
  return { configuration, load, metrics, gain, tie, meetsConstraints, explanation, patch }
}

interface Finding {
  readonly top: Candidate
  readonly own: Candidate | null
  readonly tie: boolean
  readonly meetsConstraints: boolean
  readonly ownMeets: boolean
}

/** What is to be said beside the answer's configuration, load, numbers and gain, which whoever shows it says first. */
function explain(question: Question, { top, own, tie, meetsConstraints, ownMeets }: Finding): string {
  const { constraints, objectives, points } = question
  if (!meetsConstraints) {
    const isRefuted = violation(top.metrics, constraints) === 0 && top.confirmed !== null
    const missing = isRefuted ? top.confirmed : top.metrics
    const failing = constraints.filter((constraint) => excess(missing, constraint) > 0)
    const words = failing.map((constraint) => violationWords(missing, constraint)).join('; ')
    return `Missed: ${isRefuted ? 'measured again, ' : ''}${words}.`
  }
  if (hasFailed(top) && top !== own)
    return `It is unsteady: it failed in ${top.tries - top.measurements} of ${countInWords(top.tries, 'measurement')}, as did whatever else answered.`
  if (own === null) {
    const { committed } = question.space
    if (loadsFor(question.space, committed).length > 0)
      return 'The committed configuration gave no measurement.'
    return `The committed configuration was not measured: its max_batch_size of ${committed.maxBatchSize} takes none of the client batches.`
  }
  if (top === own) {
    if (hasFailed(own)) return ownMissesWords(question)
    const isAlone = points.every(({ configuration }) => sameConfiguration(configuration, own.configuration))
    return isAlone ? committedIsBest.alone : committedIsBest.nothingBetter
  }
  if (!ownMeets) return ownMissesWords(question)
  const spread = `single measurements spread by ${percent(spreadOf(points))}`
  if (tie) {
    const ratio = percent(Math.abs(gain(top.metrics, own.metrics, objectives) ?? 0))
    return `The best other one, ${describe(top)}, differs by ${ratio}, which is not sure to be more than noise: ${spread}.`
  }
  const before = `The committed configuration at its best load, ${loadLabel(own.load)}: ${numbersOf(own.metrics).join(', ')}; ${spread}.`
  if (gain(top.metrics, own.metrics, objectives) === null)
    return `${before} By how much it is worse is not known, since one of the two has no value of what is sought.`
  return [before, ...gainsByObjective(top.metrics, own.metrics, objectives)].join(' ')
}

function withRefuted(explanation: string, refuted: string | null): string {
  if (refuted === null) return explanation
  return explanation === committedIsBest.nothingBetter ? refuted : `${explanation} ${refuted}`
}

/** What the means of the table show as better than the answer and within the limits, though it missed them when it was measured again. */
function refutedWords(
  { constraints, objectives, points }: Question,
  answer: Candidate,
  isHolding: (candidate: Candidate) => boolean,
): string | null {
  const worth = (candidate: Candidate) => logScore(candidate.metrics, answer.metrics, objectives)
  const [best] = candidatesOf(points)
    .filter((one) => meets(one.metrics, constraints) && !hasFailed(one) && !isHolding(one) && worth(one) > 0)
    .sort((one, other) => worth(other) - worth(one))
  if (best === undefined || best.confirmed === null) return null
  const { confirmed } = best
  const missed = constraints.filter((constraint) => excess(confirmed, constraint) > 0)
  const words = missed.map((constraint) => violationWords(confirmed, constraint)).join('; ')
  return `By its mean ${describe(best)} is better, but it missed when measured again: ${words}.`
}

/** Why nothing is a gain over the committed configuration: at no load its measurements all met the limits. */
function ownMissesWords({ points, space, constraints }: Question): string {
  const own = points.filter(({ configuration }) => sameConfiguration(configuration, space.committed))
  const places = groupsBy(own, placeKey).flatMap((group) => {
    const outcomes = group.map(({ metrics }) => (metrics === null ? null : meets(metrics, constraints)))
    return group.slice(0, 1).map(({ load }) => ({ load, standing: standingOf(outcomes) }))
  })
  const unsteady = mostHeld(places)
  if (unsteady === null) return 'The committed configuration meets the constraints at no measured load.'
  const { load, standing } = unsteady
  const what = constraints.length === 0 ? 'answered' : 'met the constraints'
  return `The committed configuration is unsteady: at ${loadLabel(load)} it ${what} ${standingWords(standing)}; at no measured load it always did.`
}

/** What a gain is made of, where that is not throughput alone. */
function gainsByObjective(
  metrics: SearchMetrics,
  against: SearchMetrics,
  objectives: readonly Objective[],
): string[] {
  if (objectives.every(({ metric }) => metric === 'inferPerSec')) return []
  const parts = objectives.flatMap((objective) => {
    const own = gain(metrics, against, [objective])
    if (own === null) return []
    const weight = objectives.length === 1 ? '' : ` (weight ${objective.weight})`
    return [`${definitions[objective.metric].label} ${betterInWords(own)}${weight}`]
  })
  return parts.length === 0 ? [] : [`By objective: ${parts.join(', ')}.`]
}

function compare(a: number, b: number): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
