import type { Constraint, Objective, SearchSettings } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type MetricName, metricNames } from '../domain/metric.ts'
import { createRandom, type Random } from '../stats/random.ts'
import { logScore, meets } from './score.ts'
import { nextStep } from './search.ts'
import { loadsFor, type Space } from './space.ts'
import {
  type Place,
  type SearchAnswer,
  type SearchBudget,
  type SearchMetrics,
  type SearchPoint,
  sameConfiguration,
} from './state.ts'

/** A known result of every measurement, to judge searches by: recorded, or made up. */
export interface Landscape {
  readonly name: string
  readonly space: Space
  readonly objectives: readonly Objective[]
  readonly constraints: readonly Constraint[]
  /** null = fails. */
  readonly measure: (configuration: Configuration, load: Load) => SearchMetrics | null
}

export interface ReplayOptions {
  readonly maxMeasurements: number
  /** Relative standard deviation of each measured throughput, and of each measured latency; 0 = exact. */
  readonly noise?: number
  readonly seed?: number
  /** On a virtual clock; default 1 ns for a measurement and nothing for a load, so that only measurements count. */
  readonly costNs?: SearchBudget['costNs']
  readonly timeBudgetNs?: number
}

export interface Replay {
  /** In the order measured, noise included. */
  readonly points: readonly SearchPoint[]
  readonly answer: SearchAnswer | null
  /** Why the search stopped. */
  readonly reason: string
  readonly spentNs: number
}

/** Runs a search on a landscape as it would run on a server, without one. The same seed gives the same sequence. */
export function replay(mode: SearchSettings['mode'], landscape: Landscape, options: ReplayOptions): Replay {
  const { noise = 0, seed = 0, maxMeasurements, costNs = { load: 0, measure: 1 }, timeBudgetNs } = options
  const random = createRandom(seed)
  const points: SearchPoint[] = []
  let loaded = landscape.space.committed
  let spentNs = 0
  for (;;) {
    const timeLeftNs = timeBudgetNs === undefined ? null : timeBudgetNs - spentNs
    const step = nextStep(mode, { ...landscape, points, budget: { maxMeasurements, timeLeftNs, costNs } })
    if (step.kind === 'done') return { points, answer: step.answer, reason: step.reason, spentNs }
    const { configuration, load } = step
    spentNs += costNs.measure + (sameConfiguration(configuration, loaded) ? 0 : costNs.load)
    loaded = configuration
    const exact = landscape.measure(configuration, load)
    points.push({ configuration, load, metrics: exact === null ? null : disturbed(exact, noise, random) })
  }
}

/** Every legal place of the landscape with its exact metrics. */
export function places({
  space,
  measure,
}: Landscape): (Place & { readonly metrics: SearchMetrics | null })[] {
  return space.configurations.flatMap((configuration) =>
    loadsFor(space, configuration).map((load) => ({
      configuration,
      load,
      metrics: measure(configuration, load),
    })),
  )
}

/** The best place that meets the constraints exactly; null where none does. */
export function optimum(landscape: Landscape): (Place & { readonly metrics: SearchMetrics }) | null {
  let best: (Place & { readonly metrics: SearchMetrics }) | null = null
  for (const { metrics, ...place } of places(landscape)) {
    if (metrics === null || !meets(metrics, landscape.constraints)) continue
    if (best === null || share(metrics, best.metrics, landscape.objectives) > 1) best = { ...place, metrics }
  }
  return best
}

/** What an answer is worth without noise, as a share of the constrained optimum; null where there is no optimum or no answer. */
export function shareOfOptimum(landscape: Landscape, answer: Place | null): number | null {
  const best = optimum(landscape)
  const metrics = answer === null ? null : landscape.measure(answer.configuration, answer.load)
  return best === null || metrics === null ? null : share(metrics, best.metrics, landscape.objectives)
}

/** Weighted geometric mean over objectives of how much of `best` is reached: 1 = as good. */
function share(metrics: SearchMetrics, best: SearchMetrics, objectives: readonly Objective[]): number {
  return Math.exp(logScore(metrics, best, objectives))
}

/** One factor for throughput and one for all latencies of a measurement, since its percentiles err together. */
function disturbed(metrics: SearchMetrics, noise: number, random: Random): SearchMetrics {
  if (noise === 0) return metrics
  const rate = Math.exp(noise * random.normal())
  const latency = Math.exp(noise * random.normal())
  const factor = (name: MetricName): number => {
    if (name === 'inferPerSec') return rate
    return name.startsWith('latency') ? latency : 1
  }
  return Object.fromEntries(
    metricNames.flatMap((name) => {
      const value = metrics[name]
      return value == null ? [] : [[name, value * factor(name)]]
    }),
  )
}
