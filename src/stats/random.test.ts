import { expect, test } from 'vitest'
import { createRandom } from './random.ts'
import { mean } from './robust.ts'

/** sfc32 in arbitrary-precision integers, straight from its definition. */
function* naiveSfc32(seed: bigint) {
  const mask = 0xffff_ffffn
  let [a, b, c, counter] = [0n, seed & mask, (seed >> 32n) & mask, 1n]
  for (;;) {
    const result = (a + b + counter++) & mask
    a = b ^ (b >> 9n)
    b = (c + (c << 3n)) & mask
    c = ((((c << 21n) | (c >> 11n)) & mask) + result) & mask
    yield result
  }
}

test('the generator is sfc32 with 53 of 64 bits used', () => {
  for (const seed of [0, 1, 12345, 2 ** 40 + 17, Number.MAX_SAFE_INTEGER]) {
    const naive = naiveSfc32(BigInt(seed))
    const bits = () => Number(naive.next().value)
    for (let round = 0; round < 18; round++) bits()
    const { uniform } = createRandom(seed)
    for (let draw = 0; draw < 50; draw++) {
      const [high, low] = [Math.floor(bits() / 2 ** 5), Math.floor(bits() / 2 ** 6)]
      expect(uniform()).toBe((high * 2 ** 26 + low) / 2 ** 53)
    }
  }
})

test('uniform, normal and exponential numbers have their means and variances', () => {
  const random = createRandom(42)
  const n = 20_000
  const moments = (draw: () => number) => {
    const values = Array.from({ length: n }, draw)
    const centre = mean(values)
    return {
      centre,
      variance: mean(values.map((value) => (value - centre) ** 2)),
      least: Math.min(...values),
    }
  }
  const uniform = moments(random.uniform)
  expect(uniform.centre).toBeCloseTo(0.5, 1.5)
  expect(uniform.variance).toBeCloseTo(1 / 12, 2)
  const normal = moments(random.normal)
  expect(normal.centre).toBeCloseTo(0, 1.5)
  expect(normal.variance).toBeCloseTo(1, 1)
  const exponential = moments(random.exponential)
  expect(exponential.centre).toBeCloseTo(1, 1)
  expect(exponential.variance).toBeCloseTo(1, 0.9)
  expect(exponential.least).toBeGreaterThanOrEqual(0)
})

test('a shuffle keeps the items, leaves its input, and reaches every order equally often', () => {
  const random = createRandom(5)
  const items = ['a', 'b', 'c'] as const
  const counts = new Map<string, number>()
  for (let trial = 0; trial < 6000; trial++) {
    const order = random.shuffle(items).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect(items).toEqual(['a', 'b', 'c'])
  expect(counts.size).toBe(6)
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
