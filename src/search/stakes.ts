import type { Constraint, Objective } from '../config/config.ts'
import { metrics as definitions } from '../domain/metric.ts'
import { normalCdf } from '../stats/special.ts'
import type { Candidate } from './candidates.ts'
import type { Belief } from './gaussian.ts'
import { expectedGain } from './improvement.ts'
import { direction, excess, weights } from './score.ts'
import { beliefOf, type Outlook } from './surrogate.ts'

/**
 * The objective on the log scale, Σ weight × ±log(metric), as slope × log throughput + rest. To second order its
 * differences are Model Analyzer's scores, and being a sum of normals `rest` is itself normal.
 */
export interface Utility {
  readonly slope: number
  readonly rest: Belief
}

export function utilityOf({ relation }: Outlook, objectives: readonly Objective[]): Utility {
  const shares = weights(objectives)
  let slope = 0
  let mean = 0
  let variance = 0
  for (const [i, { metric }] of objectives.entries()) {
    const { ofRate, rest } = relation(metric)
    const share = (shares[i] ?? 0) * direction(metric)
    slope += share * ofRate
    mean += share * rest.mean
    variance += (share * rest.sd) ** 2
  }
  return { slope, rest: { mean, sd: Math.sqrt(variance) } }
}

/** What is asked of a place whatever its throughput: nothing. */
export const nothing: Belief = { mean: Number.NEGATIVE_INFINITY, sd: 0 }

/** What the constraints ask of the log throughput, by Little's law those on latency too; and the chance that all others hold. */
export function needsOf(
  outlook: Outlook,
  constraints: readonly Constraint[],
): { readonly least: Belief; readonly others: number } {
  let least = nothing
  let others = 1
  for (const constraint of constraints) {
    const { ofRate, rest } = outlook.relation(constraint.metric)
    const isFloor = constraint.limit > 0 && ofRate === (constraint.bound === 'max' ? -1 : 1)
    const log = Math.log(constraint.limit)
    const needed = { mean: ofRate * (log - rest.mean), sd: rest.sd }
    if (!isFloor) others *= chanceOf(roomOf(outlook, constraint))
    else if (needed.mean > least.mean) least = needed
  }
  return { least, others }
}

/** The chance that all constraints hold. */
export function meetingOf(outlook: Outlook, constraints: readonly Constraint[]): number {
  const { least, others } = needsOf(outlook, constraints)
  return others * expectedGain(outlook.rate, { slope: 0, rest: nothing, floor: 0, least }).chance
}

/**
 * The chance that one more measurement of a place turns the mean of all its measurements to where the limits hold: it must be
 * within each by as much as all that was measured so far is beyond it.
 *
 * @param spread relative standard deviation of one measurement
 */
export function chanceToTurn(
  { metrics, measurements }: Pick<Candidate, 'metrics' | 'measurements'>,
  outlook: Outlook,
  constraints: readonly Constraint[],
  spread: number,
): number {
  const chances = constraints.map((constraint) => {
    const { metric, bound, limit } = constraint
    const value = metrics[metric]
    // It may have been missed by accident, but hardly twice.
    if (value == null) return measurements > 1 ? 0 : 1
    // Memory has no noise: whatever is believed of it, it will be measured as it was.
    if (definitions[metric].unit === 'bytes') return excess(metrics, constraint) > 0 ? 0 : 1
    if (limit <= 0) return 1
    const beyond = bound === 'max' ? Math.log(value / limit) : Math.log(limit / value)
    const room = roomOf(outlook, constraint)
    return chanceOf({ mean: room.mean - measurements * beyond, sd: Math.hypot(room.sd, spread) })
  })
  return Math.min(1, ...chances)
}

function chanceOf({ mean, sd }: Belief): number {
  return normalCdf(mean / Math.max(sd, 1e-9))
}

/**
 * The log distance to the limit that is missed most: negative where it is missed. null where there is none to come nearer to: from a
 * limit of 0 or less every place is as far as any other.
 */
export function marginOf(outlook: Outlook, constraints: readonly Constraint[]): Belief | null {
  const rooms = constraints.filter(({ limit }) => limit > 0).map((constraint) => roomOf(outlook, constraint))
  return rooms.reduce<Belief | null>(
    (worst, room) => (worst === null || room.mean < worst.mean ? room : worst),
    null,
  )
}

function roomOf(outlook: Outlook, { metric, bound, limit }: Constraint): Belief {
  // A metric on the log scale is above 0: a limit of 0 or less is always kept from below, and never from above.
  if (limit <= 0)
    return { mean: bound === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY, sd: 0 }
  const { mean, sd } = beliefOf(outlook, metric)
  return { mean: bound === 'max' ? Math.log(limit) - mean : mean - Math.log(limit), sd }
}
