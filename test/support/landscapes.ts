import type { Constraint } from '../../src/config/config.ts'
import { type Configuration, configurationKey } from '../../src/domain/configuration.ts'
import type { Load } from '../../src/domain/load.ts'
import { type Landscape, optimum, places } from '../../src/search/replay.ts'
import type { SearchMetrics } from '../../src/search/state.ts'
import { createRandom } from '../../src/stats/random.ts'
import { between, mega, type Random, randomSpace, spread, throughput, withBudget } from './landscape-parts.ts'
import { delayed, recorded, twoPeaks } from './landscapes-of-other-spaces.ts'
import { powerLaw, ridge, separable, simulated, steps } from './landscapes-unlike-ours.ts'

/** A made-up model on a made-up server; the numbers follow the shape that `families` describe. */
interface Model {
  /** Execution time of a batch of b: fixedNs + b × perItemNs. */
  readonly fixedNs: number
  readonly perItemNs: number
  /** Instances slow each other down: rate(k) = k / (1 + contention × (k − 1) + crosstalk × k × (k − 1)). */
  readonly contention: number
  readonly crosstalk: number
  /** infer/s that nothing gets past (a preprocessing step, the network). */
  readonly ceiling: number
  readonly networkNs: number
  /** Sharpness of the knee between the latency-bound and the capacity-bound part. */
  readonly knee: number
  readonly tail: number
  /** Bytes: base + instances × (weights + max batch × activations). */
  readonly memory: { readonly base: number; readonly weights: number; readonly activations: number }
  /** Loading fails beyond it. */
  readonly maxInstances: number
  readonly deviceBytes: number
}

export const families = {
  saturating: (random: Random) =>
    closedLoop(random, { fixedNs: 1e6 * spread(random, 1, 20), perItemNs: 5e6, contention: random() * 0.3 }),
  batching: (random: Random) =>
    closedLoop(random, { fixedNs: 2e6 * spread(random, 1, 10), perItemNs: 1e5 * spread(random, 1, 10) }),
  memoryCliff: (random: Random) =>
    closedLoop(random, {
      memory: {
        base: 300 * mega,
        weights: between(random, 50, 400) * mega,
        activations: between(random, 5, 60) * mega,
      },
      memoryLimit: between(random, 900, 2500) * mega,
    }),
  loadFailure: (random: Random) =>
    closedLoop(random, {
      maxInstances: 1 + Math.floor(random() * 4),
      deviceBytes: between(random, 1500, 6000) * mega,
    }),
  plateau: (random: Random) =>
    closedLoop(random, { fixedNs: 5e6, perItemNs: 5e5, ceiling: between(random, 200, 800) }),
  crosstalk: (random: Random) =>
    closedLoop(random, { crosstalk: between(random, 0.02, 0.2), contention: between(random, 0, 0.2) }),
  middleLoad: (random: Random) => middleLoad(closedLoop(random, {})),
  committedBest: (random: Random) => committedBest(closedLoop(random, {})),
  ridge,
  separable,
  powerLaw,
  steps,
  simulated,
  rough: (random: Random) => rough(closedLoop(random, {}), random),
  twoPeaks,
  delayed,
  recorded,
} as const satisfies Record<string, (random: Random) => Landscape>

export type Family = keyof typeof families

export function landscape(family: Family, seed: number): Landscape {
  const made = families[family](createRandom(seed).uniform)
  return { ...made, name: `${family} ${seed}` }
}

interface Options extends Partial<Model> {
  readonly memoryLimit?: number
}

function closedLoop(random: Random, options: Options): Landscape {
  const model: Model = {
    fixedNs: 1e6 * spread(random, 0.5, 20),
    perItemNs: 1e6 * spread(random, 0.1, 5),
    contention: random() * 0.5,
    crosstalk: random() < 0.5 ? 0 : random() * 0.05,
    ceiling: Number.POSITIVE_INFINITY,
    networkNs: between(random, 1e5, 5e5),
    knee: between(random, 1.5, 6),
    tail: between(random, 1.05, 1.8),
    memory: { base: 300 * mega, weights: 100 * mega, activations: 4 * mega },
    maxInstances: Number.POSITIVE_INFINITY,
    deviceBytes: Number.POSITIVE_INFINITY,
    ...options,
  }
  const space = randomSpace(random)
  const limits = options.memoryLimit === undefined ? [] : [memoryLimit(options.memoryLimit)]
  const measure = (configuration: Configuration, load: Load) => simulate(model, configuration, load)
  return withBudget({ name: '', space, objectives: throughput, constraints: limits, measure }, random)
}

/** A closed loop of requests before `instances` servers that take up to `max_batch_size` of what waits. */
function simulate(model: Model, configuration: Configuration, load: Load): SearchMetrics | null {
  const outstanding = load.mode === 'concurrency' ? load.concurrency : 1
  const k = configuration.instanceCount ?? 1
  const { base, weights, activations } = model.memory
  const gpuMemoryBytes = base + k * (weights + configuration.maxBatchSize * activations)
  if (k > model.maxInstances || gpuMemoryBytes > model.deviceBytes) return null
  const busy = Math.min(k, outstanding)
  const parallel = busy / (1 + model.contention * (busy - 1) + model.crosstalk * busy * (busy - 1))
  const batch = configuration.dynamicBatching
    ? Math.max(1, Math.min(configuration.maxBatchSize, outstanding / busy))
    : 1
  const executionNs = model.fixedNs + batch * model.perItemNs
  const capacity = Math.min(model.ceiling, (parallel * batch * 1e9) / executionNs)
  const unloadedNs = model.networkNs + executionNs
  const inferPerSec =
    1 / ((unloadedNs / 1e9 / outstanding) ** model.knee + (1 / capacity) ** model.knee) ** (1 / model.knee)
  const latencyAvgNs = (outstanding / inferPerSec) * 1e9
  const waiting = Math.max(0, latencyAvgNs - unloadedNs)
  return {
    inferPerSec,
    latencyAvgNs,
    latencyP99Ns: latencyAvgNs * (1 + (model.tail - 1) * (0.5 + inferPerSec / capacity / 2)),
    executedBatchSize: batch,
    serverQueueNs: waiting,
    serverComputeInferNs: executionNs,
    gpuMemoryBytes,
  }
}

function memoryLimit(limit: number): Constraint {
  return { name: 'gpu_used_memory', metric: 'gpuMemoryBytes', bound: 'max', limit }
}

/** Both ends fail: too few inferences at a light load, too much latency at a heavy one; latency is the objective. */
function middleLoad(base: Landscape): Landscape {
  const best = places(base)
    .map(({ metrics }) => metrics)
    .filter((metrics) => metrics !== null)
    .toSorted(
      (a, b) => (b.inferPerSec ?? 0) / (b.latencyP99Ns ?? 1) - (a.inferPerSec ?? 0) / (a.latencyP99Ns ?? 1),
    )[0]
  if (best === undefined) return base
  const constraints: Constraint[] = [
    { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: (best.latencyP99Ns ?? 0) * 1.5 },
    { name: 'perf_throughput', metric: 'inferPerSec', bound: 'min', limit: (best.inferPerSec ?? 0) * 0.9 },
  ]
  return { ...base, constraints }
}

function committedBest(base: Landscape): Landscape {
  const best = optimum(base)
  if (best === null) return base
  const committed = { ...best.configuration, committed: true }
  return {
    ...base,
    space: {
      ...base.space,
      committed,
      configurations: [
        committed,
        ...base.space.configurations
          .filter((c) => c !== best.configuration)
          .map((c) => ({ ...c, committed: false })),
      ],
    },
  }
}

/** The same landscape with every configuration off by up to 5 %, always the same way: what no formula knows. */
function rough(base: Landscape, random: Random): Landscape {
  const offsets = new Map(
    base.space.configurations.map((configuration) => [
      configurationKey(configuration),
      1 + between(random, -0.05, 0.05),
    ]),
  )
  return {
    ...base,
    measure: (configuration, load) => {
      const metrics = base.measure(configuration, load)
      const offset = offsets.get(configurationKey(configuration)) ?? 1
      if (metrics === null) return null
      return {
        ...metrics,
        inferPerSec: (metrics.inferPerSec ?? 0) * offset,
        latencyP99Ns: (metrics.latencyP99Ns ?? 0) / offset,
        latencyAvgNs: (metrics.latencyAvgNs ?? 0) / offset,
      }
    },
  }
}
