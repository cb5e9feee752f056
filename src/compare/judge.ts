import type { Comparison } from '../domain/result.ts'
import { changeInWords } from '../domain/words.ts'
import { holm } from '../stats/holm.ts'
import { detectableMean, type Estimate, pValueAboveZero, upperBound } from '../stats/paired.ts'
import { studentTCdf } from '../stats/special.ts'
import type { Draft, Test } from './draft.ts'
import { ratioOfWorse, shareOfWorse, toleratedWorse } from './worse.ts'

/**
 * The probability that a report without any regression fails, over all of its comparisons together: with 1 %, a team with 20
 * pull requests a week sees a false alarm about once in five weeks.
 */
export const familyAlpha = 0.01
/** One-sided; passing needs no correction, since every comparison has to pass. */
export const passConfidence = 0.95
/** The detectable change is the one that is found in nine of ten runs. */
export const power = 0.9
/** More repetitions than this are no advice: change the load, the machine, or the tolerance. */
const maxAdvisedRepetitions = 64

/**
 * Gives every draft of a report its status.
 *
 * - fail: the change for the worse is real (Holm-adjusted one-sided p ≤ 1 %) and the estimate is beyond the tolerance;
 * - pass: the one-sided 95 % upper bound of the change is below the tolerance, and the p99 over whole repetitions
 *   does not say otherwise, nor do more of its requests fail than the reference's;
 * - inconclusive: neither.
 */
export function judge(drafts: readonly Draft[]): Comparison[] {
  const pValues = drafts.map(({ test }) => (test === null ? null : pValueAboveZero(test.estimate)))
  const tested = pValues.filter((p) => p !== null)
  const adjusted = holm(tested)
  let next = 0
  return drafts.map(({ row, test }) => {
    if (test === null) return row
    const index = next++
    const alpha = familyAlpha / tested.length
    return {
      ...row,
      pValue: tested[index] ?? null,
      ...statusOf(row, test, (adjusted[index] ?? 1) <= familyAlpha, alpha),
    }
  })
}

function statusOf(
  row: Comparison,
  { estimate, pooledWorse, repeatable, moreFail = false }: Test,
  significant: boolean,
  alpha: number,
): Pick<Comparison, 'status' | 'footnotes' | 'detectableChange'> {
  const tolerated = toleratedWorse(row.metric, row.tolerance)
  const pooledBeyond = pooledWorse !== null && pooledWorse > tolerated
  const beyond = estimate.mean > tolerated
  if (significant && beyond) {
    const footnotes = [...row.footnotes]
    if (pooledWorse !== null && !pooledBeyond)
      footnotes.push(wholeRepetitions(row, pooledWorse, 'most blocks are slower'))
    return { status: 'fail', footnotes, detectableChange: null }
  }
  const within = upperBound(estimate, passConfidence) < tolerated
  if (within && !pooledBeyond) {
    const status = moreFail ? 'inconclusive' : 'pass'
    return { status, footnotes: row.footnotes, detectableChange: null }
  }
  const detectable = Math.max(detectableMean(estimate, alpha, power), tolerated)
  const detectableChange = Number.isFinite(detectable) ? shareOfWorse(row.metric, detectable) : null
  const footnotes = [...row.footnotes]
  if (within) footnotes.push(wholeRepetitions(row, pooledWorse ?? 0, 'the tail is in few blocks'))
  else if (repeatable) footnotes.push(advice(estimate, tolerated, alpha))
  return { status: 'inconclusive', footnotes, detectableChange }
}

function wholeRepetitions(row: Comparison, pooledWorse: number, why: string): string {
  return `over whole repetitions p99 changed by ${changeInWords(ratioOfWorse(row.metric, pooledWorse))}, over adjacent blocks by ${changeInWords(row.changeRatio ?? 1)}: ${why}`
}

/** How many repetitions would decide, if estimate and spread stay what they are. */
function advice(estimate: Estimate, tolerated: number, alpha: number): string {
  const have = estimate.degreesOfFreedom + 1
  const sd = estimate.standardError * Math.sqrt(have)
  for (let n = have + 1; n <= maxAdvisedRepetitions; n++) {
    const standardError = sd / Math.sqrt(n)
    const passes = studentTCdf((tolerated - estimate.mean) / standardError, n - 1) > passConfidence
    const fails = estimate.mean > tolerated && studentTCdf(-estimate.mean / standardError, n - 1) <= alpha
    if (passes || fails) return `at this spread about ${n} repetitions would decide`
  }
  return 'too near the tolerance to be decided by any sensible number of repetitions'
}
