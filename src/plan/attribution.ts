import type { Load } from '../domain/load.ts'
import type { MeasuringTime, ModelPlan } from './plan.ts'
import { firstOverheadNs, minMeasurementNs } from './plan.ts'

/** How the time left is spent on one round of sides that are measured beside each other. */
export interface AttributionPlan {
  readonly loads: readonly Load[]
  readonly repetitions: number
  readonly time: MeasuringTime
}

/** Fewer leave the spread unknown; see minRepetitions of the comparison. */
const leastRepetitions = 4
/** The t quantile of an interval is 2.6 with six, 3.2 with four; more pays little for its time. */
const mostRepetitions = 6

/**
 * What fits into `timeNs`: all loads or the worst one, more repetitions or fewer, and of what fits the longest measuring time up to
 * the one that was asked for. A text where nothing fits.
 *
 * @param loads that are confirmed to be worse, the worst first
 * @param sides how many servers run beside each other
 */
export function planAttribution(
  plan: ModelPlan,
  loads: readonly Load[],
  sides: number,
  timeNs: number,
): AttributionPlan | string {
  // Twice the servers take twice as long to start, where the cores are few.
  const overheadNs = (firstOverheadNs * sides) / 2
  const costNs = (count: number, measurementNs: number) =>
    overheadNs + count * sides * (plan.warmupNs + measurementNs)
  const shortestNs = Math.min(minMeasurementNs, plan.measurementNs)
  const wantedRepetitions = Math.max(leastRepetitions, Math.min(mostRepetitions, plan.repetitions))
  const choices = [
    { loads, repetitions: wantedRepetitions },
    { loads: loads.slice(0, 1), repetitions: wantedRepetitions },
    { loads: loads.slice(0, 1), repetitions: leastRepetitions },
  ]
  const chosen = choices.find(
    (choice) => choice.repetitions * costNs(choice.loads.length, shortestNs) <= timeNs,
  )
  if (chosen === undefined) {
    const neededNs = leastRepetitions * costNs(1, shortestNs)
    return `${seconds(timeNs)} s of the time budget were left, it takes ${seconds(neededNs)} s`
  }
  const windows = chosen.loads.length * sides
  const affordableNs = Math.floor((timeNs / chosen.repetitions - overheadNs) / windows - plan.warmupNs)
  const measurementNs = Math.max(shortestNs, Math.min(plan.measurementNs, affordableNs))
  return {
    ...chosen,
    time: {
      measurementNs,
      maxMeasurementNs: Math.max(measurementNs, Math.min(affordableNs, 2 * measurementNs)),
      blockNs: Math.min(plan.blockNs, measurementNs),
      warmupNs: plan.warmupNs,
      maxWarmupNs: plan.warmupNs,
    },
  }
}

/** The comparison of the sides needs as many. */
const leastCounted = 3

/**
 * Whether the next repetition is worth beginning, after `done` of them of which the longest took `longestNs`: what was
 * planned is a guess until the first one has been seen, and models that take minutes to load take more. `go`, `enough`, or a
 * text where too few would be had.
 */
export function nextRepetition(done: number, longestNs: number, leftNs: number): string {
  const missing = Math.max(1, leastCounted - done)
  if (done === 0 || missing * longestNs <= leftNs) return 'go'
  if (done >= leastCounted) return 'enough'
  return `a repetition took ${seconds(longestNs)} s, ${missing} more do not fit into the ${seconds(leftNs)} s left`
}

function seconds(ns: number): number {
  return Math.max(0, Math.ceil(ns / 1e9))
}
