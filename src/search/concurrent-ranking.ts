import { groupsBy, hasFailed, meansByModel } from './candidates.ts'
import {
  type ConcurrentModel,
  type ConcurrentPlace,
  type ConcurrentPoint,
  type ConcurrentState,
  placeKey,
} from './concurrent-state.ts'
import { logScore, violation } from './score.ts'
import type { SearchMetrics } from './state.ts'

/** A measured place of all models with the means of its measurements. */
export interface ConcurrentCandidate extends ConcurrentPlace {
  readonly metrics: readonly SearchMetrics[]
  readonly measurements: number
  /** How often it was tried: more than that where it failed as well. */
  readonly tries: number
}

/** A step that brings less than this, or loses less, is noise: no direction is learnt from it. */
const leastGain = 0.02

/** 1 where `one` is better beyond the noise, −1 where it is worse, 0 between. */
export function comparison(
  models: readonly ConcurrentModel[],
  one: readonly SearchMetrics[],
  other: readonly SearchMetrics[],
): number {
  const [mine, theirs] = [violationOf(models, one), violationOf(models, other)]
  if (mine !== theirs && Math.max(mine, theirs) > leastGain) return mine < theirs ? 1 : -1
  const difference = scoreOf(models, one, other)
  return Math.abs(difference) < leastGain ? 0 : Math.sign(difference)
}

/** The weighted sum of each model's score on the log scale against another place: above 0 = better. */
export function scoreOf(
  models: readonly ConcurrentModel[],
  metrics: readonly SearchMetrics[],
  against: readonly SearchMetrics[],
): number {
  return models.reduce(
    (sum, { weight, objectives }, index) =>
      sum + weight * logScore(metrics[index] ?? {}, against[index] ?? {}, objectives),
    0,
  )
}

/** How far all models together are off their own constraints; 0 where every one meets its own. */
export function violationOf(models: readonly ConcurrentModel[], metrics: readonly SearchMetrics[]): number {
  return models.reduce((sum, { constraints }, index) => sum + violation(metrics[index] ?? {}, constraints), 0)
}

/** Best first: what meets all constraints, by score; then the rest by how little it is off. */
export function rank(
  { models }: Pick<ConcurrentState, 'models'>,
  candidates: readonly ConcurrentCandidate[],
): ConcurrentCandidate[] {
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

export function candidatesOf(points: readonly ConcurrentPoint[]): ConcurrentCandidate[] {
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
