import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import fixture from '../../test/support/scipy-fixture.json' with { type: 'json' }
import {
  binomialCdf,
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentTCdf,
  studentTQuantile,
} from './special.ts'

function expectClose(actual: number, expected: number, what: unknown) {
  const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected))
  expect(error, `${JSON.stringify(what)}: ${actual} against ${expected}`).toBeLessThan(1e-9)
}

describe('against SciPy', () => {
  const functions: [string, number[][], (...args: number[]) => number][] = [
    ['logGamma', fixture.logGamma, (x) => logGamma(x)],
    ['incompleteBeta', fixture.incompleteBeta, (x, a, b) => incompleteBeta(x, a, b)],
    ['binomialCdf', fixture.binomialCdf, (k, n, p) => binomialCdf(k, n, p)],
    ['normalCdf', fixture.normalCdf, (z) => normalCdf(z)],
    ['normalQuantile', fixture.normalQuantile, (p) => normalQuantile(p)],
    ['studentTCdf', fixture.studentTCdf, (t, df) => studentTCdf(t, df)],
    ['studentTQuantile', fixture.studentTQuantile, (p, df) => studentTQuantile(p, df)],
  ]
  test.each(functions)('%s', (_, cases, f) => {
    expect(cases.length).toBeGreaterThanOrEqual(40)
    for (const example of cases) expectClose(f(...example.slice(0, -1)), example.at(-1) as number, example)
  })

  test('the fixture holds 1000 cases', () => {
    const counts = Object.values(fixture).map((of) => (Array.isArray(of) ? of.length : 0))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1000)
  })

  test('small tail probabilities keep their relative precision', () => {
    const tails = fixture.normalCdf.filter(([z]) => (z as number) < -3)
    expect(tails.length).toBeGreaterThan(0)
    for (const [z, p] of tails as [number, number][]) expect(normalCdf(z) / p).toBeCloseTo(1, 9)
  })
})

test('the binomial distribution function is the sum of its probabilities', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 25 }),
      fc.nat(25),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (n, k, p) => {
        let sum = 0
        for (let i = 0; i <= Math.min(k, n); i++) sum += choose(n, i) * p ** i * (1 - p) ** (n - i)
        expect(binomialCdf(k, n, p)).toBeCloseTo(sum, 11)
      },
    ),
  )
})

test('the quantile inverts the distribution function and is odd about one half', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
      fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(Number.POSITIVE_INFINITY)),
      (p, degreesOfFreedom) => {
        const t = studentTQuantile(p, degreesOfFreedom)
        expect(studentTCdf(t, degreesOfFreedom)).toBeCloseTo(p, 11)
        expect(studentTCdf(-t, degreesOfFreedom)).toBeCloseTo(1 - p, 11)
      },
    ),
  )
})

test('arguments outside the domain are refused', () => {
  expect(() => logGamma(0)).toThrow(RangeError)
  expect(() => incompleteBeta(1.1, 1, 1)).toThrow(RangeError)
  expect(() => incompleteBeta(Number.NaN, 1, 1)).toThrow(RangeError)
  expect(() => studentTCdf(0, 0)).toThrow(RangeError)
  expect(() => studentTQuantile(0, 3)).toThrow(RangeError)
  expect(() => studentTQuantile(Number.NaN, 3)).toThrow(RangeError)
})
