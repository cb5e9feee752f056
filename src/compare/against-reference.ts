import type { ModelSettings } from '../config/config.ts'
import type { MetricName } from '../domain/metric.ts'
import { positives, type Repetition, type Scenario, validRepetitions } from '../domain/scenario.ts'
import type { Levels } from '../stats/looks.ts'
import { pairedEstimate } from '../stats/paired.ts'
import { geometricMean, mean, median } from '../stats/robust.ts'
import {
  type Draft,
  minRepetitions,
  missing,
  primaryDrafts,
  settledDraft,
  testedDraft,
  tooFew,
} from './draft.ts'
import { toleranceOf, worseLog } from './worse.ts'

/**
 * The least standard deviation of a log ratio between pairs that is believed. Identical servers measured in turns
 * on a quiet machine differ by 2.2 % (throughput) and 2.6 % (p99) from pair to pair; four pairs that agree
 * within less than half of that do so by luck.
 */
export const minPairSd = 0.01

export interface Pair {
  readonly reference: Repetition
  readonly candidate: Repetition
}

/** Valid repetitions that were measured in turns and name each other. One void side voids the pair. */
export function pairsOf(reference: Scenario, candidate: Scenario): Pair[] {
  const partners = new Map(validRepetitions(reference).map((repetition) => [repetition.index, repetition]))
  return validRepetitions(candidate).flatMap((repetition) => {
    const partner = repetition.pairedWith === null ? undefined : partners.get(repetition.pairedWith)
    return partner?.pairedWith === repetition.index ? [{ reference: partner, candidate: repetition }] : []
  })
}

/** The latency and throughput of one scenario against the same of the reference, measured in turns. */
export function draftsAgainstReference(
  settings: ModelSettings,
  reference: Scenario,
  candidate: Scenario,
  baselineValue: (metric: MetricName) => number | null,
  levelsAt: (pairs: number) => Levels,
): [latency: Draft, throughput: Draft] {
  const pairs = pairsOf(reference, candidate)
  const made = Math.max(reference.repetitions.length, candidate.repetitions.length)
  const sides = [pairs.map((pair) => pair.reference), pairs.map((pair) => pair.candidate)] as const
  const draft = (metric: MetricName, footnotes: readonly string[]): Draft => {
    const start = {
      metric,
      load: candidate.load,
      against: 'reference' as const,
      baselineValue: baselineValue(metric),
    }
    const [references, candidates] = [positives(sides[0], metric), positives(sides[1], metric)]
    if (references === null || candidates === null) {
      const why = pairs.length === 0 ? tooFew(0, made, reference, candidate) : missing
      return settledDraft({ ...start, tolerance: toleranceOf(settings, metric, 0) }, why)
    }
    const values = {
      reference: geometricMean(references),
      candidate: geometricMean(candidates),
      repetitions: pairs.length,
    }
    const row = { ...start, tolerance: toleranceOf(settings, metric, values.reference) }
    if (pairs.length < minRepetitions) {
      const changeRatio = values.candidate / values.reference
      return settledDraft(row, {
        ...values,
        changeRatio,
        ...tooFew(pairs.length, made, reference, candidate),
      })
    }
    const pooled = candidates.map((value, index) => Math.log(value / (references[index] as number)))
    const blocks = metric === 'latencyP99Ns' ? blockLogRatios(pairs) : null
    const worse = (blocks ?? pooled).map((logRatio) => worseLog(metric, logRatio))
    const estimate = pairedEstimate(worse, minPairSd)
    const pooledWorse = blocks === null ? null : worseLog(metric, mean(pooled))
    const levels = levelsAt(pairs.length)
    const test = { estimate, pooledWorse, repeatable: true, levels, differences: worse }
    return testedDraft(row, values, test, footnotes)
  }
  return primaryDrafts(...sides, draft)
}

/**
 * One log ratio of p99 for each pair: the median over its adjacent blocks. Between identical servers it spreads by
 * 4.7 % where the p99 over all requests spreads by 7.4 %. Null unless every block of every pair has one.
 */
function blockLogRatios(pairs: readonly Pair[]): number[] | null {
  const ratios: number[] = []
  for (const { reference, candidate } of pairs) {
    if (reference.blocks.length === 0 || reference.blocks.length !== candidate.blocks.length) return null
    const logs = candidate.blocks.map((block, index) =>
      Math.log((block.latencyP99Ns ?? Number.NaN) / (reference.blocks[index]?.latencyP99Ns ?? Number.NaN)),
    )
    if (!logs.every(Number.isFinite)) return null
    ratios.push(median(logs))
  }
  return ratios
}
