import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Chart, parseChart } from '../../test/support/xychart.ts'
import { latencyChart } from './mermaid.ts'
import type { Curve, CurveChart } from './sweep-rows.ts'

const chartOf = (chart: CurveChart): Chart | null => {
  const fenced = latencyChart(chart, 'This PR')[1]
  if (fenced === undefined) return null
  const source = /^```mermaid\n([\s\S]*)\n```$/.exec(fenced)?.[1]
  return parseChart(source ?? '')
}

const loads = fc.uniqueArray(
  fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('concurrency 1', '50/s, 8', 'x"]\nbar [')),
  {
    minLength: 2,
    maxLength: 40,
  },
)
const milliseconds = fc.double({ min: 0, max: 1e9, noNaN: true })
const curve = (kind: Curve['kind'], names: readonly string[], p99s: readonly number[]): Curve => ({
  kind,
  label: kind,
  points: names.map((load, index) => ({
    load,
    p99Ms: p99s[index] ?? 0,
    inferPerSec: 1,
    text: '',
    best: false,
  })),
})

test('whatever the loads are called and however long they take, mermaid reads the chart, and the numbers in it', () => {
  const numbers = fc.array(milliseconds, { minLength: 40, maxLength: 40 })
  fc.assert(
    fc.property(loads, numbers, numbers, fc.boolean(), (names, ours, theirs, both) => {
      const committed = curve('committed', names, ours)
      const reference = both ? [curve('reference', names, theirs)] : []
      const chart = chartOf({ curves: [committed, ...reference], budget: null })
      const shown = Math.min(names.length, 24)
      expect(chart?.labels).toHaveLength(shown)
      const close = (values: readonly number[]) =>
        values.slice(0, shown).map((value) => expect.closeTo(value, 2))
      expect(chart?.bar).toEqual(close(ours))
      expect(chart?.line).toEqual(both ? close(theirs) : null)
      expect(Math.max(...(chart?.bar ?? []), ...(chart?.line ?? []))).toBeLessThanOrEqual(
        chart?.highest ?? -1,
      )
    }),
    { numRuns: 300 },
  )
})

test.each(['summary', 'pass'])('the charts in the golden of a %s are such', (name) => {
  const golden = readFileSync(join(import.meta.dirname, `../../test/golden/${name}.golden.md`), 'utf8')
  const charts = [...golden.matchAll(/^```mermaid\n([\s\S]*?)\n```$/gm)].map(([, source = '']) => source)
  expect(charts.length > 0).toBe(name === 'summary')
  for (const source of charts) expect(parseChart(source).labels.length).toBeGreaterThan(1)
})

test('below two loads there is none', () => {
  expect(chartOf({ curves: [curve('committed', ['concurrency 1'], [1])], budget: null })).toBeNull()
  expect(chartOf({ curves: [curve('reference', ['a', 'b'], [1, 2])], budget: null })).toBeNull()
})
