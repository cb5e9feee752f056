import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import { inferencesOf, type Load } from '../domain/load.ts'
import { type Landscape, replay } from './replay.ts'
import { placeKey } from './state.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const loads = [1, 2, 4, 8, 16, 32].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))

/** Throughput that no load raises. */
const flat = (allLoads: boolean): Landscape => ({
  name: 'flat',
  space: { committed, configurations: [committed], loads, ...(allLoads ? { allLoads } : {}) },
  objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
  constraints: [],
  // As on a recorded landscape without noise: by Little's law.
  measure: (_, load) => ({ inferPerSec: 100, latencyP99Ns: 1e7 * inferencesOf(load) }),
})

test.each(['brute', 'manual'] as const)('%s measures each load that is listed, also on a plateau', (mode) => {
  const measured = (allLoads: boolean) => replay(mode, flat(allLoads), { maxMeasurements: 100 }).points.length
  expect([measured(false), measured(true)]).toEqual([4, 6])
})

test.each(['brute', 'manual'] as const)(
  '%s measures the winner, the committed configuration and the runner-up again, where there is noise and budget',
  (mode) => {
    const configurations = [1, 2, 3, 4].map((instanceCount) =>
      instanceCount === 1 ? committed : { ...committed, committed: false, instanceCount },
    )
    const scene: Landscape = {
      ...flat(false),
      space: { committed, configurations, loads: loads.slice(0, 1) },
      measure: ({ instanceCount }) => ({ inferPerSec: 100 * (instanceCount ?? 1), latencyP99Ns: 1e6 }),
    }
    const run = (maxMeasurements: number) => replay(mode, scene, { maxMeasurements, noise: 0.02, seed: 3 })
    const { points, answer } = run(100)
    const instances = points.map(({ configuration }) => configuration.instanceCount)
    expect(instances.slice(0, 4)).toEqual([1, 2, 3, 4])
    expect(instances.slice(4).toSorted()).toEqual([1, 3, 4])
    expect(answer).toMatchObject({ configuration: { instanceCount: 4 }, measurements: 2 })
    expect(run(5).points.map(placeKey)).toEqual(points.slice(0, 5).map(placeKey))
  },
)

test.each(['brute', 'manual', 'quick'] as const)(
  '%s ends where whatever is measured again fails, and answers with what did not',
  (mode) => {
    const configurations = [1, 2, 3, 4].map((instanceCount) =>
      instanceCount === 1 ? committed : { ...committed, committed: false, instanceCount },
    )
    const seen = new Set<string>()
    const scene: Landscape = {
      ...flat(false),
      space: { committed, configurations, loads: loads.slice(0, 2) },
      measure: (configuration, load) => {
        const key = placeKey({ configuration, load })
        // All others work once.
        if (seen.has(key) && configuration.instanceCount !== 2) return null
        seen.add(key)
        return {
          inferPerSec: 100 * (configuration.instanceCount ?? 1) * inferencesOf(load) ** 0.1,
          latencyP99Ns: 1e6,
        }
      },
    }
    const { points, answer } = replay(mode, scene, { maxMeasurements: 200, noise: 0.02, seed: 3 })
    expect(points.length).toBeLessThan(30)
    expect(answer?.configuration.instanceCount).toBe(2)
  },
)
