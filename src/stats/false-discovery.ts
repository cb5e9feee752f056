/**
 * Adjusted p-values in the order given: of what is called real at α, a share of α at most is chance (Benjamini & Hochberg 1995,
 * Journal of the Royal Statistical Society B 57). For lists that inform; what decides has Holm's correction.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const n = pValues.length
  const order = Array.from(pValues.keys()).sort((a, b) => (pValues[b] as number) - (pValues[a] as number))
  const adjusted = new Array<number>(n)
  let least = 1
  for (const [above, index] of order.entries()) {
    least = Math.min(least, ((pValues[index] as number) * n) / (n - above))
    adjusted[index] = least
  }
  return adjusted
}
