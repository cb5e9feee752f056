import type { Constraint, Objective } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { type Load, loadKey } from '../domain/load.ts'
import { allows } from './budget.ts'
import type { Space } from './space.ts'
import { type SearchBudget, type SearchMetrics, sameConfiguration } from './state.ts'
import type { Standing } from './unsteady.ts'

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
  /** The gated loads at which the committed ones met all limits in some of their measurements only, where they did at none always. */
  readonly unsteady: { readonly loads: readonly Load[]; readonly standing: Standing } | null
  /** By model, and of all by their weights: against the committed ones; null where one of both breaks a constraint, or has no value of what is sought. */
  readonly gains: readonly (number | null)[]
  readonly gain: number | null
  readonly tie: boolean
  readonly meetsConstraints: boolean
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
    return now === undefined || !sameConfiguration(now, configuration)
  }).length
}

export function isAffordable(state: ConcurrentState, place: ConcurrentPlace, kept: number): boolean {
  const { load, measure } = state.budget.costNs
  return allows(state, measure + changed(state, place) * load, kept)
}
