import { studentTQuantile } from '../stats/special.ts'

/**
 * Mean of the repetitions' values with the two-sided 95 % Student-t interval; with a single repetition the
 * interval comes from its blocks instead (narrower than the truth: it does not know other server starts).
 */
export function meanInterval(
  values: readonly number[],
  blocks: readonly number[] | undefined,
): { mean: number; interval: readonly [number, number] | null } {
  const mean = average(values)
  const spread = blocks ?? values
  if (spread.length < 2) return { mean, interval: null }
  const center = average(spread)
  const variance = spread.reduce((sum, value) => sum + (value - center) ** 2, 0) / (spread.length - 1)
  const half = studentTQuantile(0.975, spread.length - 1) * Math.sqrt(variance / spread.length)
  return { mean, interval: [mean - half, mean + half] }
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
