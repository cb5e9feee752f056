import type { ModelSettings } from '../config/config.ts'
import type { MetricName } from '../domain/metric.ts'
import { positives, type Scenario, validRepetitions } from '../domain/scenario.ts'
import { type Draft, missing, primaryDrafts, type RowStart, settledDraft } from './draft.ts'
import { toleranceOf } from './worse.ts'

/** What a stored scenario and the candidate have of one metric: a value for each valid repetition, all above zero. */
export interface StoredPair {
  readonly metric: MetricName
  readonly references: readonly number[]
  readonly candidates: readonly number[]
  readonly footnotes: readonly string[]
  /** The row where there is nothing to compare with. */
  readonly empty: RowStart
}

/** The latency and throughput of one scenario against stored repetitions, each by the test that is given. */
export function draftsAgainstStored(
  settings: ModelSettings,
  baseline: Scenario,
  candidate: Scenario,
  test: (pair: StoredPair) => Draft,
): [latency: Draft, throughput: Draft] {
  const stored = validRepetitions(baseline)
  const current = validRepetitions(candidate)
  return primaryDrafts(stored, current, (metric, footnotes) => {
    const tolerance = toleranceOf(settings, metric, 0)
    const empty = {
      metric,
      load: candidate.load,
      against: 'baseline' as const,
      tolerance,
      baselineValue: null,
    }
    const [references, candidates] = [positives(stored, metric), positives(current, metric)]
    if (references === null || candidates === null) return settledDraft(empty, missing)
    return test({ metric, references, candidates, footnotes, empty })
  })
}
