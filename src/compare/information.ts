import { type MetricName, metricNames } from '../domain/metric.ts'
import type { Comparison } from '../domain/result.ts'
import { positives, type Scenario, validRepetitions } from '../domain/scenario.ts'
import { confidenceInterval, pairedEstimate } from '../stats/paired.ts'
import { mean } from '../stats/robust.ts'
import { minPairSd, type Pair, pairsOf } from './against-reference.ts'
import { settledDraft, typical } from './draft.ts'

/** The metrics that do not decide, for the reader who asks where the time goes. */
export function informationRows(
  against: Comparison['against'],
  reference: Scenario,
  candidate: Scenario,
  decided: ReadonlySet<MetricName>,
  baselineValue: (metric: MetricName) => number | null,
): Comparison[] {
  const pairs = against === 'reference' ? pairsOf(reference, candidate) : []
  const [references, candidates] =
    against === 'reference'
      ? [pairs.map((pair) => pair.reference), pairs.map((pair) => pair.candidate)]
      : [validRepetitions(reference), validRepetitions(candidate)]
  return metricNames
    .filter((metric) => !decided.has(metric))
    .flatMap((metric) => {
      const values = { reference: typical(references, metric), candidate: typical(candidates, metric) }
      if (values.reference === null || values.candidate === null) return []
      const { row } = settledDraft(
        { metric, load: candidate.load, against, tolerance: 0, baselineValue: baselineValue(metric) },
        {
          status: 'info',
          primary: false,
          footnotes: footnotesOf(metric, candidate),
          ...values,
          ...change(pairs, metric, values.reference, values.candidate),
          repetitions: Math.min(references.length, candidates.length),
        },
      )
      return [row]
    })
}

/** How GPU memory was read, where it could have been read in another way. */
function footnotesOf(metric: MetricName, { metrics }: Scenario): string[] {
  const reason = metric === 'gpuDeviceMemoryBytes' ? metrics[metric]?.reason : undefined
  return reason === undefined ? [] : [reason]
}

/** Ratio and interval; no ratio where a value is zero or below, no interval against a stored number. */
function change(
  pairs: readonly Pair[],
  metric: MetricName,
  reference: number,
  candidate: number,
): Pick<Comparison, 'changeRatio' | 'changeInterval'> {
  const references = positives(
    pairs.map((pair) => pair.reference),
    metric,
  )
  const candidates = positives(
    pairs.map((pair) => pair.candidate),
    metric,
  )
  if (references === null || candidates === null) {
    const changeRatio = reference > 0 && candidate > 0 ? candidate / reference : null
    return { changeRatio, changeInterval: null }
  }
  const logRatios = candidates.map((value, index) => Math.log(value / (references[index] as number)))
  if (logRatios.length < 2) return { changeRatio: Math.exp(mean(logRatios)), changeInterval: null }
  const estimate = pairedEstimate(logRatios, minPairSd)
  const [low, high] = confidenceInterval(estimate, 0.95)
  return { changeRatio: Math.exp(estimate.mean), changeInterval: [Math.exp(low), Math.exp(high)] }
}
