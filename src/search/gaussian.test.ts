import { expect, test } from 'vitest'
import { kernelsOf, regress } from './gaussian.ts'
import type { Hypothesis } from './hypotheses.ts'

const near = kernelsOf<number>([(a, b) => Math.exp(-((a - b) ** 2) / 2)])
const covariance = (distance: number): number => 4 * Math.exp(-(distance ** 2) / 2)
const flat = (): number => 3
const loose: Hypothesis<number> = { shape: flat, strayings: [{ variances: [4] }], prior: 1 }
const still: Hypothesis<number> = { shape: flat, strayings: [{ variances: [1e-4] }], prior: 1 }

test('without samples the belief is the prior', () => {
  expect(regress([], near, [loose]).at(0)).toMatchObject({ mean: 3, sd: 2 })
})

test('two samples: the closed form at one of them and far from both, at their level', () => {
  const belief = regress(
    [
      { x: 0, y: 4, noise: 1 },
      { x: 1, y: 6, noise: 1 },
    ],
    near,
    [loose],
  )
  // The inverse of [[5, c], [c, 5]] applied to the residuals −1 and 1 is ∓1 / (5 − c).
  const c = covariance(1)
  expect(belief.at(0).mean).toBeCloseTo(5 + (c - 4) / (5 - c))
  expect(belief.at(0).sd).toBeCloseTo(Math.sqrt(4 - (5 * 16 - 2 * c * 4 * c + 5 * c * c) / (25 - c * c)))
  expect(belief.at(20)).toMatchObject({ mean: expect.closeTo(5), sd: expect.closeTo(2) })
})

test('the hypothesis that foretold the samples is believed', () => {
  const samples = [0, 4, 8].map((x, i) => ({ x, y: 4 * (i % 2), noise: 0.01 }))
  // Noise and straying have the same variance: halfway between their mean and what was measured.
  expect(regress(samples, near, [still]).at(4).mean).toBeCloseTo((4 / 3 + 4) / 2, 2)
  expect(regress(samples, near, [still, loose]).at(4).mean).toBeCloseTo(4, 1)
})

test('shapes are hypotheses as well: the one that fits is followed where nothing was measured', () => {
  const rising = { ...still, shape: (x: number) => x }
  const samples = [0, 1, 2].map((x) => ({ x, y: x + 7, noise: 0.01 }))
  expect(regress(samples, near, [still, rising]).at(30).mean).toBeCloseTo(37)
})

test('what was unlikely before needs more to be believed', () => {
  const samples = [0, 1].map((x) => ({ x, y: x / 2, noise: 0.2 }))
  const meanWith = (prior: number): number =>
    regress(samples, near, [still, { ...still, shape: (x: number) => x, prior }]).at(8).mean
  expect(meanWith(0.1)).toBeLessThan(meanWith(1) - 1)
})

test('measurements may be noisier, or less so, than they say', () => {
  const samples = [0, 0.01, 8, 8.01].map((x, i) => ({ x, y: (i % 2) / 2, noise: 0.01 }))
  const sdWith = (noise: number): number =>
    regress(samples, near, [{ ...loose, strayings: [{ variances: [4], noise }] }]).at(0).sd
  expect(sdWith(20)).toBeGreaterThan(5 * sdWith(1))
})

test('a doubt keeps its share of the belief however well the others foretold', () => {
  const samples = [0, 4, 8].map((x) => ({ x, y: 3, noise: 0.01 }))
  expect(regress(samples, near, [still, loose]).at(30).sd).toBeLessThan(0.2)
  // A fifth of the belief has a variance of 4.
  expect(regress(samples, near, [still, { ...loose, doubt: true }]).at(30).sd).toBeCloseTo(Math.sqrt(0.8), 1)
})

test('the parts of a belief add up to its mean and its spread', () => {
  const samples = [0, 3].map((x) => ({ x, y: x, noise: 0.5 }))
  const { mean, sd, means, sds, shares } = regress(samples, near, [still, loose]).at(1)
  const total = (of: (i: number) => number) => [...shares].reduce((sum, share, i) => sum + share * of(i), 0)
  expect(total(() => 1)).toBeCloseTo(1)
  expect(total((i) => means[i] ?? 0)).toBeCloseTo(mean)
  expect(total((i) => (sds[i] ?? 0) ** 2 + (means[i] ?? 0) ** 2) - mean ** 2).toBeCloseTo(sd ** 2)
})

test('what is unknown of two inputs alike does not count in their difference', () => {
  const samples = [
    { x: 0, y: 4, noise: 1 },
    { x: 1, y: 6, noise: 1 },
  ]
  const believed = regress(samples, near, [loose, { ...loose, shape: (x: number) => x }])
  expect(believed.difference(7, 3).mean).toBeCloseTo(believed.at(7).mean - believed.at(3).mean)
  expect(believed.difference(7, 7)).toMatchObject({ mean: 0, sd: 0 })
  // Far from the samples and from each other they are independent, close together nearly the same.
  const alone = regress(samples, near, [loose])
  expect(alone.difference(20, 40).sd).toBeCloseTo(Math.sqrt(8))
  expect(alone.difference(20, 20.1).sd).toBeLessThan(0.3)
})
