import { batchSizeOf } from '../domain/load.ts'
import { holds } from './answer.ts'
import type { Candidate } from './candidates.ts'
import { effortOf } from './effort.ts'
import type { Members } from './members.ts'
import { instancesOf } from './memory.ts'
import { score, violation } from './score.ts'
import type { Place, SearchMetrics, SearchState } from './state.ts'
import type { Foresight } from './stations.ts'

/** What a place is expected to gain, and how much more its stations could do. */
export interface Forecast {
  readonly gain: number
  readonly headroom: number
}

/** Meeting the limits is worth more than any gain (a score is below 2), and than coming near; among those that do the objective decides. */
export const meeting = 4

/** What a place is expected to gain over the best: of the objective where limits hold, or in coming nearer to them. */
export function forecaster(
  { objectives, constraints, space }: SearchState,
  members: Members,
  best: Candidate,
  foresight: Foresight,
): (place: Place) => Forecast {
  const here = foresight(best)
  const effort = effortOf(best.configuration, space)
  const bestHolds = holds(best, constraints)
  const missing = violation(best.metrics, constraints)
  const gainOf = (metrics: SearchMetrics): number => {
    const left = violation(metrics, constraints)
    if (bestHolds) return left > 0 ? Number.NEGATIVE_INFINITY : score(metrics, best.metrics, objectives)
    if (left === 0) return meeting + score(metrics, best.metrics, objectives)
    return Number.isFinite(missing) ? (missing - left) / (1 + missing) : Number.NEGATIVE_INFINITY
  }
  return (place) => {
    const flow = foresight(place)
    const gain = gainOf(foretold(best, here, flow, place, members))
    const more = effortOf(place.configuration, space) - effort
    return { gain: gain - more, headroom: flow.headroom }
  }
}

function foretold(
  best: Candidate,
  here: ReturnType<Foresight>,
  flow: ReturnType<Foresight>,
  place: Place,
  members: Members,
): SearchMetrics {
  const slower = flow.latencyNs / here.latencyNs
  const inferPerSec =
    ((best.metrics.inferPerSec ?? 0) * flow.requestsPerSecond * batchSizeOf(place.load)) /
    (here.requestsPerSecond * batchSizeOf(best.load))
  const larger = instancesOf(place.configuration, members) / instancesOf(best.configuration, members)
  const scaled = Object.entries(best.metrics).map(([name, value]) => {
    if (value == null) return [name, value]
    if (name === 'inferPerSec') return [name, inferPerSec]
    if (name.startsWith('latency')) return [name, value * slower]
    return [name, name.startsWith('gpu') && name.endsWith('MemoryBytes') ? value * larger : value]
  })
  return Object.fromEntries(scaled) as SearchMetrics
}
