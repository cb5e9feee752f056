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
  // Every pattern is one of the first half with one of the second: of two ascending lists the pairs are counted in one
  // pass (Horowitz & Sahni 1974, JACM 21), so that 2^(n/2) sums are made and not 2ⁿ.
  const middle = Math.floor(n / 2)
  const [first, second] = [signedSums(sizes.slice(0, middle)), signedSums(sizes.slice(middle))]
  let count = 0
  let reaching = 0
  for (const sum of first) {
    while (reaching < second.length && sum + (second[second.length - 1 - reaching] as number) >= atLeast) {
      reaching++
    }
    count += reaching
  }
  return count / 2 ** n
}

/** The sums of all sign patterns, ascending: each size merges the list without it with the list with it. */
function signedSums(sizes: readonly number[]): Float64Array {
  let sums = new Float64Array(1)
  for (const size of sizes) {
    const { length } = sums
    const merged = new Float64Array(2 * length)
    let [less, more] = [0, 0]
    while (less < length) {
      const [low, high] = [(sums[less] as number) - size, (sums[more] as number) + size]
      merged[less + more] = low <= high ? low : high
      if (low <= high) less++
      else more++
    }
    for (; more < length; more++) merged[less + more] = (sums[more] as number) + size
    sums = merged
  }
  return sums
}
