import type { Comparison } from '../domain/result.ts'
import { changeInWords } from '../domain/words.ts'
import { holm } from '../stats/holm.ts'
import { totalLevels } from '../stats/looks.ts'
import { detectableMean, type Estimate, pValueAbove, upperBound } from '../stats/paired.ts'
import { maxSignFlipPairs, signFlipPValue } from '../stats/sign-flip.ts'
import type { Acceptance } from './accepted.ts'
import type { Draft, Test } from './draft.ts'
import { ratioOfWorse, shareOfWorse, toleratedWorse } from './worse.ts'

/**
 * The probability that a report without any regression fails, over all of its comparisons together: with 1 %, a team with 20
 * pull requests a week sees a false alarm about once in five weeks.
 */
export const familyAlpha = totalLevels.fail
/** One-sided, of all looks together; passing needs no correction, since every comparison has to pass. */
export const passConfidence = 1 - totalLevels.pass
/** The detectable change is the one that is found in nine of ten runs. */
export const power = 0.9
/** What no number of repetitions helps: said with the number, and with what to do. */
export const undecidable = 'too near the tolerance to be decided by any sensible number of repetitions'
/** More repetitions than this are no advice: change the load, the machine, or the tolerance. */
const maxAdvisedRepetitions = 64

/** With fewer pairs the sign-flip test cannot reach 1 %: its least p-value is 2⁻ⁿ. */
const minSignFlipPairs = 7

/** What is judged together: the error of failing is shared by all of it. */
export interface Family {
  readonly comparisons: number
  readonly models: number
}

/** The largest family that a plan can bring: latency and throughput of every model at every load. */
export function largestFamily(plan: {
  readonly models: readonly { readonly loads: readonly unknown[] }[]
}): Family {
  const comparisons = plan.models.reduce((sum, { loads }) => sum + 2 * loads.length, 0)
  return { comparisons, models: plan.models.length }
}

/**
 * Gives every draft of a report its status.
 *
 * - fail: the change for the worse is real (Holm-adjusted one-sided p ≤ 1 % over the report), and it is beyond the tolerance
 *   (its one-sided 95 % lower bound is above it, Bonferroni over the report's models: docs/adr/0011-looks-and-the-tolerance.md);
 * - pass: the one-sided 95 % upper bound of the change is below the tolerance, and the p99 over whole repetitions
 *   does not say otherwise, nor do more of its requests fail than the reference's;
 * - inconclusive: neither.
 *
 * A comparison that was measured with looks in between spends what they have left of the 1 and 5 % (see stats/looks.ts).
 */
export function judge(drafts: readonly Draft[], family: Family): Comparison[] {
  const pValues = drafts.map(({ test }) => (test === null ? null : pValueAbove(test.estimate, 0)))
  // In units of the level that each may spend, so that one family holds tests that ended at different looks.
  const scaled = drafts.flatMap(({ test }, index) =>
    test === null ? [] : [((pValues[index] ?? 1) * familyAlpha) / test.levels.fail],
  )
  const adjusted = holm(scaled, family.comparisons)
  let next = 0
  return drafts.map(({ row, test, acceptance = null }, index) => {
    if (test === null) return row
    const real = (adjusted[next++] ?? 1) <= familyAlpha
    return { ...row, pValue: pValues[index] ?? null, ...acceptedStatus(row, test, acceptance, real, family) }
  })
}

/**
 * A comparison that does not pass by its own tolerance is judged by the same rule with what is accepted in place of it:
 * shown to be within is `accepted`, shown to be beyond fails, and noise between the two stays inconclusive.
 */
function acceptedStatus(
  row: Comparison,
  test: Test,
  acceptance: Acceptance | null,
  real: boolean,
  family: Family,
): ReturnType<typeof statusOf> {
  const own = statusOf(row, test, real, family)
  if (acceptance === null || own.status === 'pass') return own
  const { upTo } = acceptance
  const judged =
    upTo === null ? own : statusOf({ ...row, tolerance: Math.max(row.tolerance, upTo) }, test, real, family)
  return judged.status === 'pass' ? { ...judged, status: 'accepted' } : judged
}

function statusOf(
  row: Comparison,
  test: Test,
  real: boolean,
  family: Family,
): Pick<Comparison, 'status' | 'footnotes' | 'detectableChange'> {
  const { estimate, pooledWorse, repeatable, levels, moreFail = false } = test
  const tolerated = toleratedWorse(row.metric, row.tolerance)
  const pooledBeyond = pooledWorse !== null && pooledWorse > tolerated
  const alphas = { zero: levels.fail / family.comparisons, tolerance: levels.pass / family.models }
  const beyond = pValueAbove(estimate, tolerated) <= alphas.tolerance
  const footnotes = [...row.footnotes, ...signFlipNote(test)]
  if (real && beyond) {
    if (pooledWorse !== null && !pooledBeyond)
      footnotes.push(wholeRepetitions(row, pooledWorse, 'most blocks are slower'))
    return { status: 'fail', footnotes, detectableChange: null }
  }
  const within = upperBound(estimate, 1 - levels.pass) < tolerated
  if (within && !pooledBeyond) {
    const status = moreFail ? 'inconclusive' : 'pass'
    return { status, footnotes, detectableChange: null }
  }
  const detectable = Math.max(
    detectableMean(estimate, alphas.zero, power),
    tolerated + detectableMean(estimate, alphas.tolerance, power),
  )
  const detectableChange = Number.isFinite(detectable) ? shareOfWorse(row.metric, detectable) : null
  if (within) footnotes.push(wholeRepetitions(row, pooledWorse ?? 0, 'the tail is in few blocks'))
  else if (repeatable) footnotes.push(advice(estimate, tolerated, alphas))
  return { status: 'inconclusive', footnotes, detectableChange }
}

/** The t-test assumes normal differences, the sign-flip test only symmetric ones: where they disagree the reader is told. */
function signFlipNote({ estimate, differences }: Test): string[] {
  const n = differences?.length ?? 0
  if (differences === null || n < minSignFlipPairs || n > maxSignFlipPairs) return []
  const t = pValueAbove(estimate, 0)
  if (t > 0.01 && t <= 0.05) return []
  const flips = signFlipPValue(differences)
  if (t <= 0.01 ? flips <= 0.05 : flips > 0.01) return []
  return [
    `the t-test (p = ${t.toPrecision(2)}) and the sign-flip test (p = ${flips.toPrecision(2)}) disagree: the pairs are far from normal`,
  ]
}

function wholeRepetitions(row: Comparison, pooledWorse: number, why: string): string {
  return `over whole repetitions p99 changed by ${changeInWords(ratioOfWorse(row.metric, pooledWorse))}, over adjacent blocks by ${changeInWords(row.changeRatio ?? 1)}: ${why}`
}

/** How many repetitions would decide, if estimate and spread stay what they are. */
function advice(
  estimate: Estimate,
  tolerated: number,
  alphas: { readonly zero: number; readonly tolerance: number },
): string {
  const have = estimate.degreesOfFreedom + 1
  const sd = estimate.standardError * Math.sqrt(have)
  const decides = (n: number) => {
    const later = { mean: estimate.mean, standardError: sd / Math.sqrt(n), degreesOfFreedom: n - 1 }
    const passes = upperBound(later, passConfidence) < tolerated
    return (
      passes || (pValueAbove(later, 0) <= alphas.zero && pValueAbove(later, tolerated) <= alphas.tolerance)
    )
  }
  // What so many decide, more decide too: both bounds come nearer to the estimate with every repetition.
  let [tooFew, enough] = [have, maxAdvisedRepetitions + 1]
  while (enough - tooFew > 1) {
    const n = Math.floor((tooFew + enough) / 2)
    if (decides(n)) enough = n
    else tooFew = n
  }
  if (enough <= maxAdvisedRepetitions) return `at this spread about ${enough} repetitions would decide`
  return undecidable
}
