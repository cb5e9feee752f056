/** The middle value, or the mean of the two middle ones. @param values not empty, in any order */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new RangeError('the median of no values')
  return (lower + upper) / 2
}

/** Arithmetic mean. @param values not empty */
export function mean(values: readonly number[] | Float64Array): number {
  if (values.length === 0) throw new RangeError('the mean of no values')
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** The sum of what `value` makes of each item; 0 of none. */
export function sumOf<T>(items: readonly T[], value: (item: T, index: number) => number): number {
  return items.reduce((sum, item, index) => sum + value(item, index), 0)
}

/** exp of the mean logarithm: the mean that belongs to ratios. @param values not empty, all > 0 */
export function geometricMean(values: readonly number[]): number {
  if (values.some((value) => !(value > 0))) throw new RangeError('the geometric mean needs values > 0')
  return Math.exp(mean(values.map(Math.log)))
}

/**
 * Standard deviation about zero from the median absolute value, which a few wild values do not move.
 * 1.4826 = 1/Φ⁻¹(3/4) makes it the standard deviation of normal values.
 * @param values not empty
 */
export function robustSdAboutZero(values: readonly number[]): number {
  return 1.4826022185056018 * median(values.map(Math.abs))
}
