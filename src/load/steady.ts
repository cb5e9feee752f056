import { defaultTolerance, minRequestsForPercentile } from '../domain/metric.ts'
import { withMinus } from '../domain/words.ts'
import { quantile } from '../stats/quantile.ts'
import { mean } from '../stats/robust.ts'
import type { Window } from './generator.ts'

/** What is judged of a window. */
export type JudgedWindow = Pick<Window, 'durationNs' | 'completed' | 'latenciesNs'>

/** When there is enough, and when to stop at the latest; times as they pass, between the windows too. */
export interface SteadyBudget {
  /** Windows below this time and this number of successful requests are too little, however even they are. */
  readonly minNs: number
  readonly minRequests: number
  readonly maxNs: number
}

/** A step's outcome; `reason` in words, for the file and the progress line. */
export type SteadyStep =
  | { readonly kind: 'goOn'; readonly reason: string }
  /** `since`: the first window of the steady state, 0 where that holds all of them. */
  | { readonly kind: 'steady'; readonly since: number; readonly reason: string }
  | { readonly kind: 'outOfBudget'; readonly reason: string }

/** Four windows a half: fewer, and one odd window is most of a half. */
const minWindows = 8

/** The percentiles from which the judged one is taken: the highest that every judged window has the requests for. */
const percentiles = [0.99, 0.95, 0.9, 0.5] as const

/**
 * Drifts that the gate tolerates between two sides are not worth waiting for. Errors: what eight windows give where they scatter
 * by 22 % and 42 %; a percentile of a short window rests on a few requests.
 */
const limits = {
  throughput: { maxDrift: defaultTolerance.inferPerSec ?? 0.03, maxError: 0.08 },
  percentile: { maxDrift: defaultTolerance.latencyP99Ns ?? 0.05, maxError: 0.15 },
}

interface Signal {
  readonly label: string
  /** Logarithms, one for each judged window: differences are relative changes. */
  readonly values: readonly number[]
  /** Change between the halves that is not worth waiting for. */
  readonly maxDrift: number
  /** Standard error of the mean above which nothing can be said yet. */
  readonly maxError: number
}

/**
 * Whether a load has reached its steady state, from its windows so far, in order, on one target.
 *
 * Judged is the last half of the windows, at least eight (as in MSER, White 1997: what would have to be cut off must not
 * reach into the last half), by two signals, throughput and the highest percentile up to p99 that each window has
 * the requests for. Each must show
 *
 * - no drift: the means of the two halves of the judged windows differ by no more than `maxDrift`, or by no more than
 *   twice the standard error of that difference where the windows scatter so much that it is larger. The scatter is
 *   taken from neighbouring windows (von Neumann's mean square successive difference), which a drift hardly enters;
 * - no change just now: the last window lies within the others' scatter;
 * - little spread: the standard error of the mean is below `maxError`.
 *
 * perf_analyzer asks the last three windows to lie within 10 % of each other, which a drift of 4 % per window passes
 * and a model with scatter never does; steady.test.ts has the rates of both kinds of mistake.
 */
export function steadyStep(
  windows: readonly JudgedWindow[],
  spentNs: number,
  budget: SteadyBudget,
): SteadyStep {
  const requests = windows.reduce((sum, window) => sum + window.latenciesNs.length, 0)
  const lastHalf = windows.slice(-Math.max(minWindows, Math.ceil(windows.length / 2)))
  const problem = problemOf(lastHalf)
  const enough = spentNs >= budget.minNs && requests >= budget.minRequests
  if (enough && problem === null) {
    const judged = problemOf(windows) === null ? windows : lastHalf
    const signals = signalsOf(judged).map(({ label, values }) => `${label} ${percent(drift(values))}`)
    const reason = `steady over ${judged.length} windows (${signals.join(', ')} from half to half)`
    return { kind: 'steady', since: windows.length - judged.length, reason }
  }
  const reason = problem ?? `${requests} of ${budget.minRequests} requests so far`
  if (spentNs < budget.maxNs) return { kind: 'goOn', reason }
  return { kind: 'outOfBudget', reason: `not steady after ${(spentNs / 1e9).toFixed(1)} s: ${reason}` }
}

function problemOf(judged: readonly JudgedWindow[]): string | null {
  if (judged.some((window) => window.completed === 0 || window.latenciesNs.length === 0))
    return 'a window without an answer'
  if (judged.length < minWindows) return `${judged.length} of the ${minWindows} windows it takes to judge`
  for (const { label, values, maxDrift, maxError } of signalsOf(judged)) {
    const scatter = successiveSd(values)
    const change = drift(values)
    // Twice the standard error of the difference of two means of half the windows each.
    const noise = 2 * scatter * Math.sqrt(2 / Math.floor(values.length / 2))
    if (Math.abs(change) > Math.max(maxDrift, noise))
      return `${label} drifts (${percent(change)} from half to half)`
    const before = values.slice(0, -1)
    const jump = (values.at(-1) ?? 0) - mean(before)
    if (Math.abs(jump) > Math.max(2 * maxDrift, 3 * successiveSd(before)))
      return `${label} has just changed (${percent(jump)})`
    const error = sd(values) / Math.sqrt(values.length)
    if (error > maxError) return `${label} is known to ±${(error * 100).toFixed(0)} % only`
  }
  return null
}

function signalsOf(judged: readonly JudgedWindow[]): Signal[] {
  const fewest = Math.min(...judged.map((window) => window.latenciesNs.length))
  const percentile = percentiles.find((each) => fewest >= minRequestsForPercentile(each)) ?? 0.5
  return [
    {
      label: 'throughput',
      values: judged.map((window) => Math.log(window.completed / window.durationNs)),
      ...limits.throughput,
    },
    {
      label: `p${percentile * 100}`,
      values: judged.map((window) => Math.log(quantile(window.latenciesNs, percentile) ?? Number.NaN)),
      ...limits.percentile,
    },
  ]
}

/** Mean of the second half minus mean of the first; the middle one of an odd number is left out. */
function drift(values: readonly number[]): number {
  const half = Math.floor(values.length / 2)
  return mean(values.slice(-half)) - mean(values.slice(0, half))
}

function sd(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}

/** Standard deviation from the differences of neighbours: Σ(x[i+1] − x[i])² / 2(n − 1). */
function successiveSd(values: readonly number[]): number {
  const squares = values.slice(1).map((value, index) => (value - (values[index] ?? value)) ** 2)
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (2 * squares.length))
}

function percent(change: number): string {
  const text = ((Math.exp(change) - 1) * 100).toFixed(0)
  return `${change > 0 ? '+' : ''}${withMinus(text)} %`
}
