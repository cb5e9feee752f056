/** Above this the exact test is too long (2ⁿ sums), and the t-test needs no cross-check. */
export const maxSignFlipPairs = 16

/**
 * One-sided exact p-value of "the mean is above zero" if each difference could as well have had the other sign: the share
 * of the 2ⁿ sign patterns whose sum is at least the one seen. It assumes symmetry and nothing of the tails
 * (Fisher 1935, The Design of Experiments, §21). The least p-value is 2⁻ⁿ.
 * @param differences 1 to 16 of them
 */
export function signFlipPValue(differences: readonly number[]): number {
  const n = differences.length
  if (n < 1 || n > maxSignFlipPairs) throw new RangeError(`sign flips of ${n} differences`)
  const sizes = differences.map(Math.abs)
  const observed = differences.reduce((sum, difference) => sum + difference, 0)
  // Sums of the same numbers in another order differ by rounding only.
  const atLeast = observed - 1e-12 * sizes.reduce((sum, size) => sum + size, 0)
  let count = 0
  for (let pattern = 0; pattern < 2 ** n; pattern++) {
    let sum = 0
    for (const [index, size] of sizes.entries()) sum += (pattern >> index) & 1 ? size : -size
    if (sum >= atLeast) count++
  }
  return count / 2 ** n
}
