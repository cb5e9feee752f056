/**
 * Holm's step-down correction: adjusted p-values in the order given. Rejecting those at or below α keeps
 * the probability of any false rejection at or below α, however the tests depend on each other
 * (Holm 1979, Scandinavian Journal of Statistics 6).
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  for (const [rank, { p, index }] of order.entries()) {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)))
    adjusted[index] = largest
  }
  return adjusted
}
