import { expect, test } from 'vitest'
import type { Constraint } from '../config/config.ts'
import { defaultObjectives, defaultSearch } from '../config/defaults.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { createRandom } from '../stats/random.ts'
import { nextConcurrentStep } from './concurrent.ts'
import { scoreOf, violationOf } from './concurrent-ranking.ts'
import {
  type ConcurrentAnswer,
  type ConcurrentModel,
  type ConcurrentPlace,
  type ConcurrentPoint,
  placeKey,
} from './concurrent-state.ts'
import { makeSpace } from './make-space.ts'
import type { SearchMetrics } from './state.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 4,
  dynamicBatching: true,
}
const settings = {
  ...defaultSearch,
  instanceCount: { min: 1, max: 3 },
  modelBatchSize: { min: 2, max: 8 },
  concurrency: { min: 2, max: 32 },
}
const space = makeSpace(settings, committed, { batching: true, instances: true, loadsAllowed: true })
const objectives = [
  { name: 'perf_throughput', metric: 'inferPerSec', weight: defaultObjectives.perf_throughput },
] as const
const budgetOf = (limitMs: number): Constraint[] => [
  { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: limitMs * 1e6 },
]

function models(weights: readonly number[], constraints: readonly Constraint[] = []): ConcurrentModel[] {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight, index) => ({
    name: ['a', 'b', 'c'][index] ?? '',
    space,
    objectives,
    constraints,
    weight: weight / sum,
  }))
}

interface Server {
  /** Of one inference alone, and what each further one of a batch takes of that. */
  readonly ms: readonly number[]
  readonly marginal: readonly number[]
  /** Executions at a time that the machine holds without any slowing another. */
  readonly cores: number
  /** More instances of all models than that do not load. */
  readonly mostInstances?: number
}

/** Models that share cores: each execution takes longer by what is wanted beyond them. */
function measureOn(
  { ms, marginal, cores, mostInstances = 99 }: Server,
  place: ConcurrentPlace,
): SearchMetrics[] | null {
  const total = place.configurations.reduce((sum, { instanceCount }) => sum + (instanceCount ?? 1), 0)
  if (total > mostInstances) return null
  const each = place.configurations.map((configuration, index) => {
    const { instanceCount, maxBatchSize, dynamicBatching } = configuration
    const load = place.loads[index]
    const outstanding = load?.mode === 'concurrency' ? load.concurrency : 1
    const busy = Math.min(instanceCount ?? 1, outstanding)
    const batch = dynamicBatching ? Math.max(1, Math.min(maxBatchSize, outstanding / busy)) : 1
    const executionMs = (ms[index] ?? 1) * (1 + (batch - 1) * (marginal[index] ?? 1))
    return { outstanding, busy, batch, executionMs }
  })
  const wanted = each.reduce((sum, { busy }) => sum + busy, 0)
  const slowdown = Math.max(1, wanted / cores)
  return each.map(({ outstanding, busy, batch, executionMs }) => {
    const inferPerSec = Math.min(
      (busy * batch * 1000) / (executionMs * slowdown),
      (outstanding * 1000) / executionMs,
    )
    return { inferPerSec, latencyP99Ns: (1.3 * outstanding * 1e9) / inferPerSec }
  })
}

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const budget = { timeLeftNs: null, costNs: { load: 2e9, measure: 1e9 } }

function search(
  all: readonly ConcurrentModel[],
  server: Server,
  options: { readonly most?: number; readonly noise?: number } = {},
) {
  const { most = 40, noise = 0 } = options
  const random = createRandom(3)
  const gated = [all.map(() => closed(1)), all.map(() => closed(8))]
  const points: ConcurrentPoint[] = []
  for (;;) {
    const step = nextConcurrentStep({
      models: all,
      gated,
      points,
      budget: { ...budget, maxMeasurements: most },
    })
    if (step.kind === 'done') return { answer: step.answer, points, reason: step.reason }
    if (points.length >= most) throw new Error('beyond the budget')
    const metrics = measureOn(server, step.place)
    const spread = () => 1 + noise * random.normal()
    points.push({
      ...step.place,
      metrics:
        metrics === null
          ? null
          : metrics.map((each) => ({ ...each, inferPerSec: (each.inferPerSec ?? 0) * spread() })),
    })
  }
}

/** Score of the best combination there is against the committed one at the gated loads. */
function best(all: readonly ConcurrentModel[], server: Server): { score: number; place: ConcurrentPlace } {
  const loads = space.loads
  const own = all.map(() =>
    space.configurations.flatMap((configuration) => loads.map((load) => ({ configuration, load }))),
  )
  let top = { score: Number.NEGATIVE_INFINITY, place: { configurations: [], loads: [] } as ConcurrentPlace }
  const base =
    measureOn(server, { configurations: all.map(() => committed), loads: all.map(() => closed(8)) }) ?? []
  for (const a of own[0] ?? []) {
    for (const b of own[1] ?? []) {
      const place = { configurations: [a.configuration, b.configuration], loads: [a.load, b.load] }
      const metrics = measureOn(server, place)
      if (metrics === null || violationOf(all, metrics) > 0) continue
      const score = scoreOf(all, metrics, base)
      if (score > top.score) top = { score, place }
    }
  }
  return top
}

const scoreAgainst8 = (all: readonly ConcurrentModel[], server: Server, answer: ConcurrentAnswer | null) => {
  const base =
    measureOn(server, { configurations: all.map(() => committed), loads: all.map(() => closed(8)) }) ?? []
  return answer === null ? Number.NaN : scoreOf(all, measureOn(server, answer) ?? [], base)
}

const servers: [string, Server][] = [
  ['two alike', { ms: [10, 10], marginal: [0.5, 0.5], cores: 4 }],
  ['a fast beside a slow one', { ms: [2, 40], marginal: [0.3, 0.9], cores: 4 }],
  ['few cores', { ms: [10, 20], marginal: [0.8, 0.8], cores: 2 }],
  ['many cores', { ms: [10, 20], marginal: [1, 1], cores: 16 }],
  ['few instances', { ms: [10, 20], marginal: [0.2, 0.9], cores: 16, mostInstances: 4 }],
]

/** What a difference of two confirmed places must be beyond, as a score. */
const tie = 0.12

test.each(servers)('%s: near the best of all combinations, within the budget of two models', (_, server) => {
  const all = models([1, 1])
  const { answer, points } = search(all, server)
  expect(points.length).toBeLessThanOrEqual(40)
  expect(scoreAgainst8(all, server, answer)).toBeGreaterThan(0.9 * best(all, server).score - tie)
})

test.each(servers)('%s: the answer meets the limits of every model, if anything does', (_, server) => {
  const all = models([1, 1], budgetOf(200))
  const { answer } = search(all, server)
  expect(best(all, server).score).toBeGreaterThan(Number.NEGATIVE_INFINITY)
  expect(answer?.meetsConstraints).toBe(true)
  expect(violationOf(all, measureOn(server, answer ?? { configurations: [], loads: [] }) ?? [])).toBe(0)
})

test('a limit of one model alone holds for the combination', () => {
  const [a, b] = models([1, 1])
  if (a === undefined || b === undefined) throw new Error('no models')
  const server: Server = { ms: [10, 10], marginal: [0.5, 0.5], cores: 2 }
  const ofA = (all: readonly ConcurrentModel[]) => search(all, server).answer?.metrics[0]?.latencyP99Ns
  expect(ofA([a, b])).toBeGreaterThan(60e6)
  expect(ofA([{ ...a, constraints: budgetOf(60) }, b])).toBeLessThanOrEqual(60e6)
})

test('the weightier model gets the more', () => {
  const server: Server = { ms: [10, 10], marginal: [0.5, 0.5], cores: 2 }
  const shareOfA = (weights: readonly number[]) => {
    const [a, b] = search(models(weights), server).answer?.metrics ?? []
    return (a?.inferPerSec ?? 0) / ((a?.inferPerSec ?? 0) + (b?.inferPerSec ?? 1))
  }
  expect(shareOfA([9, 1])).toBeGreaterThan(shareOfA([1, 1]) + 0.05)
  expect(shareOfA([1, 9])).toBeLessThan(shareOfA([1, 1]) - 0.05)
})

test('the total gain is the weighted geometric mean of the models’ own', () => {
  const { answer } = search(models([3, 1]), { ms: [10, 20], marginal: [1, 1], cores: 16 })
  const [a, b] = answer?.gains ?? []
  expect(answer?.gain).toBeCloseTo((1 + (a ?? 0)) ** 0.75 * (1 + (b ?? 0)) ** 0.25 - 1, 9)
  expect(answer?.gain).toBeGreaterThan(0.5)
  expect(answer?.tie).toBe(false)
})

test('where nothing helps the committed configurations stand', () => {
  const { answer, points } = search(
    models([1, 1]),
    { ms: [10, 10], marginal: [1, 1], cores: 1 },
    { noise: 0.02 },
  )
  expect(answer?.configurations.every((each) => each.committed)).toBe(true)
  expect(points.filter((point) => placeKey(point) === placeKey(answer ?? point)).length).toBeGreaterThan(1)
})

test('where nothing answers there is no answer, and a budget of nothing ends at once', () => {
  const server: Server = { ms: [1, 1], marginal: [1, 1], cores: 4, mostInstances: 1 }
  expect(search(models([1, 1]), server)).toMatchObject({
    answer: null,
    reason: 'the budget of 40 measurements is used',
  })
  expect(search(models([1, 1]), servers[0]?.[1] as Server, { most: 0 }).points).toEqual([])
  expect(search(models([1, 1]), servers[0]?.[1] as Server, { most: 3 }).points).toHaveLength(3)
})

test('it says that the time has ended it, also where as few measurements are left as are kept for confirming', () => {
  const all = models([1, 1])
  const state = {
    models: all,
    gated: [all.map(() => closed(1))],
    points: [],
    budget: { ...budget, maxMeasurements: 2, timeLeftNs: 0 },
  }
  expect(nextConcurrentStep(state)).toMatchObject({
    kind: 'done',
    reason: 'the 0.0 s left do not allow the next measurement',
  })
})

test('a search that was stopped anywhere goes on as if it had not been', () => {
  const all = models([1, 1])
  const server = servers[1]?.[1] as Server
  const { points, answer } = search(all, server)
  for (const stop of [1, 7, points.length - 1]) {
    const gated = [all.map(() => closed(1)), all.map(() => closed(8))]
    const state = {
      models: all,
      gated,
      points: points.slice(0, stop),
      budget: { ...budget, maxMeasurements: 40 },
    }
    const step = nextConcurrentStep(JSON.parse(JSON.stringify(state)) as typeof state)
    expect(step.kind === 'measure' && placeKey(step.place)).toBe(placeKey(points[stop] as ConcurrentPoint))
  }
  expect(answer).not.toBeNull()
})
