import { expect, test } from 'vitest'
import { calmClient, saturatedClient } from '../../test/support/client-health.ts'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { windowOf } from '../../test/support/windows.ts'
import type { Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import type { WindowOptions } from '../load/protocol.ts'
import { createRandom } from '../stats/random.ts'
import { warmUp } from './warm-up.ts'

const load: Load = { mode: 'concurrency', concurrency: 1 }
const limits = { warmupNs: nsPerSecond, maxWarmupNs: 4 * nsPerSecond }

/** A generator in virtual time: `answer` gives the latency in ms of a target's requests, null where they fail. */
function harness(answer: (target: string, startNs: number) => number | null) {
  const world = fakeWorld({}, () => undefined)
  const runs: { target: string; durationNs: number }[] = []
  const run = async (target: string, _: Load, { durationNs }: WindowOptions): Promise<Window> => {
    runs.push({ target, durationNs })
    const latencyMs = answer(target, world.nowNs())
    if (latencyMs === null) {
      await world.sleep(durationNs)
      return windowOf([], { durationNs, failures: { UNAVAILABLE: 3 } })
    }
    const sent = Math.ceil(durationNs / (latencyMs * nsPerMs))
    // The last request is awaited, and ends beyond the window.
    await world.sleep(sent * latencyMs * nsPerMs)
    const completed = Math.floor(durationNs / (latencyMs * nsPerMs))
    return windowOf(Array(sent).fill(latencyMs), { durationNs, completed })
  }
  const generator = { run, widen: async () => false } as unknown as LoadGenerator
  return {
    runs,
    warm: async (targets: readonly string[], change: Partial<typeof limits> = {}) => {
      const sides = targets.map((target) => [{ model: 'm', target, load }])
      const warmed = await warmUp({ world, generator, random: createRandom(1) }, sides, {
        ...limits,
        ...change,
      })
      return warmed.flat()
    },
  }
}

test('a steady load is warmed for the asked time, and says so', async () => {
  const { warm } = harness(() => 5)
  const [side] = await warm(['a'])
  expect(side?.warmUp).toMatchObject({ steady: true, durationNs: nsPerSecond, requests: 200 })
  expect(side?.pace).toEqual({ nsPerRequest: 5 * nsPerMs, typicalLatencyNs: 5 * nsPerMs })
})

test('one that gets faster for two seconds is warmed for longer; both sides for as long', async () => {
  const { warm, runs } = harness((target, startNs) =>
    target === 'b' && startNs < 4 * nsPerSecond ? 10 - startNs / nsPerSecond : 5,
  )
  const sides = await warm(['a', 'b'])
  expect(sides.map((side) => side.warmUp.steady)).toEqual([true, true])
  expect(sides[1]?.warmUp.durationNs).toBeGreaterThan(2 * nsPerSecond)
  const of = (name: string) => runs.filter(({ target }) => target === name)
  expect(of('a').length).toBe(of('b').length)
  expect(of('a').map(({ durationNs }) => durationNs)).toEqual(of('b').map(({ durationNs }) => durationNs))
})

test('one that is never steady ends at the longest time with what was not', async () => {
  const { warm } = harness((_, startNs) => 20 - 4 * (startNs / nsPerSecond))
  const [side] = await warm(['a'])
  expect(side?.warmUp.steady).toBe(false)
  expect(side?.warmUp.reason).toMatch(/^not steady after 4\.\d s: throughput drifts/)
})

test('a model slower than the warm-up is not taken for dead: its pace is that of its latencies', async () => {
  const { warm, runs } = harness(() => 3000)
  const [side] = await warm(['a'])
  expect(side).toMatchObject({ isSilent: false, pace: { nsPerRequest: 3 * nsPerSecond } })
  expect(side?.warmUp.steady).toBe(false)
  expect(runs.length).toBeLessThan(4)
})

test('a side that answers nothing ends it at once', async () => {
  const { warm, runs } = harness((target) => (target === 'b' ? null : 5))
  const sides = await warm(['a', 'b'])
  expect(sides.map((side) => side.isSilent)).toEqual([false, true])
  expect(runs).toHaveLength(2)
})

test('with a fixed length there is one window and no judgement, and no length at all still gives a pace', async () => {
  const { warm, runs } = harness(() => 5)
  const [fixed] = await warm(['a'], { maxWarmupNs: nsPerSecond })
  expect(fixed?.warmUp).toMatchObject({ steady: null, durationNs: nsPerSecond })
  expect(runs).toHaveLength(1)
  const [none] = await warm(['a'], { warmupNs: 0, maxWarmupNs: 0 })
  expect(none?.pace.nsPerRequest).toBe(5 * nsPerMs)
})

test('a side that saturates the load threads gets more of them, both sides do, until it does not or there are no more', async () => {
  for (const [enough, most] of [
    [4, 8],
    [4, 2],
  ] as const) {
    const world = fakeWorld({}, () => undefined)
    const widened: (readonly string[])[] = []
    let threads = 1
    const generator = {
      run: async (target: string, _: Load, { durationNs }: WindowOptions) => {
        await world.sleep(durationNs)
        const client = target === 'b' && threads < enough ? saturatedClient() : calmClient()
        return windowOf(Array(Math.ceil(durationNs / (5 * nsPerMs))).fill(5), { durationNs, client })
      },
      widen: async (targets: readonly string[]) => {
        if (threads >= most) return false
        widened.push(targets)
        threads *= 2
        return true
      },
    } as unknown as LoadGenerator
    const asked = ['a', 'b'].map((target) => [{ model: 'm', target, load }])
    const sides = (await warmUp({ world, generator, random: createRandom(1) }, asked, limits)).flat()
    expect(threads).toBe(Math.min(enough, most))
    expect(widened).toEqual(Array(Math.log2(threads)).fill(['a', 'b']))
    // What counts is the warm-up on the connections that are measured.
    expect(sides[1]?.windows.at(-1)?.client.saturated).toBe(most < enough)
  }
})

test('models of a side are warmed at once until each is steady, and only the one that saturates its threads gets more', async () => {
  const world = fakeWorld({}, () => undefined)
  const widened: (readonly string[])[] = []
  const rounds: (readonly string[])[] = []
  const generator = {
    runTogether: async (loads: readonly { targetId: string }[], { durationNs }: WindowOptions) => {
      rounds.push(loads.map(({ targetId }) => targetId))
      const startNs = world.nowNs()
      await world.sleep(durationNs)
      return loads.map(({ targetId }) => {
        const late = targetId === 'b2' && startNs < 2 * nsPerSecond
        const latencyMs = late ? 20 - 5 * (startNs / nsPerSecond) : 5
        const client = targetId === 'a1' && widened.length === 0 ? saturatedClient() : calmClient()
        return windowOf(Array(Math.ceil(durationNs / (latencyMs * nsPerMs))).fill(latencyMs), {
          durationNs,
          client,
        })
      })
    },
    widen: async (targets: readonly string[]) => {
      widened.push(targets)
      return true
    },
  } as unknown as LoadGenerator
  const asked = ['a', 'b'].map((side) => ['1', '2'].map((model) => ({ model, target: side + model, load })))
  const sides = await warmUp({ world, generator, random: createRandom(1) }, asked, limits)
  expect(widened).toEqual([['a1', 'b1']])
  expect(sides.map((models) => models.map(({ warmUp: { steady } }) => steady))).toEqual([
    [true, true],
    [true, true],
  ])
  expect(new Set(rounds.map((targets) => targets.join()))).toEqual(new Set(['a1,a2', 'b1,b2']))
  // One that drifts keeps the others of its side waiting, and the other side as well.
  expect(rounds.length).toBeGreaterThan(2 * 10)
})
