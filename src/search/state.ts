import type { Constraint, Objective } from '../config/config.ts'
import type { ComposingModel } from '../domain/composing.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { type Load, loadKey } from '../domain/load.ts'
import type { MetricName } from '../domain/metric.ts'
import type { Space } from './space.ts'

/** One measurement's metrics, in each metric's own unit; null or missing where it could not be had. */
export type SearchMetrics = Readonly<Partial<Record<MetricName, number | null>>>

/** A place of the landscape: one configuration at one load. */
export interface Place {
  readonly configuration: Configuration
  readonly load: Load
}

/**
 * A measurement that was made. `metrics` is null where it failed: the model did not load, or did not answer.
 * The first of a place explores, any later one of the same place confirms.
 */
export interface SearchPoint extends Place {
  readonly metrics: SearchMetrics | null
  /** Measured after the search, for a capacity: no step of the search rests on it. */
  readonly purpose?: 'capacity' | undefined
  /** What the models did that the measured one needs; left out where it needs none. */
  readonly composing?: readonly ComposingModel[] | undefined
}

export interface SearchBudget {
  /** All of `SearchState.points` count: a failed one and a re-measurement too. */
  readonly maxMeasurements: number
  /** null = no limit. */
  readonly timeLeftNs: number | null
  /** What a step is expected to cost: loading another configuration, and measuring one load. */
  readonly costNs: { readonly load: number; readonly measure: number }
  /** Keys of the configurations that are loaded, each on a server; left out: only that of the last point is. */
  readonly loaded?: readonly string[]
}

/** All that a step depends on. The configuration of the last point is the one that is loaded now. */
export interface SearchState {
  readonly space: Space
  readonly objectives: readonly Objective[]
  readonly constraints: readonly Constraint[]
  /** In the order they were measured. */
  readonly points: readonly SearchPoint[]
  readonly budget: SearchBudget
}

export type Step =
  | (Place & {
      readonly kind: 'measure'
      readonly purpose: 'explore' | 'confirm' | 'capacity'
      /** For the progress line: why this one. */
      readonly why: string
    })
  | {
      readonly kind: 'done'
      /** null where no measurement succeeded. */
      readonly answer: SearchAnswer | null
      /** Why the search stopped, as a clause: `the budget of 20 measurements is used up`. */
      readonly reason: string
    }

export interface SearchAnswer extends Place {
  /** Mean over the measurements of this configuration at this load. */
  readonly metrics: SearchMetrics
  readonly measurements: number
  /** Gain over the committed configuration's best load as a ratio; null where that one meets the constraints at no load, or not always, or it is not known. */
  readonly gain: number | null
  /** Cannot be told apart from the committed configuration, which therefore stands. */
  readonly tie: boolean
  readonly meetsConstraints: boolean
  readonly explanation: string
}

export function placeKey(place: Place): string {
  return `${configurationKey(place.configuration)} ${loadKey(place.load)}`
}

export function sameConfiguration(one: Configuration, other: Configuration): boolean {
  return configurationKey(one) === configurationKey(other)
}
