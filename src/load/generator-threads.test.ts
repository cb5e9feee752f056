import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { openLoadGenerator } from './generator.ts'
import {
  closeAfterwards,
  concurrency,
  generate,
  serve,
  setUpOnCores,
  succeedAtOnce,
} from './testing-generator.ts'
import {
  type Answer,
  succeed,
  succeedAfter,
  succeedOnceOpen,
  targetOn,
  testingWorld,
} from './testing-server.ts'

const ms = 1e6

test('more threads share one load: exactly its concurrency, one window, every request once', async () => {
  const { server, generator, id } = await setUpOnCores(succeedOnceOpen(5, 3), 4)
  const options = { leadInNs: 30 * ms, durationNs: 100 * ms }
  const one = await generator.run(id, concurrency(5), options)
  expect(one.client).toMatchObject({ connections: 1, threadsReason: 'one was enough' })
  expect(one.client.threads.length).toBe(1)

  expect(await generator.widen([id], concurrency(5))).toBe(true)
  const before = server.requests
  const two = await generator.run(id, concurrency(5), options)
  expect(server.mostOpen).toBe(5)
  expect(two.issued).toBe(server.requests - before)
  expect(two.durationNs).toBe(100 * ms)
  expect(two.failures).toEqual({})
  expect([...two.latenciesNs]).toEqual([...two.latenciesNs].sort((a, b) => a - b))
  expect(two.client).toMatchObject({ connections: 2, threadsReason: '1 was not enough' })
  expect(two.client.threads.length).toBe(2)

  expect(await generator.widen([id], concurrency(5))).toBe(true)
  const four = await generator.run(id, concurrency(5), options)
  expect(four.client.threads.length).toBe(4)
  expect(four.client.threadsReason).toBe('2 were not enough, and the machine has 4 cores')
  expect(await generator.widen([id], concurrency(5))).toBe(false)

  // A fresh server of the same side gets as many from the start.
  generator.closeTarget(id)
  await generator.open(targetOn(server.port))
  expect((await generator.run(id, concurrency(5), options)).client.threads.length).toBe(4)
})

test('no more threads than the load has requests, nor than the machine has cores', async () => {
  const { generator, id } = await setUpOnCores(succeedAtOnce, 4)
  expect(await generator.widen([id], concurrency(1))).toBe(false)
  expect(await generator.widen([id], concurrency(3))).toBe(true)
  expect(await generator.widen([id], concurrency(3))).toBe(true)
  const window = await generator.run(id, concurrency(3), { leadInNs: 0, durationNs: 50 * ms })
  expect(window.client.threadsReason).toBe('2 were not enough, and the load has 3 requests at a time')
  const single = await setUpOnCores(succeedAtOnce, 1)
  expect(await single.generator.widen([single.id], concurrency(8))).toBe(false)
})

test('a window prolonged for its requests ends for all threads at once', async () => {
  const { generator, id } = await setUpOnCores(succeedAfter(10), 2)
  await generator.widen([id], concurrency(2))
  const window = await generator.run(id, concurrency(2), {
    leadInNs: 0,
    durationNs: 20 * ms,
    minRequests: 11,
    maxDurationNs: 5000 * ms,
  })
  // The other thread may send one more before it sees the end.
  expect(window.latenciesNs.length).toBeGreaterThanOrEqual(11)
  expect(window.latenciesNs.length).toBeLessThanOrEqual(12)
  expect(window.durationNs).toBeGreaterThan(40 * ms)
})

test('an open loop over two threads is one schedule, each request due once', async () => {
  const { server, generator, id } = await setUpOnCores(succeedAtOnce, 2)
  const load: Load = { mode: 'requestRate', requestRate: 200, distribution: 'poisson' }
  const options = { leadInNs: 0, durationNs: 200 * ms, seed: 7 }
  const one = await generator.run(id, load, options)
  await generator.widen([id], load)
  const two = await generator.run(id, load, options)
  expect(two.client.threads.length).toBe(2)
  expect(two.latenciesNs.length).toBe(one.latenciesNs.length)
  expect(server.requests).toBe(one.issued + two.issued)
})

/** Two targets in lanes of their own, the first on a server that is fast. */
async function setUpTwo(slowly: Answer) {
  const fast = await serve(succeedAfter(2))
  const slow = await serve(slowly)
  const generator = await generate()
  const targets = [targetOn(fast.port, { id: 'fast' }), targetOn(slow.port, { id: 'slow', lane: 1 })]
  for (const target of targets) await generator.open(target)
  const loads = targets.map(({ id }) => ({ targetId: id, load: concurrency(1) }))
  return { generator, loads, fast, slow }
}

test('windows of several targets begin and end together, each with its own requests', async () => {
  const { generator, loads, fast, slow } = await setUpTwo(succeedAfter(300))
  const windows = await generator.runTogether(loads, { leadInNs: 60 * ms, durationNs: 900 * ms })
  const [first, second] = windows
  expect(windows.map(({ durationNs }) => durationNs)).toEqual([900 * ms, 900 * ms])
  expect(Math.abs((first?.startNs ?? 0) - (second?.startNs ?? 0))).toBeLessThan(2 * ms)
  expect(windows.map(({ lateStartNs }) => lateStartNs)).toEqual([0, 0])
  expect(windows.map(({ issued }) => issued)).toEqual([fast.requests, slow.requests])
  expect(first?.latenciesNs.length).toBeGreaterThan(2 * (second?.latenciesNs.length ?? 0))
})

test('a load is held up while requests of another window are out', async () => {
  // Of the slow one's requests that are sent inside the window, one is answered long after its end.
  let firstMs: number | undefined
  const { generator, loads } = await setUpTwo((stream) => {
    const nowMs = performance.now()
    firstMs ??= nowMs
    setTimeout(() => succeed(stream), nowMs - firstMs > 450 ? 1000 : 20)
  })
  const options = { leadInNs: 400 * ms, durationNs: 500 * ms, requestLog: true }
  const lastSentNs = async (together: typeof loads) => {
    const [window] = await generator.runTogether(together, options)
    return Math.max(...(window?.log?.sentNs ?? []))
  }
  // Alone it ends with its window (what is due to be sent at its end may be so a moment after it), held up 400 ms after it.
  const aloneNs = await lastSentNs(loads.slice(0, 1))
  expect((await lastSentNs(loads)) - aloneNs).toBeGreaterThan(200 * ms)
})

test('lanes have threads of their own, and share the cores', async () => {
  const server = await serve(succeedAtOnce)
  const generator = await openLoadGenerator(testingWorld(), 3)
  closeAfterwards.push(generator.close)
  const targets = [0, 1].map((lane) => targetOn(server.port, { id: `lane ${lane}`, lane }))
  await Promise.all(targets.map(generator.open))
  const widen = (lane: number) => generator.widen([`lane ${lane}`], concurrency(8))
  expect([await widen(0), await widen(0), await widen(1)]).toEqual([true, false, false])
  const loads = targets.map(({ id }) => ({ targetId: id, load: concurrency(8) }))
  const windows = await generator.runTogether(loads, { leadInNs: 0, durationNs: 50 * ms })
  expect(windows.map(({ client }) => client.threads.length)).toEqual([2, 1])
})
