import { failedRequests, type Scenario } from '../domain/scenario.ts'
import { binomialCdf } from '../stats/special.ts'
import type { Draft } from './draft.ts'

/** One-sided, like the fail side of a comparison: with nothing failing on the reference, seven failures are more than chance. */
const alpha = 0.01

/**
 * A draft of a latency with what is to be said of failed requests. A request that fails is missing from the percentiles, so
 * a candidate that lets its slowest requests fail looks faster: where more fail than chance explains, its
 * latency does not pass. Not a failure either: `gate.max_failure_ratio` says how many may fail.
 */
export function withFailures(draft: Draft, reference: Scenario, candidate: Scenario): Draft {
  if (draft.row.status === 'invalid') return draft
  const [before, after] = [countRequests(reference), countRequests(candidate)]
  if (after.failed * before.all <= before.failed * after.all) return draft
  const moreFail = chanceOf(before, after) < alpha
  const footnote =
    `${after.failed} of ${after.all} requests failed, ${before.failed} of ${before.all} on the other side` +
    `${moreFail ? ': more than chance explains' : ''}; failed ones are missing from the percentiles`
  return {
    row: { ...draft.row, footnotes: [...draft.row.footnotes, footnote] },
    test: draft.test && { ...draft.test, moreFail },
  }
}

interface Requests {
  readonly failed: number
  readonly all: number
}

/** Void repetitions too: what voids a number does not make requests fail. */
function countRequests({ repetitions }: Scenario): Requests {
  const failed = repetitions.reduce((sum, repetition) => sum + failedRequests(repetition), 0)
  const succeeded = repetitions.reduce((sum, { requests }) => sum + requests, 0)
  return { failed, all: failed + succeeded }
}

/**
 * The probability of at least this many of the failures on the candidate's side if both sides fail equally often:
 * failures are rare, so given their sum they are binomial with the candidate's share of the requests
 * (Przyborowski & Wilenski 1940, the conditional test of two Poisson rates).
 */
function chanceOf(before: Requests, after: Requests): number {
  const share = after.all / (before.all + after.all)
  const failed = before.failed + after.failed
  // P(X ≥ k) of the candidate's failures is P(Y ≤ n − k) of the reference's, which keeps its precision.
  return binomialCdf(failed - after.failed, failed, 1 - share)
}
