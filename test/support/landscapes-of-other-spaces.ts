import type { Constraint, Objective } from '../../src/config/config.ts'
import { type Configuration, configurationKey } from '../../src/domain/configuration.ts'
import { batchSizeOf, inferencesOf, type Load } from '../../src/domain/load.ts'
import { type Landscape, places } from '../../src/search/replay.ts'
import type { SearchMetrics } from '../../src/search/state.ts'
import { between, mega, type Random, randomSpace, spread, throughput, withBudget } from './landscape-parts.ts'

/** Two separate peaks over instances and batch, of which the nearer one need not be the higher. */
export function twoPeaks(random: Random): Landscape {
  const peak = () => ({
    k: between(random, 0, 3),
    b: between(random, 0, 6),
    width: between(random, 0.7, 1.6),
    height: between(random, 0.5, 1),
  })
  const peaks = [peak(), peak()]
  const half = spread(random, 2, 30)
  const base = between(random, 0.2, 0.4)
  const dynamicFactor = between(random, 0.7, 1.4)
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const outstanding = inferencesOf(load)
    const k = Math.log2(configuration.instanceCount ?? 1)
    const b = Math.log2(configuration.maxBatchSize)
    const heights = peaks.map(
      (each) =>
        each.height * Math.exp(-(((k - each.k) / each.width) ** 2 + ((b - each.b) / each.width) ** 2) / 2),
    )
    const capacity = 800 * (base + Math.max(...heights)) * (configuration.dynamicBatching ? dynamicFactor : 1)
    const inferPerSec = (capacity * outstanding) / (outstanding + half)
    return {
      inferPerSec,
      latencyAvgNs: (outstanding * 1e9) / inferPerSec,
      latencyP99Ns: (1.5 * outstanding * 1e9) / inferPerSec,
    }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

/**
 * A batcher that waits for its batch to fill, on hardware that large batches do not suit and odd instance counts even less;
 * too many clients fail. The tail grows with all that shares the server.
 */
export function delayed(random: Random): Landscape {
  const delayNs = 1e6 * spread(random, 1, 50)
  const itemNs = 1e6 * spread(random, 0.5, 5)
  const fixedNs = itemNs * spread(random, 0.3, 10)
  const worse = between(random, 1, 1.5)
  const oddFactor = between(random, 0.5, 1)
  const tail = between(random, 0.02, 0.2)
  const mostClients = random() < 0.5 ? Number.POSITIVE_INFINITY : spread(random, 16, 1000)
  const measure = (configuration: Configuration, load: Load): SearchMetrics | null => {
    const outstanding = inferencesOf(load)
    if (outstanding > mostClients) return null
    const count = configuration.instanceCount ?? 1
    const busy = Math.min(count, outstanding)
    const largest = configuration.dynamicBatching ? configuration.maxBatchSize : 1
    const batch = Math.min(largest, Math.max(1, outstanding / busy))
    const waitNs = batch < largest ? delayNs : 0
    const executionNs = fixedNs + itemNs * batch ** worse
    const factor = Number.isInteger(Math.log2(count)) ? 1 : oddFactor
    const capacity = (factor * busy ** 0.8 * batch * 1e9) / executionNs
    const latencyAvgNs = Math.max(waitNs + executionNs, (outstanding * 1e9) / capacity)
    return {
      inferPerSec: (outstanding * 1e9) / latencyAvgNs,
      latencyAvgNs,
      latencyP99Ns: latencyAvgNs * (1.1 + tail * (busy + Math.log2(outstanding))),
    }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

/**
 * As someone may have recorded it: three digits; lists of any length and step, one instance or one batch size only among them;
 * client batches; any configuration committed; other objectives, and budgets of memory beside those of latency.
 */
export function recorded(random: Random): Landscape {
  const fixedNs = 1e6 * spread(random, 0.5, 20)
  const itemNs = 1e6 * spread(random, 0.1, 5)
  const requestNs = 1e5 * spread(random, 1, 10)
  const contention = between(random, 0, 0.6)
  const memory = { weights: between(random, 50, 600), item: spread(random, 1, 60) }
  const deviceMb = random() < 0.5 ? Number.POSITIVE_INFINITY : between(random, 1500, 8000)
  const tail = between(random, 0.1, 1.5)
  const space = recordedSpace(random)
  const measure = (configuration: Configuration, load: Load): SearchMetrics | null => {
    const requests = inferencesOf(load) / batchSizeOf(load)
    const count = configuration.instanceCount ?? 1
    const memoryMb = 400 + count * (memory.weights + memory.item * configuration.maxBatchSize)
    if (memoryMb > deviceMb) return null
    const busy = Math.min(count, requests)
    const batch = configuration.dynamicBatching
      ? Math.max(batchSizeOf(load), Math.min(configuration.maxBatchSize, inferencesOf(load) / busy))
      : batchSizeOf(load)
    const executionNs = fixedNs + batch * itemNs
    const capacity = (busy * batch * 1e9) / executionNs / (1 + contention * (busy - 1))
    const latencyAvgNs = Math.max(requestNs + executionNs, (inferencesOf(load) * 1e9) / capacity)
    const utilised = executionNs / latencyAvgNs
    return {
      inferPerSec: digits3((inferencesOf(load) * 1e9) / latencyAvgNs),
      latencyAvgNs: digits3(latencyAvgNs),
      latencyP99Ns: digits3(latencyAvgNs * (1.05 + tail * (1 - utilised))),
      gpuDeviceMemoryBytes: digits3(memoryMb * mega),
    }
  }
  const objectives = random() < 0.6 ? throughput : mixedObjectives(random)
  const made = withBudget({ name: '', space, objectives, constraints: [], measure }, random)
  return random() < 0.3 ? withMemoryBudget(made, random) : made
}

function mixedObjectives(random: Random): Objective[] {
  const latency: Objective = { name: 'perf_latency_p99', metric: 'latencyP99Ns', weight: 10 }
  return random() < 0.3 ? [latency] : [...throughput, { ...latency, weight: 1 + Math.floor(random() * 5) }]
}

function withMemoryBudget(base: Landscape, random: Random): Landscape {
  const used = places(base).flatMap(({ metrics }) => metrics?.gpuDeviceMemoryBytes ?? [])
  const [low, high] = [Math.min(...used), Math.max(...used)]
  const limit = low * (high / low) ** between(random, 0.2, 0.8)
  const constraint: Constraint = {
    name: 'gpu_used_memory',
    metric: 'gpuDeviceMemoryBytes',
    bound: 'max',
    limit,
  }
  return { ...base, constraints: [...base.constraints, constraint] }
}

function recordedSpace(random: Random): Landscape['space'] {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const instances = pick([[1], [1, 2], [1, 2, 4], [1, 2, 3, 4, 5, 6], [1, 2, 4, 8, 16], [2, 4, 6]])
  const batches = pick([
    [8],
    [1, 8, 64],
    [1, 4, 16, 64],
    [2, 4, 8, 16, 32, 64, 128],
    [1, 2, 3, 4, 6, 8, 12, 16],
  ])
  const concurrencies = pick([
    [1, 8, 64],
    [1, 4, 16, 64, 256],
    [1, 2, 4, 8, 16, 32, 64, 128],
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64],
    [10, 20, 40, 80, 160],
  ])
  const clientBatches = pick([[1], [1], [1, 4], [1, 2, 8]])
  const dynamic = pick([[true, false], [true, false], [true]])
  const all = instances.flatMap((instanceCount) =>
    batches.flatMap((maxBatchSize) =>
      dynamic.map(
        (dynamicBatching): Configuration => ({
          committed: false,
          instanceCount,
          maxBatchSize,
          dynamicBatching,
        }),
      ),
    ),
  )
  const committed = { ...pick(all), committed: true }
  const key = configurationKey(committed)
  return {
    committed,
    configurations: [committed, ...all.filter((one) => configurationKey(one) !== key)],
    loads: concurrencies
      .flatMap((concurrency) =>
        clientBatches.map(
          (batchSize): Load => ({
            mode: 'concurrency',
            concurrency,
            ...(batchSize === 1 ? {} : { batchSize }),
          }),
        ),
      )
      .sort((a, b) => inferencesOf(a) - inferencesOf(b) || batchSizeOf(a) - batchSizeOf(b)),
  }
}

function digits3(value: number): number {
  return Number(value.toPrecision(3))
}
