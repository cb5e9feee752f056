import type { Configuration } from '../../src/domain/configuration.ts'
import type { Load } from '../../src/domain/load.ts'
import type { Landscape } from '../../src/search/replay.ts'
import type { SearchMetrics } from '../../src/search/state.ts'
import { createRandom } from '../../src/stats/random.ts'
import { between, mega, type Random, randomSpace, spread, throughput, withBudget } from './landscape-parts.ts'

/** Nothing like a queue: throughput falls off to both sides of a diagonal of instances against batch. */
export function ridge(random: Random): Landscape {
  const along = between(random, 2, 5)
  const steepness = between(random, 0.05, 0.4)
  const tilt = between(random, -0.15, 0.15)
  const peak = between(random, 100, 2000)
  const dynamicFactor = between(random, 0.6, 1.6)
  const half = spread(random, 2, 40)
  return separableLandscape(
    random,
    (k, b, dynamic) => {
      const off = k + b - along
      return (
        peak *
        (0.15 + Math.exp(-steepness * off * off)) *
        Math.exp(tilt * (k - b)) *
        (dynamic ? dynamicFactor : 1)
      )
    },
    half,
  )
}

/** Each dimension has a factor of its own, whatever the others say: rising, falling, or with a peak. */
export function separable(random: Random): Landscape {
  const factor = () => ({ at: between(random, 0, 4), width: between(random, 1, 4) })
  const [forK, forB] = [factor(), factor()]
  const dynamicFactor = between(random, 0.6, 1.6)
  const bump = (x: number, { at, width }: { at: number; width: number }) =>
    0.2 + Math.exp(-(((x - at) / width) ** 2) / 2)
  return separableLandscape(
    random,
    (k, b, dynamic) => 1000 * bump(k, forK) * bump(b, forB) * (dynamic ? dynamicFactor : 1),
    spread(random, 2, 40),
  )
}

function separableLandscape(
  random: Random,
  capacityOf: (k: number, b: number, dynamic: boolean) => number,
  half: number,
): Landscape {
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const outstanding = load.mode === 'concurrency' ? load.concurrency : 1
    const capacity = capacityOf(
      Math.log2(configuration.instanceCount ?? 1),
      Math.log2(configuration.maxBatchSize),
      configuration.dynamicBatching,
    )
    const inferPerSec = (capacity * outstanding) / (outstanding + half)
    return {
      inferPerSec,
      latencyAvgNs: (outstanding / inferPerSec) * 1e9,
      latencyP99Ns: (1.3 * outstanding * 1e9) / inferPerSec,
      gpuMemoryBytes: 500 * mega,
    }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

/** Capacity grows with a power of each dimension; each configuration needs its own load to reach half of it. */
export function powerLaw(random: Random): Landscape {
  const [ofInstances, ofBatch] = [between(random, -0.2, 1), between(random, -0.1, 0.9)]
  const base = spread(random, 20, 500)
  const perInFlight = between(random, 0.1, 1)
  const [memoryBase, perInstance] = [between(random, 200, 800) * mega, between(random, 50, 300) * mega]
  const tail = between(random, 1.1, 2.5)
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const outstanding = outstandingOf(load)
    const k = configuration.instanceCount ?? 1
    const batch = configuration.dynamicBatching ? configuration.maxBatchSize : 1
    const capacity = base * k ** ofInstances * batch ** ofBatch
    const inferPerSec = (capacity * outstanding) / (outstanding + perInFlight * k * batch)
    return {
      inferPerSec,
      latencyAvgNs: (outstanding * 1e9) / inferPerSec,
      latencyP99Ns: (tail * outstanding * 1e9) / inferPerSec,
      gpuMemoryBytes: memoryBase + k * perInstance * (1 + Math.log2(configuration.maxBatchSize) / 4),
    }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

/** A kernel that is faster from some batch on, a cache that too many instances overflow, a queue that collapses under load. */
export function steps(random: Random): Landscape {
  const [fastFrom, speedup] = [2 ** Math.floor(between(random, 1, 5)), between(random, 1.2, 2.5)]
  const [fits, slowdown] = [Math.floor(between(random, 1, 6)), between(random, 0.4, 0.9)]
  const collapse = spread(random, 32, 1024)
  const itemNs = 1e6 * spread(random, 0.5, 10)
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const outstanding = outstandingOf(load)
    const k = configuration.instanceCount ?? 1
    const busy = Math.min(k, outstanding)
    const batch = configuration.dynamicBatching
      ? Math.min(configuration.maxBatchSize, Math.ceil(outstanding / busy))
      : 1
    const perItemNs = itemNs / (batch >= fastFrom ? speedup : 1)
    const rounds = Math.ceil(outstanding / (busy * batch))
    const parallel = k > fits ? slowdown : 1
    const inferPerSec =
      (outstanding * parallel * 1e9) / (rounds * (1e5 + batch * perItemNs)) / (1 + outstanding / collapse)
    return {
      inferPerSec,
      latencyAvgNs: (outstanding * 1e9) / inferPerSec,
      latencyP99Ns: (1.2 * outstanding * 1e9) / inferPerSec,
      gpuMemoryBytes: (400 + 150 * k) * mega,
    }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

/** Requests of such a loop played through one by one: percentiles and batches come out as they come out. */
export function simulated(random: Random): Landscape {
  const model = {
    fixedNs: 1e6 * spread(random, 0.5, 10),
    perItemNs: 1e6 * spread(random, 0.1, 4),
    clientNs: 1e5 * spread(random, 1, 20),
    slowing: between(random, 0, 0.6),
    jitter: between(random, 0.02, 0.3),
    seed: Math.floor(between(random, 0, 1e6)),
  }
  const known = new Map<string, SearchMetrics>()
  const measure = (configuration: Configuration, load: Load): SearchMetrics => {
    const k = configuration.instanceCount ?? 1
    const largest = configuration.dynamicBatching ? configuration.maxBatchSize : 1
    const key = `${k} ${largest} ${outstandingOf(load)}`
    const metrics = known.get(key) ?? playThrough(model, k, largest, outstandingOf(load))
    known.set(key, metrics)
    return { ...metrics, gpuMemoryBytes: (400 + k * (120 + 3 * configuration.maxBatchSize)) * mega }
  }
  return withBudget(
    { name: '', space: randomSpace(random), objectives: throughput, constraints: [], measure },
    random,
  )
}

function playThrough(
  model: {
    fixedNs: number
    perItemNs: number
    clientNs: number
    slowing: number
    jitter: number
    seed: number
  },
  instances: number,
  largest: number,
  clients: number,
): SearchMetrics {
  const random = createRandom(model.seed)
  const wanted = 200 + 4 * clients
  // Who sends next, the first first, and when each instance is free again.
  const sends = Array.from({ length: clients }, (_, client) => ({
    client,
    atNs: random.uniform() * model.clientNs,
  })).sort((a, b) => a.atNs - b.atNs)
  const free = Array.from({ length: instances }, () => 0)
  const latencies: number[] = []
  let nowNs = 0
  let batches = 0
  while (latencies.length < wanted) {
    const instance = free.indexOf(Math.min(...free))
    nowNs = Math.max(nowNs, free[instance] ?? 0, sends[0]?.atNs ?? 0)
    const batch = sends.splice(0, Math.min(largest, firstAfter(sends, nowNs)))
    const others = free.filter((at) => at > nowNs).length
    const endNs =
      nowNs +
      (model.fixedNs + batch.length * model.perItemNs) *
        (1 + model.slowing * others) *
        Math.exp(model.jitter * random.normal())
    free[instance] = endNs
    batches++
    latencies.push(...batch.map(({ atNs }) => endNs - atNs))
    const atNs = endNs + model.clientNs
    const again = batch.map(({ client }) => ({ client, atNs })).sort((a, b) => a.client - b.client)
    sends.splice(firstAfter(sends, atNs), 0, ...again)
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    inferPerSec: (latencies.length * 1e9) / nowNs,
    latencyAvgNs: latencies.reduce((sum, value) => sum + value, 0) / latencies.length,
    latencyP99Ns: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    executedBatchSize: latencies.length / batches,
  }
}

/** Where in the order those begin that send later; by halving, since a thousand clients send some thousand times. */
function firstAfter(sends: readonly { readonly atNs: number }[], timeNs: number): number {
  let [low, high] = [0, sends.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sends[middle]?.atNs ?? 0) <= timeNs) low = middle + 1
    else high = middle
  }
  return low
}

function outstandingOf(load: Load): number {
  return load.mode === 'concurrency' ? load.concurrency * (load.batchSize ?? 1) : 1
}
