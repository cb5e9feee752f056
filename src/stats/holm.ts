/**
 * Holm's step-down correction: adjusted p-values in the order given. Rejecting those at or below α keeps
 * the probability of any false rejection at or below α, however the tests depend on each other
 * (Holm 1979, Scandinavian Journal of Statistics 6).
 * @param size of the family, where more tests belong to it than are known yet: those count as not rejected
 */
export function holm(pValues: readonly number[], size: number = pValues.length): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  for (const [rank, { p, index }] of order.entries()) {
    largest = Math.max(largest, Math.min(1, p * (Math.max(size, pValues.length) - rank)))
    adjusted[index] = largest
  }
  return adjusted
}
