import type { Constraint, Objective } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { inferencesOf, type Load, loadKey } from '../domain/load.ts'
import { tieErrors } from './answer.ts'
import { allows, budgetWords } from './budget.ts'
import { defaultSpread, groupsBy, hasFailed, meansByModel } from './candidates.ts'
import { type Move, movesFrom } from './concurrent-moves.ts'
import { gain, score, violation } from './score.ts'
import type { Space } from './space.ts'
import type { SearchBudget, SearchMetrics } from './state.ts'

/** One of the models that are under load at once, with what is sought of it. */
export interface ConcurrentModel {
  readonly name: string
  /** Its own configurations and loads. */
  readonly space: Space
  readonly objectives: readonly Objective[]
  readonly constraints: readonly Constraint[]
  /** What its gain counts; of all models they sum up to 1. */
  readonly weight: number
}

/** One configuration and one load of each model, in the models' order. */
export interface ConcurrentPlace {
  readonly configurations: readonly Configuration[]
  readonly loads: readonly Load[]
}

export interface ConcurrentPoint extends ConcurrentPlace {
  /** By model; null where any of them did not load or answer: then nothing was measured beside it. */
  readonly metrics: readonly SearchMetrics[] | null
  /** Measured after the search, for a capacity: no step of the search rests on it. */
  readonly purpose?: 'capacity' | undefined
}

export interface ConcurrentState {
  readonly models: readonly ConcurrentModel[]
  /** The gated loads of all models at once, where a search begins. */
  readonly gated: readonly (readonly Load[])[]
  /** In the order they were measured. The configurations of the last one are those that are loaded now. */
  readonly points: readonly ConcurrentPoint[]
  readonly budget: SearchBudget
}

export type ConcurrentStep =
  | {
      readonly kind: 'measure'
      readonly place: ConcurrentPlace
      readonly purpose: 'explore' | 'confirm' | 'capacity'
      readonly why: string
    }
  | { readonly kind: 'done'; readonly answer: ConcurrentAnswer | null; readonly reason: string }

export interface ConcurrentAnswer extends ConcurrentPlace {
  /** Means over the measurements of this place, by model. */
  readonly metrics: readonly SearchMetrics[]
  readonly measurements: number
  /** The same of the committed configurations at their best loads; null where nothing was measured of them. */
  readonly committed: (ConcurrentPlace & { readonly metrics: readonly SearchMetrics[] }) | null
  /** By model, and of all by their weights: against the committed ones; null where one of both breaks a constraint. */
  readonly gains: readonly (number | null)[]
  readonly gain: number | null
  readonly tie: boolean
  readonly meetsConstraints: boolean
}

interface Candidate extends ConcurrentPlace {
  readonly metrics: readonly SearchMetrics[]
  readonly measurements: number
  /** How often it was tried: more than that where it failed as well. */
  readonly tries: number
}

/** Of the gated loads so many are tried first: gains are against the committed configurations' best. */
const mostGated = 3

/** Winner and committed are each measured twice: the best of many is best by its noise, too. */
const confirmations = 2

/** A step that brings less than this, or loses less, is noise: no direction is learnt from it. */
const leastGain = 0.02

/** Two measurements of each of two places, of which one of each is made. */
const reserve = 2 * (confirmations - 1)

/**
 * The next measurement of the search over the configurations and loads of several models at once, or its answer: the committed
 * ones at the gated loads; then from the best place so far a step of one model, or of all loads, at a time, those first that
 * have helped before, until none helps; at last the winner and the committed ones again.
 */
export function nextConcurrentStep(state: ConcurrentState): ConcurrentStep {
  const { models, gated, points } = state
  const committed = models.map(({ space }) => space.committed)
  for (const loads of gated.slice(0, mostGated)) {
    const place = { configurations: committed, loads }
    if (points.some((point) => placeKey(point) === placeKey(place))) continue
    if (!isAffordable(state, place, 0)) return done(state, budgetWords(state, reserve))
    return measure(place, 'explore', 'the committed configurations come first')
  }
  const ranked = rank(state, candidatesOf(points))
  const home = homeOf(state, ranked)
  if (home === null) return done(state, 'the committed configurations could not be measured')
  const promising = untried(state, home)
  const next = promising.find(({ place }) => isAffordable(state, place, reserve))
  if (next !== undefined) return measure(next.place, 'explore', next.words)
  const reason =
    promising.length === 0 ? 'no step from the best combination is left' : budgetWords(state, reserve)
  const contender = nextContender(ranked)
  if (contender === null || !isAffordable(state, contender, 0)) return done(state, reason)
  return measure(contender, 'confirm', 'winner and committed configurations are measured again')
}

/**
 * Where the steps begin: the best place, or of those that are no worse beyond the noise the one with the heaviest loads, since
 * under a light load no configuration makes a difference.
 */
function homeOf({ models }: ConcurrentState, ranked: readonly Candidate[]): Candidate | null {
  const [best] = ranked
  if (best === undefined) return null
  const heaviness = ({ loads }: Candidate) =>
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

/** 1 where `one` is better beyond the noise, −1 where it is worse, 0 between. */
function comparison(
  models: readonly ConcurrentModel[],
  one: readonly SearchMetrics[],
  other: readonly SearchMetrics[],
): number {
  const [mine, theirs] = [violationOf(models, one), violationOf(models, other)]
  if (mine !== theirs && Math.max(mine, theirs) > leastGain) return mine < theirs ? 1 : -1
  const difference = scoreOf(models, one, other)
  return Math.abs(difference) < leastGain ? 0 : Math.sign(difference)
}

/** The weighted sum of each model's score against another place: above 0 = better. */
export function scoreOf(
  models: readonly ConcurrentModel[],
  metrics: readonly SearchMetrics[],
  against: readonly SearchMetrics[],
): number {
  return models.reduce(
    (sum, { weight, objectives }, index) =>
      sum + weight * score(metrics[index] ?? {}, against[index] ?? {}, objectives),
    0,
  )
}

/** How far all models together are off their own constraints; 0 where every one meets its own. */
export function violationOf(models: readonly ConcurrentModel[], metrics: readonly SearchMetrics[]): number {
  return models.reduce((sum, { constraints }, index) => sum + violation(metrics[index] ?? {}, constraints), 0)
}

/** Best first: what meets all constraints, by score; then the rest by how little it is off. */
function rank({ models }: Pick<ConcurrentState, 'models'>, candidates: readonly Candidate[]): Candidate[] {
  const [first] = candidates
  if (first === undefined) return []
  return candidates
    .map((candidate) => ({
      candidate,
      // What failed when it was measured again is no answer while anything else is.
      off: hasFailed(candidate) ? Number.POSITIVE_INFINITY : violationOf(models, candidate.metrics),
      score: scoreOf(models, candidate.metrics, first.metrics),
    }))
    .toSorted((a, b) => (a.off === b.off ? b.score - a.score : a.off < b.off ? -1 : 1))
    .map(({ candidate }) => candidate)
}

function candidatesOf(points: readonly ConcurrentPoint[]): Candidate[] {
  return groupsBy(points, placeKey).flatMap((group) => {
    const [first] = group
    const measured = group.flatMap(({ metrics }) => (metrics === null ? [] : [metrics]))
    if (first === undefined) return []
    const { configurations, loads } = first
    const metrics = meansByModel(measured)
    if (metrics === null) return []
    return [{ configurations, loads, metrics, measurements: measured.length, tries: group.length }]
  })
}

function nextContender(ranked: readonly Candidate[]): ConcurrentPlace | null {
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
  const ownMeets = own !== undefined && violationOf(models, own.metrics) === 0
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
    gains,
    gain: comparable
      ? models.reduce((sum, { weight }, index) => sum + weight * (gains[index] ?? 0), 0)
      : null,
    tie,
    meetsConstraints,
  }
}

export function placeKey({ configurations, loads }: ConcurrentPlace): string {
  return configurations
    .map((configuration, index) => {
      const load = loads[index]
      return `${configurationKey(configuration)} ${load === undefined ? '' : loadKey(load)}`
    })
    .join(' | ')
}

/** Models whose configuration is not the one that is loaded now. */
function changed({ points }: ConcurrentState, place: ConcurrentPlace): number {
  const loaded = points.at(-1)?.configurations
  if (loaded === undefined) return place.configurations.length
  return place.configurations.filter((configuration, index) => {
    const now = loaded[index]
    return now === undefined || configurationKey(now) !== configurationKey(configuration)
  }).length
}

export function isAffordable(state: ConcurrentState, place: ConcurrentPlace, kept: number): boolean {
  const { load, measure } = state.budget.costNs
  return allows(state, measure + changed(state, place) * load, kept)
}

function measure(place: ConcurrentPlace, purpose: 'explore' | 'confirm', why: string): ConcurrentStep {
  const { configurations, loads } = place
  return { kind: 'measure', place: { configurations, loads }, purpose, why }
}

function done(state: ConcurrentState, reason: string): ConcurrentStep {
  return { kind: 'done', answer: answerOf(state), reason }
}
