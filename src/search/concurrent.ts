import type { Configuration } from '../domain/configuration.ts'
import { inferencesOf } from '../domain/load.ts'
import { tieErrors } from './answer.ts'
import { budgetWords } from './budget.ts'
import { defaultSpread, groupsBy, hasFailed } from './candidates.ts'
import { type Move, movesFrom } from './concurrent-moves.ts'
import {
  type ConcurrentCandidate,
  candidatesOf,
  comparison,
  rank,
  scoreOf,
  violationOf,
} from './concurrent-ranking.ts'
import {
  type ConcurrentAnswer,
  type ConcurrentPlace,
  type ConcurrentPoint,
  type ConcurrentState,
  type ConcurrentStep,
  isAffordable,
  placeKey,
} from './concurrent-state.ts'
import { nextUnansweredPlace } from './concurrent-unanswered.ts'
import { gain, gainOfAll, meets } from './score.ts'
import { isUnanswered } from './unanswered.ts'
import { mostHeld, standingOf } from './unsteady.ts'

/** Of the gated loads so many are tried first: gains are against the committed configurations' best. */
const mostGated = 3

/** Winner and committed are each measured twice: the best of many is best by its noise, too. */
const confirmations = 2

/** Two measurements of each of two places, of which one of each is made. */
const reserve = 2 * (confirmations - 1)

/**
 * The next measurement of the search over the configurations and loads of several models at once, or its answer: the committed
 * ones at the gated loads; then from the best place so far a step of one model, or of all loads, at a time, those first that
 * have helped before, until none helps; at last the winner and the committed ones again. Where the committed ones fail, first of all
 * whatever may answer.
 */
export function nextConcurrentStep(state: ConcurrentState): ConcurrentStep {
  const { models, gated, points } = state
  if (points.length > 0 && isUnanswered(state)) return untilAnswered(state)
  const committed = models.map(({ space }) => space.committed)
  for (const loads of gaveNothing(points) ? [] : gated.slice(0, mostGated)) {
    const place = { configurations: committed, loads }
    if (points.some((point) => placeKey(point) === placeKey(place))) continue
    if (!isAffordable(state, place, 0)) return done(state, budgetWords(state))
    return measure(place, 'explore', 'the committed configurations come first')
  }
  const ranked = rank(state, candidatesOf(points))
  const home = homeOf(state, ranked)
  if (home === null) return done(state, 'nothing has answered')
  const promising = untried(state, home)
  const next = promising.find(({ place }) => isAffordable(state, place, reserve))
  if (next !== undefined) return measure(next.place, 'explore', next.words)
  const reason =
    promising.length === 0 ? 'no step from the best combination is left' : budgetWords(state, reserve)
  const contender = nextContender(ranked)
  if (contender === null) return done(state, reason)
  if (!isAffordable(state, contender, 0)) return done(state, budgetWords(state))
  return measure(contender, 'confirm', 'winner and committed configurations are measured again')
}

/** Where all that was measured failed: the next that may answer, as long as there is one and the budget allows it. */
function untilAnswered(state: ConcurrentState): ConcurrentStep {
  const place = nextUnansweredPlace(state, mostGated)
  if (place === null) return done(state, 'no combination is left to be tried, and nothing has answered')
  if (!isAffordable(state, place, 0)) return done(state, budgetWords(state))
  const what = isCommitted(place.configurations)
    ? 'other loads of the committed configurations'
    : 'another combination'
  return measure(place, 'explore', `nothing has answered so far: ${what}`)
}

/** Whether the committed configurations failed as often as a winner is measured: then it was no accident. */
function gaveNothing(points: readonly ConcurrentPoint[]): boolean {
  const own = points.filter(({ configurations }) => isCommitted(configurations))
  return own.length >= confirmations && isUnanswered({ points: own })
}

/**
 * Where the steps begin: the best place, or of those that are no worse beyond the noise the one with the heaviest loads, since
 * under a light load no configuration makes a difference.
 */
function homeOf(
  { models }: ConcurrentState,
  ranked: readonly ConcurrentCandidate[],
): ConcurrentCandidate | null {
  const [best] = ranked
  if (best === undefined) return null
  const heaviness = ({ loads }: ConcurrentCandidate) =>
    loads.reduce((sum, load) => sum + Math.log(inferencesOf(load)), 0)
  return ranked
    .filter((each) => comparison(models, each.metrics, best.metrics) === 0)
    .reduce((home, each) => (heaviness(each) > heaviness(home) ? each : home), best)
}

/** The steps from here that were not made, the most promising first. */
function untried(state: ConcurrentState, home: ConcurrentPlace): Move[] {
  const known = new Set(state.points.map(placeKey))
  const credit = creditOf(state)
  return movesFrom(state.models, home)
    .filter(({ place }) => !known.has(placeKey(place)))
    .map((move, order) => ({ move, order, credit: credit.get(move.direction) ?? 0 }))
    .toSorted((a, b) => b.credit - a.credit || a.order - b.order)
    .map(({ move }) => move)
}

/**
 * What each direction has brought so far, from the points alone: a success is worth going on with, a failure speaks against
 * the same direction from elsewhere, one that changed nothing half as much, and one that did not load most of all.
 */
function creditOf(state: ConcurrentState): Map<string, number> {
  const credit = new Map<string, number>()
  const add = (direction: string, amount: number) =>
    credit.set(direction, (credit.get(direction) ?? 0) + amount)
  for (const [index, point] of state.points.entries()) {
    const home = homeOf(state, rank(state, candidatesOf(state.points.slice(0, index))))
    if (home === null) continue
    const move = movesFrom(state.models, home).find(({ place }) => placeKey(place) === placeKey(point))
    if (move === undefined) continue
    const better = point.metrics === null ? null : comparison(state.models, point.metrics, home.metrics)
    add(move.direction, better === null ? -2 : better === 0 ? -0.5 : better)
  }
  return credit
}

function nextContender(ranked: readonly ConcurrentCandidate[]): ConcurrentPlace | null {
  const [winner] = ranked
  const own = ranked.find(({ configurations }) => isCommitted(configurations))
  const contenders = [winner, own].filter((each) => each !== undefined)
  const fewest = contenders.reduce((least, each) => (each.tries < least.tries ? each : least))
  return fewest.tries < confirmations ? fewest : null
}

function isCommitted(configurations: readonly Configuration[]): boolean {
  return configurations.every(({ committed }) => committed)
}

function answerOf(state: ConcurrentState): ConcurrentAnswer | null {
  const { models } = state
  const ranked = rank(state, candidatesOf(state.points))
  const [top] = ranked
  if (top === undefined) return null
  const own = ranked.find(({ configurations }) => isCommitted(configurations))
  const meetsConstraints = violationOf(models, top.metrics) === 0
  // What failed when it was measured again meets nothing, whatever it gave before.
  const ownMeets = own !== undefined && violationOf(models, own.metrics) === 0 && !hasFailed(own)
  const error = own === undefined ? 0 : defaultSpread * Math.sqrt(1 / top.measurements + 1 / own.measurements)
  const tie =
    top !== own &&
    ownMeets &&
    meetsConstraints &&
    scoreOf(models, top.metrics, own.metrics) <= tieErrors * error
  const winner = tie ? own : top
  const comparable = ownMeets && meetsConstraints
  const gains = models.map(({ objectives }, index) =>
    comparable ? gain(winner.metrics[index] ?? {}, own.metrics[index] ?? {}, objectives) : null,
  )
  return {
    configurations: winner.configurations,
    loads: winner.loads,
    metrics: winner.metrics,
    measurements: winner.measurements,
    committed: own ?? null,
    unsteady: ownMeets ? null : unsteadyOf(state),
    gains,
    gain: gainOfAll(
      gains,
      models.map(({ weight }) => weight),
    ),
    tie,
    meetsConstraints,
  }
}

/** Where the committed configurations met all limits at times. */
function unsteadyOf({ models, points }: ConcurrentState): ConcurrentAnswer['unsteady'] {
  const own = points.filter(({ configurations }) => isCommitted(configurations))
  const isHeld = ({ metrics }: ConcurrentPoint) =>
    metrics && models.every(({ constraints }, index) => meets(metrics[index] ?? {}, constraints))
  return mostHeld(
    groupsBy(own, placeKey).flatMap((group) =>
      group.slice(0, 1).map(({ loads }) => ({ loads, standing: standingOf(group.map(isHeld)) })),
    ),
  )
}

function measure(place: ConcurrentPlace, purpose: 'explore' | 'confirm', why: string): ConcurrentStep {
  const { configurations, loads } = place
  return { kind: 'measure', place: { configurations, loads }, purpose, why }
}

function done(state: ConcurrentState, reason: string): ConcurrentStep {
  return { kind: 'done', answer: answerOf(state), reason }
}
