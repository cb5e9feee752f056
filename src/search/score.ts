import type { Constraint, Objective } from '../config/config.ts'
import { metrics as definitions, type MetricName } from '../domain/metric.ts'
import type { SearchMetrics } from './state.ts'

/** True where every constraint holds. A value on the limit passes; a value that is missing does not. */
export function meets(metrics: SearchMetrics, constraints: readonly Constraint[]): boolean {
  return constraints.every((constraint) => excess(metrics, constraint) === 0)
}

/**
 * How far all constraints together are violated: the sum of the relative excesses, (value − max) / max or
 * (min − value) / min, as Model Analyzer ranks what fails. 0 = all hold; infinite where a value is missing.
 */
export function violation(metrics: SearchMetrics, constraints: readonly Constraint[]): number {
  return constraints.reduce((sum, constraint) => sum + excess(metrics, constraint), 0)
}

/** The relative excess over one constraint, 0 where it holds. */
export function excess(metrics: SearchMetrics, constraint: Constraint): number {
  const value = metrics[constraint.metric]
  if (value == null || !Number.isFinite(value)) return Number.POSITIVE_INFINITY
  const over = constraint.bound === 'max' ? value - constraint.limit : constraint.limit - value
  if (over <= 0) return 0
  return constraint.limit === 0 ? Number.POSITIVE_INFINITY : over / Math.abs(constraint.limit)
}

/**
 * Model Analyzer's score of `metrics` against `against`: the sum over objectives of
 * weight × (self − other) / mean(self, other), weights normalised, sign turned where less is better.
 * Above 0 = better. A metric that only one side has is a win of ±1 for that side; one that neither has counts 0.
 */
export function score(
  metrics: SearchMetrics,
  against: SearchMetrics,
  objectives: readonly Objective[],
): number {
  return comparedBy(metrics, against, objectives, (self, other) => {
    const mean = (self + other) / 2
    return mean === 0 ? 0 : (self - other) / mean
  })
}

/** An idle GPU uses 0 %: as good as nothing, but it has a logarithm. */
const smallest = 1e-9

/**
 * The same on the log scale, weight × log(self / other): it tells a hundredfold from a fiftyfold, which against a poor `against`
 * a score, being below 2, hardly does, and orders what is compared with the same `against` as if it were compared pair by pair.
 */
export function logScore(
  metrics: SearchMetrics,
  against: SearchMetrics,
  objectives: readonly Objective[],
): number {
  return comparedBy(metrics, against, objectives, (self, other) =>
    Math.log(Math.max(self, smallest) / Math.max(other, smallest)),
  )
}

/**
 * The gain shown to people, as a ratio (0.18 = 18 % better): the weighted geometric mean over objectives of self / other where
 * more is better and other / self where less is, less 1. It is `logScore` in other words: what is ranked higher gains more, and ten
 * times better in one of two objectives makes up for ten times worse in the other. What neither side has is left out; null where
 * one side alone has a metric, and where none is left.
 */
export function gain(
  metrics: SearchMetrics,
  against: SearchMetrics,
  objectives: readonly Objective[],
): number | null {
  const known = objectives.filter(({ metric }) => positive(metrics[metric]) || positive(against[metric]))
  const isTold = known.every(({ metric }) => positive(metrics[metric]) && positive(against[metric]))
  return known.length === 0 || !isTold ? null : Math.expm1(logScore(metrics, against, known))
}

/**
 * The gain of several models together: the weighted geometric mean of 1 + each one's gain, less 1. null where one is not known.
 *
 * @param weights which add up to 1
 */
export function gainOfAll(gains: readonly (number | null)[], weights: readonly number[]): number | null {
  const logs = gains.flatMap((each) => (each === null ? [] : [Math.log1p(each)]))
  if (logs.length < gains.length) return null
  return Math.expm1(logs.reduce((sum, log, index) => sum + (weights[index] ?? 0) * log, 0))
}

/** 1 where more is better, −1 where less is. */
export function direction(metric: MetricName): 1 | -1 {
  return definitions[metric].better === 'higher' ? 1 : -1
}

/** The objectives' weights divided by their sum. */
export function weights(objectives: readonly Objective[]): number[] {
  const total = objectives.reduce((sum, { weight }) => sum + weight, 0)
  return objectives.map(({ weight }) => (total === 0 ? 1 / objectives.length : weight / total))
}

/** By how much `metrics` is better, each metric judged by `excessOf`, which is above 0 where there is more of it. */
function comparedBy(
  metrics: SearchMetrics,
  against: SearchMetrics,
  objectives: readonly Objective[],
  excessOf: (self: number, other: number) => number,
): number {
  return weighted(objectives, (metric) => {
    const self = metrics[metric] ?? null
    const other = against[metric] ?? null
    if (self === null || other === null) return Number(self !== null) - Number(other !== null)
    return direction(metric) * excessOf(self, other)
  })
}

function weighted(objectives: readonly Objective[], term: (metric: MetricName) => number): number {
  const shares = weights(objectives)
  return objectives.reduce((sum, { metric }, i) => sum + (shares[i] ?? 0) * term(metric), 0)
}

function positive(value: number | null | undefined): boolean {
  return value != null && value > 0
}
