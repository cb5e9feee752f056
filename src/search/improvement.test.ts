import { expect, test } from 'vitest'
import { createRandom } from '../stats/random.ts'
import { chanceAbove, expectedExcess, expectedGain } from './improvement.ts'

const mixture = (parts: readonly (readonly [number, number, number])[]) => ({
  mean: 0,
  sd: 0,
  shares: Float64Array.from(parts, ([share]) => share),
  means: Float64Array.from(parts, ([, mean]) => mean),
  sds: Float64Array.from(parts, ([, , sd]) => sd),
})
const nothing = { mean: Number.NEGATIVE_INFINITY, sd: 0 }
const exactly = (mean: number) => ({ mean, sd: 0 })

test('the expected excess of a normal over a floor', () => {
  expect(expectedExcess({ mean: 0, sd: 1 }, 0)).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 6)
  expect(expectedExcess({ mean: 5, sd: 0 }, 3)).toBe(2)
  expect(expectedExcess({ mean: 5, sd: 0 }, 8)).toBe(0)
  expect(expectedExcess({ mean: 0, sd: 1 }, 6)).toBeLessThan(1e-6)
})

test('of a mixture the parts count one by one: what few expect far above the floor is worth a look', () => {
  const { gain } = expectedGain(
    mixture([
      [0.95, -1, 0.05],
      [0.05, 0.4, 0],
    ]),
    { slope: 1, rest: exactly(0), floor: 0, least: nothing },
  )
  expect(gain).toBeCloseTo(0.05 * 0.4)
})

test('gain and chance agree with drawing numbers', () => {
  const parts = [
    [0.7, 0.1, 0.3],
    [0.3, -0.4, 0.6],
  ] as const
  const rest = { mean: 0.2, sd: 0.05 }
  const random = createRandom(1)
  for (const [slope, least] of [
    [1, { mean: 0.1, sd: 0.2 }],
    [0.5, { mean: -0.2, sd: 0 }],
    [0, { mean: 0.1, sd: 0.2 }],
  ] as const) {
    const { gain, chance } = expectedGain(mixture(parts), { slope, rest, floor: 0.3, least })
    let [gained, met] = [0, 0]
    const draws = 200_000
    for (let i = 0; i < draws; i++) {
      const [, mean, sd] = random.uniform() < 0.7 ? parts[0] : parts[1]
      const rate = mean + sd * random.normal()
      if (rate < least.mean + least.sd * random.normal()) continue
      met += 1 / draws
      gained += Math.max(0, slope * rate + rest.mean + rest.sd * random.normal() - 0.3) / draws
    }
    expect(chance).toBeCloseTo(met, 2)
    expect(Math.abs(gain - gained)).toBeLessThan(0.08 * gained + 0.002)
  }
})

test('the chance to be above 0 is the mean over the parts', () => {
  const two = mixture([
    [0.25, -1, 0.1],
    [0.75, 0.2, 0.2],
  ])
  expect(chanceAbove(two, 1, exactly(0))).toBeCloseTo(0.75 * 0.8413, 3)
  expect(chanceAbove(two, -1, exactly(0))).toBeCloseTo(1 - 0.75 * 0.8413, 3)
  expect(chanceAbove(two, 0, { mean: 1, sd: 1 })).toBeCloseTo(0.8413, 3)
})
