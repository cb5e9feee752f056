import { compareModels } from '../../src/compare/compare.ts'
import type { CompareInput } from '../../src/compare/sides.ts'
import type { Comparison } from '../../src/domain/result.ts'
import { binomialCdf } from '../../src/stats/special.ts'

/** A true change for the worse, as log ratios. */
export interface Change {
  readonly p99: number
  readonly throughput: number
}

export const none: Change = { p99: 0, throughput: 0 }

/** A report that was measured, not yet judged. */
export interface SimulatedReport {
  readonly input: CompareInput
  /** By model. */
  readonly truths: readonly Change[]
  readonly tolerance: Change
}

export interface Tally {
  readonly reports: number
  /** Reports in which anything fails that did not change, or changed by no more than the tolerance. */
  readonly falseFails: number
  /** Reports in which all comparisons pass. */
  readonly allPass: number
  /** Reports in which anything fails, rightly or not. */
  readonly anyFails: number
  /** Reports in which the changed model fails. */
  readonly found: number
  /** Comparisons of the changed model by status. */
  readonly changed: Readonly<Record<Comparison['status'], number>>
  /** Two-sided 95 % intervals of comparisons, and those of them that hold the truth. */
  readonly intervals: number
  readonly covering: number
  /** Repetitions that a model took, summed over models and reports. */
  readonly repetitions: number
  /** Inconclusive comparisons by metric, and by the smallest change that they say would have been seen, in per mille. */
  readonly detectable: Readonly<Record<'p99' | 'throughput', Readonly<Record<string, number>>>>
}

/** Hundreds of different changes, which one table alone asks for: the others keep none. */
export function withoutDetectable(all: Tally): Tally {
  return { ...all, detectable: { p99: {}, throughput: {} } }
}

/** Judges so many reports with the real comparison. */
export function tally(reports: number, simulate: () => SimulatedReport): Tally {
  const changed: Record<Comparison['status'], number> = {
    pass: 0,
    fail: 0,
    inconclusive: 0,
    invalid: 0,
    accepted: 0,
    info: 0,
  }
  const detectable = { p99: {} as Record<string, number>, throughput: {} as Record<string, number> }
  let [falseFails, allPass, anyFails, found, intervals, covering, repetitions] = [0, 0, 0, 0, 0, 0, 0]
  for (let report = 0; report < reports; report++) {
    const { input, truths, tolerance } = simulate()
    const { models } = compareModels(input)
    const rows = models.flatMap(({ comparisons }, index) =>
      comparisons
        .filter(({ primary }) => primary)
        .map((row) => ({ row, ...truthOfRow(row, truths[index] ?? none, tolerance) })),
    )
    if (rows.some(({ row, beyond }) => row.status === 'fail' && !beyond)) falseFails++
    if (rows.every(({ row }) => row.status === 'pass')) allPass++
    if (rows.some(({ row }) => row.status === 'fail')) anyFails++
    const ofChanged = rows.filter(({ beyond }) => beyond)
    if (ofChanged.some(({ row }) => row.status === 'fail')) found++
    for (const { row } of ofChanged) changed[row.status]++
    for (const { row, ratio } of rows) {
      if (row.metric === 'latencyP99Ns') repetitions += row.repetitions
      if (row.detectableChange !== null) {
        const counts = detectable[row.metric === 'latencyP99Ns' ? 'p99' : 'throughput']
        const perMille = String(Math.round(1000 * row.detectableChange))
        counts[perMille] = (counts[perMille] ?? 0) + 1
      }
      if (row.changeInterval === null) continue
      intervals++
      if (row.changeInterval[0] <= ratio && ratio <= row.changeInterval[1]) covering++
    }
  }
  return {
    reports,
    falseFails,
    allPass,
    anyFails,
    found,
    changed,
    intervals,
    covering,
    repetitions,
    detectable,
  }
}

/** The true ratio behind a comparison, and whether it is worse by more than the tolerance. */
function truthOfRow(row: Comparison, truth: Change, tolerance: Change): { ratio: number; beyond: boolean } {
  return row.metric === 'inferPerSec'
    ? {
        ratio: Math.exp(-truth.throughput),
        beyond: truth.throughput > -Math.log1p(-tolerance.throughput) + 1e-9,
      }
    : { ratio: Math.exp(truth.p99), beyond: truth.p99 > Math.log1p(tolerance.p99) + 1e-9 }
}

/** Whether so many events in so many trials speak against a rate of at most `rate` (one-sided, at 0.1 %). */
export function exceeds(events: number, trials: number, rate: number): boolean {
  return 1 - binomialCdf(events - 1, trials, rate) < 0.001
}
