import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { windowOf } from '../../test/support/windows.ts'
import type { Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import type { WindowOptions } from '../load/protocol.ts'
import { ModelStatisticsSchema } from '../proto/grpc_service_pb.js'
import { createRandom } from '../stats/random.ts'
import type { LiveModel } from './side.ts'
import { measureUntilTrustworthy } from './trustworthy.ts'

const load: Load = { mode: 'concurrency', concurrency: 1 }
const goal = {
  warmupNs: nsPerSecond,
  maxWarmupNs: 4 * nsPerSecond,
  intervalWidth: 0.2,
  maxNs: 20 * nsPerSecond,
}

/** A model in virtual time with latencies of `meanMs(now)`, log-normal with the given spread. */
async function measure(meanMs: (nowNs: number) => number, sd: number) {
  const world = fakeWorld({}, () => undefined)
  const random = createRandom(7)
  let count = 0n
  const generator = {
    widen: async () => false,
    run: async (_: string, __: Load, { durationNs }: WindowOptions): Promise<Window> => {
      const latencies: number[] = []
      const startNs = world.nowNs()
      for (let atMs = 0; atMs < durationNs / nsPerMs; atMs += latencies.at(-1) ?? 0)
        latencies.push(meanMs(startNs) * Math.exp(sd * random.normal()))
      await world.sleep(durationNs)
      count += BigInt(latencies.length)
      return windowOf(latencies, { startNs, durationNs })
    },
  } as unknown as LoadGenerator
  const statistics = async () => [
    create(ModelStatisticsSchema, {
      name: 'm',
      version: '1',
      inferenceStats: { success: { count, ns: count * 1_000_000n } },
    }),
  ]
  const model = {
    name: 'm',
    target: async () => 't',
    live: { client: { statistics }, server: { pids: () => [] } },
  } as unknown as LiveModel
  return measureUntilTrustworthy({ world, generator, random }, model, load, goal)
}

test('a quiet model is known after two seconds, with the server counts of just these windows', async () => {
  const { sample, shortfall } = await measure(() => 5, 0.1)
  expect(shortfall).toBeNull()
  const durationNs = sample.windows.reduce((sum, window) => sum + window.durationNs, 0)
  expect(durationNs).toBeGreaterThanOrEqual(2 * nsPerSecond)
  expect(durationNs).toBeLessThan(4 * nsPerSecond)
  const requests = sample.windows.reduce((sum, window) => sum + window.issued, 0)
  expect(sample.server).toMatchObject({ times: { requestCount: requests } })
  expect(sample.warmUp).toMatchObject({ steady: true })
})

test('a wide tail takes more windows, and says so where the time does not suffice', async () => {
  const narrow = await measure(() => 5, 0.1)
  const wide = await measure(() => 2, 0.4)
  expect(wide.shortfall).toBeNull()
  expect(wide.sample.windows.length).toBeGreaterThan(narrow.sample.windows.length)
  const hopeless = await measure(() => 20, 1.5)
  expect(hopeless.shortfall).toMatch(/within 20 s|not steady after 2/)
})

test('what comes before a step is warm-up, in the counts too', async () => {
  const { sample, shortfall } = await measure((nowNs) => (nowNs < 3 * nsPerSecond ? 8 : 5), 0.1)
  expect(shortfall).toBeNull()
  // A single window of 0.8 s from before it may stay: it is an outlier among the others, not a drift.
  expect(sample.startNs).toBeGreaterThan(2.1 * nsPerSecond)
  expect(sample.warmUp?.durationNs).toBeGreaterThan(1.5 * nsPerSecond)
  expect(sample.warmUp?.steady).toBe(true)
  const requests = sample.windows.reduce((sum, window) => sum + window.issued, 0)
  expect(sample.server).toMatchObject({ times: { requestCount: requests } })
})
