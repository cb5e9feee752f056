import type { Objective } from '../../src/config/config.ts'
import type { Configuration } from '../../src/domain/configuration.ts'
import type { Load } from '../../src/domain/load.ts'
import { type Landscape, places } from '../../src/search/replay.ts'

export type Random = () => number

export const mega = 1e6

export const throughput: readonly Objective[] = [
  { name: 'perf_throughput', metric: 'inferPerSec', weight: 10 },
]

/** A latency budget somewhere between what the lightest and the heaviest load take, in three of four landscapes. */
export function withBudget(base: Landscape, random: Random): Landscape {
  const latencies = places(base).flatMap(({ metrics }) => metrics?.latencyP99Ns ?? [])
  const [low, high] = [Math.min(...latencies), Math.max(...latencies)]
  const limit = low * (high / low) ** between(random, 0.08, 0.7)
  if (random() < 0.25) return base
  return {
    ...base,
    constraints: [
      ...base.constraints,
      { name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit },
    ],
  }
}

export function randomSpace(random: Random): Landscape['space'] {
  const instances = Array.from({ length: 4 + Math.floor(random() * 5) }, (_, i) => i + 1)
  const batches = Array.from({ length: 4 + Math.floor(random() * 5) }, (_, i) => 2 ** i)
  const concurrencies = Array.from({ length: 6 + Math.floor(random() * 6) }, (_, i) => 2 ** i)
  const all = instances.flatMap((instanceCount) =>
    batches.flatMap((maxBatchSize) =>
      [true, false].map(
        (dynamicBatching): Configuration => ({
          committed: false,
          instanceCount,
          maxBatchSize,
          dynamicBatching,
        }),
      ),
    ),
  )
  // Most repositories hold one instance; where more can fail to load, the committed one does load.
  const batchAt = Math.floor(random() * batches.length)
  const dynamic = random() < 0.6
  const configurations = all.map((c) => ({
    ...c,
    committed: c.instanceCount === 1 && c.maxBatchSize === batches[batchAt] && c.dynamicBatching === dynamic,
  }))
  const committed = configurations.find((c) => c.committed)
  if (committed === undefined) throw new Error('the committed configuration is not in the space')
  return {
    committed,
    configurations,
    loads: concurrencies.map((concurrency): Load => ({ mode: 'concurrency', concurrency })),
  }
}

export function between(random: Random, min: number, max: number): number {
  return min + random() * (max - min)
}

/** Log-uniform: as many small ones as large ones. */
export function spread(random: Random, min: number, max: number): number {
  return min * (max / min) ** random()
}
