import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/stats/random.ts'
import { headToHead } from './head-to-head.ts'
import { clopperPearson } from './real-tables.ts'
import { mannWhitney, predictionScore, ratioToPrevious } from './rivals.ts'

test('U counts the pairs in which the candidate is slower', () => {
  const values = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 40 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 3 }), (all, size) => {
      const reference = all.slice(0, size).sort((a, b) => a - b)
      const candidate = all.slice(size).sort((a, b) => a - b)
      const slower = candidate.flatMap((a) => reference.filter((b) => b < a)).length
      const [m, n] = [reference.length, candidate.length]
      const z = (slower - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12)
      expect(mannWhitney(Float64Array.from(reference), Float64Array.from(candidate))).toBeCloseTo(z, 12)
    }),
  )
})

test('on independent requests its z is standard normal', () => {
  const random = createRandom(5)
  const side = () => Float64Array.from({ length: 50 }, random.normal).sort()
  const beyond = Array.from({ length: 2000 }, () => mannWhitney(side(), side())).filter((z) => z > 1.645)
  expect(beyond.length / 2000).toBeGreaterThan(0.035)
  expect(beyond.length / 2000).toBeLessThan(0.065)
})

test('the ratio is to the last value, the prediction to all of them', () => {
  expect(ratioToPrevious([5, 10], 21)).toBe(2.1)
  // Mean 10, standard deviation 2, n = 3: (14 − 10) / (2·√(4/3)).
  expect(predictionScore([8, 10, 12], 14)).toBeCloseTo(4 / (2 * Math.sqrt(4 / 3)), 12)
})

test('Clopper and Pearson: the rule of three, and a textbook value', () => {
  expect(clopperPearson(0, 30)).toBeCloseTo(1 - 0.05 ** (1 / 30), 6)
  // scipy.stats.binomtest(1, 10, alternative="less").proportion_ci(0.95).high
  expect(clopperPearson(1, 10)).toBeCloseTo(0.3941633, 6)
})

test('requests of one server start are not independent: Mann–Whitney fails what did not change, this gate does not', () => {
  const results = { value: <T>(_: string, make: () => T) => make() }
  const { documented } = headToHead(results, 60)
  const unchanged = (rule: string) =>
    Number(new RegExp(`${rule} \\| ([\\d.]+) %`).exec(documented)?.[1] ?? Number.NaN)
  expect(unchanged('Mann–Whitney over requests')).toBeGreaterThan(10)
  expect(unchanged('this gate')).toBeLessThan(5)
})
