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
  // In the order of the Gray code one sign changes at a time.
  let sum = -sizes.reduce((total, size) => total + size, 0)
  let count = sum >= atLeast ? 1 : 0
  let positive = 0
  for (let step = 1; step < 2 ** n; step++) {
    const index = 31 - Math.clz32(step & -step)
    positive ^= 1 << index
    const size = sizes[index] ?? 0
    sum += (positive >> index) & 1 ? 2 * size : -2 * size
    if (sum >= atLeast) count++
  }
  return count / 2 ** n
}
