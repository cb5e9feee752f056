import { confidenceInterval, type Estimate } from './paired.ts'
import { mean } from './robust.ts'

/**
 * The share that a part has of a whole, both known by repetitions measured together: the ratio of the means, with the
 * standard error of the ratio estimator from the residuals part − share · whole (Cochran, Sampling Techniques, 6.4). A part
 * that is the whole in every repetition is known to be all of it, however much the repetitions differ.
 *
 * @param parts at least two, one for each of `wholes`
 * @param sdFloor the least spread of the residuals that is believed
 */
export function shareEstimate(
  parts: readonly number[],
  wholes: readonly number[],
  sdFloor: number,
): Estimate {
  const n = parts.length
  if (n < 2 || wholes.length !== n) throw new RangeError(`a share needs pairs, got ${n} and ${wholes.length}`)
  const whole = mean(wholes)
  const share = mean(parts) / whole
  const squares = parts.reduce((sum, part, index) => sum + (part - share * (wholes[index] as number)) ** 2, 0)
  const sd = Math.max(sdFloor, Math.sqrt(squares / (n - 1)))
  return { mean: share, standardError: sd / Math.sqrt(n) / Math.abs(whole), degreesOfFreedom: n - 1 }
}

/** Two-sided 95 %. */
export function interval95(estimate: Estimate): [number, number] {
  return confidenceInterval(estimate, 0.95)
}
