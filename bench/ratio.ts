import { createRandom } from '../src/stats/random.ts'
import { geometricMean } from '../src/stats/robust.ts'

export interface Ratio {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Enough that the ends of a 95 % interval are known to about a hundredth of its width. */
const resamples = 4000

/**
 * A statistic of the rounds with its two-sided 95 % percentile-bootstrap interval. Whole rounds are drawn, each with
 * what all clients did in it, so that what the machine did to a round stays paired.
 */
export function bootstrap<Round>(
  rounds: readonly Round[],
  statistic: (rounds: readonly Round[]) => number,
): Ratio {
  const random = createRandom(1)
  const drawn = Float64Array.from({ length: resamples }, () =>
    statistic(rounds.map(() => rounds[random.integer(rounds.length)] as Round)),
  ).sort()
  const at = (share: number) => drawn[Math.floor(share * (resamples - 1))] ?? Number.NaN
  return { value: statistic(rounds), low: at(0.025), high: at(0.975) }
}

/** Geometric mean of the rounds' ratios. */
export function meanRatio(ratios: readonly number[]): number {
  return geometricMean(ratios)
}
