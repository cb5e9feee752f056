import { expect, test } from 'vitest'
import { windowOf } from '../../test/support/windows.ts'
import { nsPerMs } from '../domain/world.ts'
import { createRandom } from '../stats/random.ts'
import { type JudgedWindow, type SteadyBudget, type SteadyStep, steadyStep } from './steady.ts'

const windowNs = 100 * nsPerMs
const budget: SteadyBudget = { minNs: 10 * windowNs, minRequests: 10, maxNs: Number.POSITIVE_INFINITY }
const most = 80

interface Noise {
  /** Of the log of a window's mean latency, and its autocorrelation. */
  readonly sd: number
  readonly rho: number
  /** Three in a hundred requests take so many times longer, on exponential average. */
  readonly tail: number
}
const quiet: Noise = { sd: 0.02, rho: 0, tail: 1 }
const busy: Noise = { sd: 0.05, rho: 0.5, tail: 3 }
const noisy: Noise = { sd: 0.15, rho: 0.5, tail: 3 }

/** Windows of a closed loop at concurrency 1 whose mean latency is 5 ms × `factor(index)`, with noise. */
function makeSeries(seed: number, noise: Noise, factor: (index: number) => number): () => JudgedWindow {
  const random = createRandom(seed)
  let state = random.normal()
  let index = 0
  return () => {
    state = noise.rho * state + Math.sqrt(1 - noise.rho ** 2) * random.normal()
    const meanNs = 5 * nsPerMs * factor(index++) * Math.exp(noise.sd * state)
    const latencies: number[] = []
    let atNs = 0
    while (atNs < windowNs) {
      const isSlow = random.uniform() < 0.03
      const latency =
        meanNs * (0.9 + 0.2 * random.uniform()) * (isSlow ? 1 + noise.tail * random.exponential() : 1)
      atNs += latency
      latencies.push(latency)
    }
    return {
      durationNs: windowNs,
      completed: Math.max(1, latencies.length - 1),
      latenciesNs: Float64Array.from(latencies).sort(),
    }
  }
}

/** After how many windows each of 200 series was called steady, ascending; those that never were count as `most`. */
function endsOf(noise: Noise, factor: (index: number) => number): number[] {
  return Array.from({ length: 200 }, (_, seed) => {
    const next = makeSeries(seed, noise, factor)
    const windows: JudgedWindow[] = []
    while (windows.length < most) {
      windows.push(next())
      if (steadyStep(windows, windows.length * windowNs, budget).kind === 'steady') break
    }
    return windows.length
  }).toSorted((a, b) => a - b)
}

const share = (ends: readonly number[], holds: (end: number) => boolean) =>
  ends.filter(holds).length / ends.length

test.each([
  ['quiet', quiet, 13],
  ['busy', busy, 16],
  ['noisy', noisy, 25],
] as const)('a steady load with %s noise, autocorrelated and heavy-tailed, ends soon', (_, noise, soon) => {
  const ends = endsOf(noise, () => 1)
  // Ten windows are the least: half of the series end there at once, nine in ten soon after.
  expect(ends[100]).toBeLessThanOrEqual(11)
  expect(share(ends, (end) => end <= soon)).toBeGreaterThan(0.9)
  expect(share(ends, (end) => end === most)).toBe(0)
})

test('a warm-up as of a compiler is waited for until little of it is left', () => {
  // Three times as slow at the start, the excess falling by 1/e in 0.6 s.
  const excess = (index: number) => 2 * Math.exp(-index / 6)
  expect(
    share(
      endsOf(quiet, (index) => 1 + excess(index)),
      (end) => excess(end) > 0.1,
    ),
  ).toBeLessThan(0.01)
  expect(
    share(
      endsOf(busy, (index) => 1 + excess(index)),
      (end) => excess(end) > 0.25,
    ),
  ).toBeLessThan(0.05)
})

test.each([1.3, 1 / 1.3])('a step by %f within the windows that are judged is not called steady', (step) => {
  const at = 6
  const ends = endsOf(quiet, (index) => (index < at ? step : 1))
  // Two windows before the step may stay among those that are judged: they do not weigh 3 %.
  expect(share(ends, (end) => end < at + 5)).toBeLessThan(0.03)
  expect(share(ends, (end) => end <= at + 10)).toBeGreaterThan(0.95)
})

test('a step in the last window alone is seen', () => {
  const even = Array.from({ length: 11 }, (_, index) => windowOf(spread(100, 1 + 0.01 * (index % 2))))
  expect(step(even).kind).toBe('steady')
  const last = step([...even, windowOf(spread(80, 1.25))])
  expect(last).toMatchObject({ kind: 'goOn', reason: expect.stringContaining('throughput has just changed') })
})

test('a drift that shows above the noise is not called steady while it lasts', () => {
  const ends = endsOf(quiet, (index) => Math.exp(-0.02 * Math.min(index, 30)))
  expect(share(ends, (end) => end < 20)).toBeLessThan(0.35)
  const steep = endsOf(quiet, (index) => Math.exp(-0.04 * Math.min(index, 30)))
  expect(share(steep, (end) => end < 30)).toBeLessThan(0.02)
})

test('a tail that grows while the throughput stays is a drift of the percentile', () => {
  const windows = Array.from({ length: 12 }, (_, index) =>
    windowOf([...spread(92, 1), ...Array.from({ length: 8 }, () => 3 * 1.05 ** index)], { completed: 100 }),
  )
  expect(step(windows)).toMatchObject({ kind: 'goOn', reason: expect.stringContaining('p95 drifts') })
})

test('what is steady all along keeps all its windows, what was not only the last half', () => {
  const even = Array.from({ length: 20 }, () => windowOf(spread(100, 1)))
  expect(step(even)).toMatchObject({ kind: 'steady', since: 0 })
  const late = even.map((window, index) => (index < 5 ? windowOf(spread(50, 2)) : window))
  expect(step(late)).toMatchObject({ kind: 'steady', since: 10 })
})

test('the budget ends what is never steady, in words, and too few requests are not enough', () => {
  const even = Array.from({ length: 12 }, () => windowOf(spread(5, 1)))
  const few: SteadyStep = steadyStep(even, 12 * windowNs, { ...budget, minRequests: 61 })
  expect(few).toEqual({ kind: 'goOn', reason: '60 of 61 requests so far' })
  const spent = steadyStep(even.slice(0, 5), 4e9, { ...budget, maxNs: 4e9 })
  expect(spent).toEqual({
    kind: 'outOfBudget',
    reason: 'not steady after 4.0 s: 5 of the 8 windows it takes to judge',
  })
  const failing = steadyStep([...even, windowOf([])], 4e9, { ...budget, maxNs: 4e9 })
  expect(failing.reason).toBe('not steady after 4.0 s: a window without an answer')
})

function step(windows: readonly JudgedWindow[]): SteadyStep {
  return steadyStep(windows, windows.length * windowNs, budget)
}

/** `count` latencies around `ms`. */
function spread(count: number, ms: number): number[] {
  return Array.from({ length: count }, (_, index) => ms * (1 + 0.1 * (index / count)))
}
