// A sequential test with a few looks at fixed sample sizes: each look spends its own share of the error
// (the union bound; Lan & DeMets 1983, Biometrika 70, spend it in the same way but use the correlation of the looks).

/** Error probabilities that one analysis may spend. */
export interface Levels {
  /** Of calling a comparison worse that is not, over the whole family. */
  readonly fail: number
  /** Of passing a comparison that is worse by its tolerance, and of failing one that is worse by no more. */
  readonly pass: number
}

/** All looks together. */
export const totalLevels: Levels = { fail: 0.01, pass: 0.05 }

/**
 * What the first and the second look may spend; the last one gets what is left. Less early: four pairs know their
 * spread badly, and what is clear is clear at 0.2 % too. Of the errors of passing 3 % stay for the last look: with 2.5 %
 * twice the tolerance is found in 89.9 % of the runs at a spread of 5 %, short of what is promised; early looks that spend
 * still less take longer to pass what did not change.
 */
const earlyShares: readonly Levels[] = [
  { fail: 0.002, pass: 0.01 },
  { fail: 0.003, pass: 0.01 },
]

/** Of the pass error, what a look at the candidate alone may spend before its reference is measured. It can fail nothing. */
export const screeningLevel = 0.01

/** The first look's count. Nothing is concluded from fewer. */
export const firstLook = 4

/** The repetition counts at which a measurement of at most `repetitions` is looked at. */
export function lookSchedule(repetitions: number): number[] {
  return [...[firstLook, 8].filter((look) => look < repetitions), repetitions]
}

/** What look number `index` (not the last one) may spend if the measurement can still go on after it. */
export function interimLevels(index: number): Levels {
  const share = earlyShares[index]
  if (share === undefined) throw new RangeError(`look ${index} is no interim look`)
  return share
}

/**
 * What the analysis may spend with which a measurement ended at `n` pairs: everything that the looks before it have left.
 *
 * A measurement ends at a look because all is decided at that look's share, and then the larger level changes no status: a
 * comparison that passed has its estimate below the tolerance and can fail at no level. Or it ends because time or
 * the schedule is out, which does not depend on the data. Either way the shares spent add up to the total at most.
 * @param screened whether the candidate alone was looked at before
 */
export function closingLevels(looks: readonly number[], n: number, screened = false): Levels {
  const earlier = looks.slice(0, -1).filter((look) => look < n)
  const whole = screened ? { ...totalLevels, pass: totalLevels.pass - screeningLevel } : totalLevels
  return earlier.reduce<Levels>((left, _, index) => {
    const spent = interimLevels(index)
    return { fail: left.fail - spent.fail, pass: left.pass - spent.pass }
  }, whole)
}
