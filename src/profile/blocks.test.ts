import fc from 'fast-check'
import { expect, test } from 'vitest'
import { calmClient } from '../../test/support/client-health.ts'
import { fakeWorld } from '../../test/support/triton-world.ts'
import type { Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import { createRandom } from '../stats/random.ts'
import { inferPerSec, planBlocks, runBlocks, toBlock } from './blocks.ts'
import type { Pace } from './pace.ts'

const limits = { measurementNs: 2 * nsPerSecond, maxMeasurementNs: 8 * nsPerSecond, blockNs: nsPerSecond / 2 }
const load: Load = { mode: 'concurrency', concurrency: 2 }

function window(
  requests: number,
  durationNs: number,
  latencyNs = durationNs / Math.max(1, requests),
): Window {
  return {
    startNs: 0,
    durationNs,
    latenciesNs: new Float64Array(requests).fill(latencyNs),
    completed: requests,
    issued: requests,
    failures: {},
    firstFailure: null,
    client: calmClient(),
  }
}

/** The pace of so many requests in a second, one at a time. */
function pace(requests: number): Pace {
  const nsPerRequest = nsPerSecond / Math.max(1, requests)
  return { nsPerRequest, typicalLatencyNs: requests === 0 ? 0 : nsPerRequest }
}

test('a fast model gets the asked time in blocks of the asked length', () => {
  expect(planBlocks([pace(1000)], limits)).toMatchObject({
    count: 4,
    blockNs: nsPerSecond / 2,
  })
})

test('a slow model gets the time that p99 needs, in blocks of a hundred requests', () => {
  const plan = planBlocks([pace(100)], limits)
  expect(plan.blockNs).toBeGreaterThanOrEqual(nsPerSecond)
  expect(plan.count * plan.blockNs).toBeGreaterThanOrEqual(2.99 * nsPerSecond)
  expect(plan.blockNs).toBeLessThanOrEqual(limits.maxMeasurementNs / 4)
})

test('a model of which a quarter of the time holds a few requests is measured in two blocks', () => {
  const slow = { nsPerRequest: nsPerSecond, typicalLatencyNs: nsPerSecond }
  const plan = planBlocks([slow], limits)
  expect(plan.count).toBe(2)
  expect(plan.blockNs).toBeGreaterThan(1.8 * nsPerSecond)
  expect(plan.leadInNs).toBeCloseTo(plan.blockNs / 2, -1)
  // At a high concurrency latencies are long and requests many: they still need not be cut in two.
  const busy = { nsPerRequest: nsPerSecond / 1000, typicalLatencyNs: nsPerSecond / 20 }
  expect(planBlocks([busy], limits).count).toBe(4)
})

test('whatever is slow: beyond the asked time, blocks with their lead-ins and last requests fit into the longest', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 64 }),
      (latencyMs, concurrency) => {
        const typicalLatencyNs = latencyMs * nsPerMs
        const plan = planBlocks([{ nsPerRequest: typicalLatencyNs / concurrency, typicalLatencyNs }], limits)
        const wallNs = plan.count * (plan.blockNs + plan.leadInNs + typicalLatencyNs)
        const asked = plan.count * plan.blockNs <= limits.measurementNs + plan.count
        return asked || wallNs <= limits.maxMeasurementNs + plan.count
      },
    ),
  )
})

test('the slower side decides for both', () => {
  const slow = pace(20)
  expect(planBlocks([pace(1000), slow], limits)).toEqual(planBlocks([slow, slow], limits))
})

test('a side that answers nothing does not stretch the time without end', () => {
  const plan = planBlocks([pace(0)], limits)
  expect(plan.count * plan.blockNs).toBeLessThanOrEqual(limits.maxMeasurementNs)
})

test('blocks always sum up to a time between the asked and the longest one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), (requests) => {
      const plan = planBlocks([pace(requests)], limits)
      const totalNs = plan.count * plan.blockNs
      return (
        plan.count >= 2 &&
        plan.leadInNs <= plan.blockNs / 2 + 1 &&
        totalNs >= limits.measurementNs - plan.count &&
        totalNs <= limits.maxMeasurementNs + plan.count
      )
    }),
  )
})

const contextOf = (generator: LoadGenerator, signal = new AbortController().signal) => ({
  world: { ...fakeWorld({}, () => undefined), signal },
  generator,
  random: createRandom(7),
})
const sides = (...targets: string[]) => targets.map((target) => [{ model: 'm', target, load }])

test('every round gives each side one block, in an order that changes', async () => {
  const order: string[] = []
  const generator = {
    run: (target: string) => {
      order.push(target)
      return Promise.resolve(window(10, nsPerMs))
    },
  } as unknown as LoadGenerator
  const plan = { count: 16, blockNs: nsPerMs, leadInNs: 0 }
  const windows = await runBlocks(contextOf(generator), sides('a', 'b'), plan)
  expect(windows.map((side) => side.length)).toEqual([16, 16])
  const rounds = Array.from({ length: 16 }, (_, round) => order.slice(2 * round, 2 * round + 2).join(''))
  expect(new Set(rounds)).toEqual(new Set(['ab', 'ba']))
})

test('a fixed number of requests goes to each side in one window, without a time', async () => {
  const runs: [string, unknown][] = []
  const generator = {
    run: (id: string, _: Load, options: unknown) => {
      runs.push([id, options])
      return Promise.resolve(window(10, nsPerMs))
    },
  } as unknown as LoadGenerator
  const plan = { count: 1, blockNs: 0, leadInNs: 0, requestCount: 300 }
  await runBlocks(contextOf(generator), sides('a', 'b'), plan)
  const options = { leadInNs: 0, durationNs: 0, requestCount: 300 }
  expect(new Map(runs)).toEqual(
    new Map([
      ['a', options],
      ['b', options],
    ]),
  )
})

test('an abort ends the rounds', async () => {
  const stop = new AbortController()
  const generator = {
    run: () => {
      stop.abort()
      return Promise.resolve(window(10, nsPerMs))
    },
  } as unknown as LoadGenerator
  const plan = { count: 16, blockNs: nsPerMs, leadInNs: 0 }
  const windows = await runBlocks(contextOf(generator, stop.signal), sides('a'), plan)
  expect(windows[0]).toHaveLength(1)
})

test('throughput counts inferences, not requests', () => {
  const batched: Load = { ...load, batchSize: 4 }
  expect(inferPerSec([window(100, nsPerSecond), window(300, nsPerSecond)], load)).toBe(200)
  expect(inferPerSec([window(100, nsPerSecond)], batched)).toBe(400)
  expect(toBlock(window(100, nsPerSecond), batched)).toMatchObject({ requests: 100, inferPerSec: 400 })
})
