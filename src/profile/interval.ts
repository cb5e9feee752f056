import { confidenceInterval, pairedEstimate } from '../stats/paired.ts'
import { mean } from '../stats/robust.ts'

/**
 * Mean of the repetitions' values with the two-sided 95 % Student-t interval; with a single repetition the
 * interval comes from its blocks instead (narrower than the truth: it does not know other server starts).
 */
export function meanInterval(
  values: readonly number[],
  blocks: readonly number[] | undefined,
): { mean: number; interval: readonly [number, number] | null } {
  const centre = mean(values)
  const spread = blocks ?? values
  if (spread.length < 2) return { mean: centre, interval: null }
  return { mean: centre, interval: confidenceInterval({ ...pairedEstimate(spread, 0), mean: centre }, 0.95) }
}
