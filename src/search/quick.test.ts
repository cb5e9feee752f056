import { expect, test } from 'vitest'
import type { Constraint } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type Landscape, type ReplayOptions, replay } from './replay.ts'
import { nextStep } from './search.ts'
import { placeKey, type SearchMetrics } from './state.ts'

const committed: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
const configurations = [1, 2, 3, 4].flatMap((instanceCount) =>
  [1, 4, 16].flatMap((maxBatchSize) =>
    [true, false].map((dynamicBatching): Configuration => {
      const own = instanceCount === 1 && maxBatchSize === 4 && dynamicBatching
      return own ? committed : { committed: false, instanceCount, maxBatchSize, dynamicBatching }
    }),
  ),
)
const loads = [1, 2, 4, 8, 16, 32].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))
const budgetOf = (limit: number): Constraint => ({
  name: 'perf_latency_p99',
  metric: 'latencyP99Ns',
  bound: 'max',
  limit,
})

/** 10 ms for each request; instances work side by side, batches do not help. */
function queue(configuration: Configuration, load: Load): SearchMetrics {
  const outstanding = load.mode === 'concurrency' ? load.concurrency : 1
  const inferPerSec = 100 * Math.min(outstanding, configuration.instanceCount ?? 1)
  return { inferPerSec, latencyP99Ns: (outstanding / inferPerSec) * 1e9 }
}

function run(overrides: Partial<Landscape>, options: Partial<ReplayOptions> = {}) {
  const scene: Landscape = {
    name: 'queue',
    space: { committed, configurations, loads },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
    constraints: [],
    measure: queue,
    ...overrides,
  }
  return replay('quick', scene, { maxMeasurements: 20, ...options })
}

test('the committed configuration first, then more instances, confirmed at last', () => {
  const { points, answer } = run({}, { noise: 0.01, seed: 1 })
  expect(points[0]?.configuration).toBe(committed)
  expect(answer).toMatchObject({
    configuration: { instanceCount: 4 },
    gain: expect.closeTo(3, 1),
    tie: false,
    meetsConstraints: true,
  })
  expect(answer?.measurements).toBeGreaterThan(1)
  expect(answer?.explanation).toMatch(/^The committed configuration at its best load, /)
})

test('what has no noise is not measured twice', () => {
  const { points, answer } = run({})
  expect(new Set(points.map(placeKey)).size).toBe(points.length)
  expect(answer).toMatchObject({ configuration: { instanceCount: 4 }, gain: expect.closeTo(3), tie: false })
})

test('dynamic batching is tried the other way', () => {
  const { points } = run({})
  expect(new Set(points.map(({ configuration }) => configuration.dynamicBatching))).toEqual(
    new Set([true, false]),
  )
})

test('where only the lightest load holds the budget all are alike, and the committed one wins the tie', () => {
  const { answer } = run(
    { constraints: [budgetOf(10.5e6)], measure: (_, load) => queue(committed, load) },
    { noise: 0.03, seed: 4 },
  )
  expect(answer?.configuration.committed).toBe(true)
  expect(answer?.load).toEqual(loads[0])
  expect(answer?.gain).toBe(0)
})

test('where nothing meets the constraints the least violating is named, with what fails by how much', () => {
  const { answer } = run({ constraints: [budgetOf(8e6)] })
  expect(answer?.meetsConstraints).toBe(false)
  expect(answer?.gain).toBeNull()
  expect(answer?.explanation).toContain('perf_latency_p99 is 10 ms, at most 8 ms asked (25.0 % off)')
})

test('a limit that nothing can hold does not end the search: the other one is still approached', () => {
  const never: Constraint = { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit: 0 }
  const withMemory = (at: Configuration, load: Load) => ({ ...queue(at, load), gpuMemoryBytes: 1e9 })
  for (const constraints of [[never], [never, budgetOf(15e6)]]) {
    const { points, answer } = run({ constraints, measure: withMemory })
    expect(new Set(points.map(({ configuration }) => configurationKey(configuration))).size).toBeGreaterThan(
      1,
    )
    expect(answer?.meetsConstraints).toBe(false)
  }
})

test('a configuration that failed to load is not tried again', () => {
  const { points, answer } = run({
    measure: (at, load) => ((at.instanceCount ?? 1) > 2 ? null : queue(at, load)),
  })
  expect(answer?.configuration.instanceCount).toBe(2)
  const failed = points
    .filter(({ metrics }) => metrics === null)
    .map(({ configuration }) => configurationKey(configuration))
  expect(new Set(failed).size).toBe(failed.length)
})

test('a search that measured nothing has no answer', () => {
  const { points, answer } = run({ measure: () => null }, { maxMeasurements: 4 })
  expect(answer).toBeNull()
  expect(points.length).toBeLessThanOrEqual(4)
  expect(run({}, { maxMeasurements: 0 })).toMatchObject({
    points: [],
    answer: null,
    reason: 'the budget of 0 measurements is used',
  })
})

test('dear loads keep the search at the loaded configuration for longer', () => {
  const switches = (costNs: { load: number; measure: number }): number => {
    const { points } = run({}, { costNs, maxMeasurements: 10 })
    return points.filter(({ configuration }, i) => i > 0 && configuration !== points[i - 1]?.configuration)
      .length
  }
  expect(switches({ load: 50, measure: 1 })).toBeLessThanOrEqual(switches({ load: 0, measure: 1 }))
})

test('the time left is kept', () => {
  const { spentNs, reason } = run({}, { costNs: { load: 20, measure: 10 }, timeBudgetNs: 100, noise: 0.01 })
  expect(spentNs).toBeLessThanOrEqual(100)
  expect(reason).toMatch(/left do not allow the next measurement/)
})

test('a winner whose confirmation breaks the limit gives way', () => {
  const space = { committed, configurations: [committed], loads: loads.slice(0, 2) }
  const at = (i: number, inferPerSec: number, latencyP99Ns: number) => ({
    configuration: committed,
    load: loads[i] as Load,
    metrics: { inferPerSec, latencyP99Ns },
  })
  const points = [at(0, 90, 6e6), at(1, 100, 9e6), at(1, 100, 12e6)]
  const step = nextStep('quick', {
    space,
    points,
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
    constraints: [budgetOf(11e6)],
    budget: { maxMeasurements: 3, timeLeftNs: null, costNs: { load: 0, measure: 1 } },
  })
  // The mean of 9 and 12 ms holds the limit of 11 ms, the confirmation alone does not.
  expect(step).toMatchObject({ kind: 'done', answer: { load: loads[0], meetsConstraints: true } })
})

test('what missed its limit by noise and would gain much is measured again before the winner is', () => {
  const at = (i: number, inferPerSec: number, latencyP99Ns: number) => ({
    configuration: committed,
    load: loads[i] as Load,
    metrics: { inferPerSec, latencyP99Ns },
  })
  const next = (heavyP99Ns: number, heavyRate = 600) =>
    nextStep('quick', {
      space: { committed, configurations: [committed], loads: loads.slice(0, 4) },
      points: [at(0, 90, 11e6), at(1, 180, 11.3e6), at(2, 350, 11.4e6), at(3, heavyRate, heavyP99Ns)],
      objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
      constraints: [budgetOf(14e6)],
      budget: { maxMeasurements: 5, timeLeftNs: null, costNs: { load: 0, measure: 1 } },
    })
  expect(next(14.2e6)).toMatchObject({ kind: 'measure', load: loads[3], purpose: 'confirm' })
  expect(next(20e6)).toMatchObject({ kind: 'measure', load: loads[2], purpose: 'confirm' })
  // Here 11 % are expected of it, there 3 %, for which the winner's confirmation does not wait.
  expect(next(15e6)).toMatchObject({ kind: 'measure', load: loads[3], purpose: 'confirm' })
  expect(next(14.8e6, 370)).toMatchObject({ kind: 'measure', load: loads[2], purpose: 'confirm' })
})

test('a near miss is measured again as long as its mean may turn, six times at most', () => {
  const load = (i: number) => loads[i] as Load
  const at = (i: number, inferPerSec: number, latencyP99Ns: number) => ({
    configuration: committed,
    load: load(i),
    metrics: { inferPerSec, latencyP99Ns },
  })
  const next = (...heavyP99Ns: readonly number[]) =>
    nextStep('quick', {
      space: { committed, configurations: [committed], loads: loads.slice(0, 4) },
      points: [
        at(0, 90, 11e6),
        at(1, 180, 11.3e6),
        at(2, 350, 11.4e6),
        ...heavyP99Ns.map((p99Ns, i) => at(3, 600 + i, p99Ns)),
      ],
      objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
      constraints: [budgetOf(14e6)],
      budget: { maxMeasurements: 20, timeLeftNs: null, costNs: { load: 0, measure: 1 } },
    })
  expect(next(14.2e6, 13.9e6, 14.3e6)).toMatchObject({ load: load(3), purpose: 'confirm' })
  expect(next(14.2e6, 13.9e6, 14.3e6, 13.9e6, 14.1e6)).toMatchObject({ load: load(3), purpose: 'confirm' })
  expect(next(14.2e6, 13.9e6, 14.3e6, 13.9e6, 14.1e6, 14.1e6)).toMatchObject({
    load: load(2),
    purpose: 'confirm',
  })
  // Three of 14.8 ms say enough: the next one would have to take 11.6 ms.
  expect(next(14.7e6, 14.9e6, 14.8e6)).toMatchObject({ load: load(2), purpose: 'confirm' })
})

test('a near miss is left where it would gain too little to be worth it', () => {
  const at = (i: number, inferPerSec: number, latencyP99Ns: number) => ({
    configuration: committed,
    load: loads[i] as Load,
    metrics: { inferPerSec, latencyP99Ns },
  })
  const next = (heavyRate: number) =>
    nextStep('quick', {
      space: { committed, configurations: [committed], loads: loads.slice(0, 3) },
      // The winner is confirmed, and there are measurements left.
      points: [
        at(0, 180, 11.3e6),
        at(1, 350, 11.4e6),
        at(1, 352, 11.5e6),
        at(1, 348, 11.4e6),
        at(2, heavyRate, 14.2e6),
        at(2, heavyRate + 2, 14.1e6),
      ],
      objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
      constraints: [budgetOf(14e6)],
      budget: { maxMeasurements: 20, timeLeftNs: null, costNs: { load: 0, measure: 1 } },
    })
  expect(next(500)).toMatchObject({ kind: 'measure', load: loads[2] })
  expect(next(362)).toMatchObject({ kind: 'done', answer: { load: loads[1] } })
})

test('brute measures each place once, the committed configuration first, and leaves plateaus', () => {
  const scene: Landscape = {
    name: 'queue',
    space: { committed, configurations, loads },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
    constraints: [],
    measure: queue,
  }
  const brute = replay('brute', scene, { maxMeasurements: 1000 })
  expect(new Set(brute.points.map(placeKey)).size).toBe(brute.points.length)
  // Throughput is flat over loads 1 to 8 with one instance: the fourth load ends it.
  expect(brute.points.slice(0, 4).every(({ configuration }) => configuration === committed)).toBe(true)
  expect(brute.points[4]?.configuration).not.toBe(committed)
  expect(brute.answer?.configuration.instanceCount).toBe(4)
  const manual = replay('manual', scene, { maxMeasurements: 1000 })
  expect(new Set(manual.points.map(({ configuration }) => configuration)).size).toBe(configurations.length)
  expect(brute.points.length).toBeLessThan(manual.points.length)
  expect(replay('off', scene, { maxMeasurements: 10 }).points).toEqual([])
})

test('brute leaves the plateau of one client batch, and goes on with the next', () => {
  const sizes = [1, 2]
  const scene: Landscape = {
    name: 'queue',
    space: {
      committed,
      configurations: [committed],
      loads: loads.flatMap((load) => sizes.map((batchSize): Load => ({ ...load, batchSize }))),
    },
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
    constraints: [],
    // Flat over every load of a client batch, and twice as much for the larger one.
    measure: (_, load) => ({ inferPerSec: 100 * (load.batchSize ?? 1) }),
  }
  const { points, answer } = replay('brute', scene, { maxMeasurements: 100 })
  const places = [...new Map(points.map((point) => [placeKey(point), point])).values()]
  const measuredOf = (size: number) => places.filter(({ load }) => load.batchSize === size).length
  expect(sizes.map(measuredOf)).toEqual([4, 4])
  expect(answer?.load.batchSize).toBe(2)
})

test('what failed when it was measured again is no near miss', () => {
  const at = (i: number, inferPerSec: number, latencyP99Ns: number) => ({
    configuration: committed,
    load: loads[i] as Load,
    metrics: { inferPerSec, latencyP99Ns },
  })
  const step = nextStep('quick', {
    space: { committed, configurations: [committed], loads: loads.slice(0, 4) },
    points: [
      at(0, 90, 11e6),
      at(1, 180, 11.3e6),
      at(2, 350, 11.4e6),
      at(3, 600, 14.2e6),
      { ...at(3, 0, 0), metrics: null },
    ],
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
    constraints: [budgetOf(14e6)],
    budget: { maxMeasurements: 20, timeLeftNs: null, costNs: { load: 0, measure: 1 } },
  })
  expect(step).toMatchObject({ kind: 'measure', load: loads[2], purpose: 'confirm' })
})

test('it is the time that ends a search where something promising is left that it does not allow', () => {
  const costNs = { load: 10, measure: 1 }
  const space = { committed, configurations, loads }
  const objectives = [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }] as const
  const reasons = [12, 16, 25, 60, 400].map((timeBudgetNs) => {
    const { points, reason } = run({ objectives }, { costNs, timeBudgetNs, maxMeasurements: 100 })
    const budget = { maxMeasurements: 100, timeLeftNs: null, costNs }
    const further = nextStep('quick', { space, objectives, constraints: [], points, budget })
    expect(reason).toMatch(
      further.kind === 'measure' ? /do not allow the next measurement/ : /nothing that is left is expected/,
    )
    return reason
  })
  expect(new Set(reasons).size).toBeGreaterThan(1)
})

test('while nothing meets the constraints no place is said to be better for coming nearer', () => {
  const space = { committed, configurations, loads }
  const constraints = [budgetOf(1e6)]
  const objectives = [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }] as const
  const { points } = run({ constraints, objectives })
  const whys = points.slice(1).map((_, i) => {
    const budget = { maxMeasurements: 20, timeLeftNs: null, costNs: { load: 0, measure: 1 } }
    const step = nextStep('quick', { space, objectives, constraints, points: points.slice(0, i + 1), budget })
    return step.kind === 'measure' && step.purpose === 'explore' ? step.why : ''
  })
  expect(whys.join()).toContain('nothing works and meets the constraints so far, 0 % chance that this does')
  expect(whys.join()).not.toContain('expected to be')
})

test('the chance to meet the constraints is told only where there are any', () => {
  const space = { committed, configurations, loads }
  const objectives = [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }] as const
  const whysWith = (constraints: Landscape['constraints']) => {
    const { points } = run({ constraints, objectives })
    return points.slice(1).flatMap((_, i) => {
      const budget = { maxMeasurements: 20, timeLeftNs: null, costNs: { load: 0, measure: 1 } }
      const seen = { space, objectives, constraints, points: points.slice(0, i + 1), budget }
      const step = nextStep('quick', seen)
      return step.kind === 'measure' && step.why.startsWith('expected to be') ? step.why : []
    })
  }
  expect(whysWith([]).length).toBeGreaterThan(0)
  expect(whysWith([]).filter((why) => why.includes('chance'))).toEqual([])
  expect(whysWith([budgetOf(1e9)]).every((why) => why.endsWith(' % chance to meet the constraints'))).toBe(
    true,
  )
})
