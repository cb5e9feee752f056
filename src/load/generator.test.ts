import { constants } from 'node:http2'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { connectionsFor, openLoadGenerator } from './generator.ts'
import {
  closeAfterwards,
  concurrency,
  generate,
  serve,
  setUp,
  setUpOnCores,
  succeedAtOnce,
} from './testing-generator.ts'
import {
  type Answer,
  failTrailersOnly,
  succeed,
  succeedAfter,
  succeedOnceOpen,
  targetOn,
  testingWorld,
} from './testing-server.ts'

const ms = 1e6
const total = (failures: Readonly<Record<string, number>>) =>
  Object.values(failures).reduce((sum, count) => sum + count, 0)

/** Ends with its requests however slow the machine is. */
const untilEnough = { leadInNs: 0, durationNs: 50 * ms, maxDurationNs: 60_000 * ms }

test('a closed loop holds exactly its concurrency, over all connections, and writes what the server sees', async () => {
  const { server, generator, id } = await setUp(succeedOnceOpen(5, 3), { connections: 2 })
  const options = { ...untilEnough, leadInNs: 30 * ms, minRequests: 20 }
  const window = await generator.run(id, concurrency(5), options)
  expect(server.mostOpen).toBe(5)
  expect(server.sessions).toBe(2)
  expect(window.issued).toBe(server.requests)
  expect(window.failures).toEqual({})
  expect(window.firstFailure).toBeNull()
  // Lead-in and lead-out are sent, and not in the sample.
  expect(window.latenciesNs.length).toBeLessThan(window.issued)
  // Each latency holds the 3 ms of the server (its timer may fire early by a fraction of 1 ms).
  expect(window.latenciesNs[0]).toBeGreaterThan(2 * ms)
  expect([...window.latenciesNs]).toEqual([...window.latenciesNs].sort((a, b) => a - b))
  expect(window.latenciesNs.every(Number.isInteger)).toBe(true)
})

test('every way to fail is counted once, by its name, and stays out of the latencies', async () => {
  const failing: Answer[] = [
    (stream) => failTrailersOnly(stream, 3, 'unexpected shape for input "größe"'),
    (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14', 'grpc-message': 'busy' }))
      stream.end(Buffer.alloc(5))
    },
    (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    // Status OK without a message is no answer.
    (stream) => stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true }),
  ]
  const answers: Answer[] = [...failing, (stream) => succeed(stream)]
  const { server, generator, id } = await setUp((stream, index) =>
    answers[index % answers.length]?.(stream, index, {}, Buffer.alloc(0)),
  )
  // Without a lead-in (and so lead-out) every request is in the window.
  const window = await generator.run(id, concurrency(2), { ...untilEnough, minRequests: 20 })
  const times = (kind: number) => Math.ceil((server.requests - kind) / answers.length)
  expect(server.requests).toBeGreaterThan(12)
  expect(window.issued).toBe(server.requests)
  expect(window.failures).toEqual({
    INVALID_ARGUMENT: times(0),
    UNAVAILABLE: times(1),
    reset: times(2),
    UNKNOWN: times(3),
    INTERNAL: times(4),
  })
  expect(window.latenciesNs.length).toBe(times(5))
  expect(window.firstFailure).toBe('INVALID_ARGUMENT: unexpected shape for input "größe"')
})

test('a stall that outlasts the window is in the latencies, in full', async () => {
  const { generator, id } = await setUp((stream, index) => {
    if (index === 3) setTimeout(() => succeed(stream), 1600)
    else succeed(stream)
  })
  // Long against what a busy machine adds to the first three.
  const window = await generator.run(id, concurrency(1), { leadInNs: 0, durationNs: 1500 * ms })
  expect(window.latenciesNs.length).toBe(4)
  expect(window.latenciesNs.at(-1)).toBeGreaterThan(1598 * ms)
  expect(window.completed).toBe(3)
  expect(window.durationNs).toBe(1500 * ms)
})

test('what never answers is a deadline failure, and the loop goes on', async () => {
  const { server, generator, id } = await setUp(
    (stream, index) => (index < 2 ? undefined : succeed(stream)),
    {
      // Long against what a busy machine adds to those that are answered.
      deadlineNs: 1500 * ms,
    },
  )
  const counted = { leadInNs: 0, durationNs: 0, requestCount: 20 }
  const window = await generator.run(id, concurrency(2), counted)
  expect(window.failures).toEqual({ deadline: 2 })
  expect(window.firstFailure).toBe('deadline: no answer within 1.5 s')
  expect([server.requests, window.latenciesNs.length]).toEqual([20, 18])
})

test('a graceful GOAWAY costs at most the requests that crossed it: the loop goes on over a new connection', async () => {
  const { server, generator, id } = await setUp((stream, index) => {
    setTimeout(() => succeed(stream), 2)
    if (index === 15) server.goAway()
  })
  const window = await generator.run(id, concurrency(3), { ...untilEnough, minRequests: 40 })
  expect(server.sessions).toBe(2)
  expect(total(window.failures)).toBeLessThanOrEqual(3)
  // A request that crossed it never reached the server's handler.
  expect(window.latenciesNs.length).toBe(server.requests)
  expect(window.latenciesNs.length).toBeGreaterThan(30)
})

test('with the server gone a run ends with failures, and the next one finds it when it is back', async () => {
  const { server, generator, id } = await setUp((stream, index) => {
    setTimeout(() => succeed(stream), 2)
    if (index === 9) void server.stop()
  })
  const window = await generator.run(id, concurrency(3), { ...untilEnough, minRequests: 30 })
  // The three that were cut off (this server may reset them before it hangs up), and three for each attempt.
  const { connection = 0, reset = 0, ...others } = window.failures
  expect(others).toEqual({})
  expect(reset).toBeLessThanOrEqual(3)
  expect(connection + reset).toBeGreaterThanOrEqual(6)
  // Pauses of 50 ms keep them few, whatever the window's length.
  expect(connection).toBeLessThanOrEqual(3 * (window.durationNs / (50 * ms) + 2))
  expect(window.latenciesNs.length).toBeGreaterThan(0)

  await serve(succeedAtOnce, { port: server.port })
  const options = { ...untilEnough, leadInNs: 100 * ms, minRequests: 1 }
  const next = await generator.run(id, concurrency(3), options)
  expect(next.failures).toEqual({})
  expect(next.latenciesNs.length).toBeGreaterThan(0)
})

test('a server that has gone before the run leaves failures only', async () => {
  const { server, generator, id } = await setUp(succeedAtOnce)
  await server.stop()
  for (const load of [concurrency(1), { mode: 'requestRate', requestRate: 100 } as const]) {
    const window = await generator.run(id, load, { leadInNs: 0, durationNs: 0, requestCount: 4 })
    expect(window.latenciesNs.length).toBe(0)
    expect(window.completed).toBe(0)
    expect(window.failures).toEqual({ connection: 4 })
    expect(window.firstFailure).toContain('ECONNREFUSED')
  }
})

test('the window is prolonged until it holds enough requests, and no longer than allowed', async () => {
  const { generator, id } = await setUp(succeedAfter(10))
  const options = { leadInNs: 0, durationNs: 20 * ms, minRequests: 8 }
  const enough = await generator.run(id, concurrency(1), { ...options, maxDurationNs: 5000 * ms })
  expect(enough.latenciesNs.length).toBe(8)
  expect(enough.completed).toBe(7) // the eighth ends the window and is not inside it
  expect(enough.durationNs).toBeGreaterThan(60 * ms)
  const limited = await generator.run(id, concurrency(1), { ...options, maxDurationNs: 45 * ms })
  expect(limited.durationNs).toBe(45 * ms)
  expect(limited.latenciesNs.length).toBeLessThan(8)
})

test('a concurrency that the peer does not admit is refused instead of queued unseen', async () => {
  const { server, generator, id } = await setUp(succeedAfter(5), {}, { maxConcurrentStreams: 2 })
  await expect(generator.run(id, concurrency(3), { leadInNs: 0, durationNs: 50 * ms })).rejects.toMatchObject(
    {
      code: 'server',
      message: expect.stringContaining('takes 2 concurrent streams per connection') as string,
    },
  )
  await generator.run(id, concurrency(2), { ...untilEnough, minRequests: 20 })
  expect(server.mostOpen).toBe(2)
})

test('more requests than HTTP/2 assumes by default are outstanding where the peer sets no limit', async () => {
  const { server, generator, id } = await setUp(succeedOnceOpen(150, 0))
  await generator.run(id, concurrency(150), { ...untilEnough, minRequests: 150 })
  expect(server.mostOpen).toBe(150)
})

test('open-loop latency runs from the due time: it holds the wait behind a stalled request', async () => {
  // One at a time; the first takes 500 ms, so the request due 10 ms after it waits 490 ms before it is even sent.
  const { server, generator, id } = await setUp(
    (stream, index) => setTimeout(() => succeed(stream), index === 0 ? 500 : 0),
    {},
    { maxConcurrentStreams: 1 },
  )
  const load: Load = { mode: 'requestRate', requestRate: 100 }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs: 600 * ms })
  expect(window.latenciesNs.length).toBe(60)
  expect(server.mostOpen).toBe(1)
  // Half of the stall is more than a busy machine adds to one request.
  expect(window.latenciesNs.filter((latency) => latency > 250 * ms).length).toBeGreaterThanOrEqual(25)
  // What waited here for room shows in the lag, not in the service time.
  expect(window.sends?.serviceNs.filter((each) => each > 250 * ms)).toHaveLength(1)
  expect(window.sends?.lagNs.filter((each) => each > 250 * ms).length).toBeGreaterThanOrEqual(24)
  expect(window.client.lateRatio).toBeGreaterThan(0.5)
  expect(window.client.saturated).toBe(true)
})

test('an open loop sends on although nothing is answered, and has all as deadline failures in the end', async () => {
  const { server, generator, id } = await setUp(() => undefined, { deadlineNs: 300 * ms })
  const load: Load = { mode: 'requestRate', requestRate: 200, distribution: 'constant' }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs: 100 * ms })
  expect(server.requests).toBe(20)
  expect(window.failures).toEqual({ deadline: 20 })
})

test('two targets get the same Poisson schedule in their n-th window, and another in the next', async () => {
  const first = await serve(succeedAtOnce)
  const second = await serve(succeedAtOnce)
  const generator = await generate()
  const [a, b] = [targetOn(first.port), targetOn(second.port)]
  await generator.open(a)
  await generator.open(b)
  const load: Load = { mode: 'requestRate', requestRate: 300, distribution: 'poisson' }
  const counts: number[][] = []
  for (let round = 0; round < 4; round++) {
    const pair: number[] = []
    for (const { id } of [a, b]) {
      const window = await generator.run(id, load, { leadInNs: 0, durationNs: 100 * ms })
      pair.push(window.latenciesNs.length)
    }
    counts.push(pair)
  }
  for (const [x, y] of counts) expect(x).toBe(y)
  expect(new Set(counts.map(([x]) => x)).size).toBeGreaterThan(1)
})

test('large requests and answers go through whole', async () => {
  const bytes = 2 ** 20
  const { generator, id } = await setUp((stream) => succeed(stream, bytes), {
    frames: [new Uint8Array(bytes)],
    connections: 2,
  })
  const window = await generator.run(id, concurrency(8), { ...untilEnough, minRequests: 12 })
  expect(window.failures).toEqual({})
  expect(window.latenciesNs.length).toBeGreaterThanOrEqual(12)
})

test('nobody listening is a server error that names address and cause', async () => {
  const server = await serve(succeedAtOnce)
  await server.stop()
  const generator = await generate()
  await expect(generator.open(targetOn(server.port))).rejects.toMatchObject({
    code: 'server',
    message: expect.stringMatching(`127.0.0.1:${server.port}.*ECONNREFUSED`) as string,
  })
})

test('metadata goes with each request', async () => {
  const seen = new Set<unknown>()
  const { generator, id } = await setUp(
    (stream, _index, headers) => {
      seen.add(headers.authorization)
      succeed(stream)
    },
    { metadata: { authorization: 'Bearer x' } },
  )
  await generator.run(id, concurrency(1), { ...untilEnough, minRequests: 1 })
  expect([...seen]).toEqual(['Bearer x'])
})

test('a signal ends a run at once, as interrupted', async () => {
  const abort = new AbortController()
  const server = await serve(() => undefined)
  const generator = await generate(abort.signal)
  const target = targetOn(server.port, { deadlineNs: 3600e9 })
  await generator.open(target)
  const run = generator.run(target.id, concurrency(1), { leadInNs: 0, durationNs: 3600e9 })
  setTimeout(() => abort.abort(), 20)
  await expect(run).rejects.toMatchObject({ code: 'interrupted' })
  await expect(generator.open(target)).rejects.toMatchObject({ code: 'interrupted' })
})

test('a closed target is not run on, and two windows at a time are refused', async () => {
  const { generator, id } = await setUp(succeedAtOnce)
  const options = { leadInNs: 0, durationNs: 50 * ms }
  const first = generator.run(id, concurrency(1), options)
  await expect(generator.run(id, concurrency(1), options)).rejects.toThrow('two windows at a time')
  expect((await first).failures).toEqual({})
  generator.closeTarget(id)
  await expect(generator.run(id, concurrency(1), options)).rejects.toThrow('is not open')
})

test('windows start on the clock of the world', async () => {
  const server = await serve(succeedAtOnce)
  const world = testingWorld()
  const generator = await openLoadGenerator(world)
  closeAfterwards.push(generator.close)
  const target = targetOn(server.port)
  await generator.open(target)
  const beforeNs = world.nowNs()
  const window = await generator.run(target.id, concurrency(1), { leadInNs: 20 * ms, durationNs: 30 * ms })
  expect(window.startNs).toBeGreaterThanOrEqual(beforeNs + 20 * ms)
  expect(window.startNs + window.durationNs).toBeLessThanOrEqual(world.nowNs())
})

test('a fixed number of requests: exactly so many, from the first sent to the last end', async () => {
  const { server, generator, id } = await setUpOnCores(succeedOnceOpen(4, 5), 2)
  const options = { leadInNs: 100 * ms, durationNs: 0, requestCount: 21 }
  const one = await generator.run(id, concurrency(4), options)
  expect([server.requests, one.issued, one.completed, one.latenciesNs.length]).toEqual([21, 21, 21, 21])
  expect(server.mostOpen).toBe(4)
  // Six rounds of at least 5 ms (a timer may fire early by a fraction of 1 ms), and no lead-in.
  expect(one.durationNs).toBeGreaterThan(6 * 4 * ms)
  expect(one.durationNs).toBeGreaterThanOrEqual(one.latenciesNs.at(-1) ?? 0)

  await generator.widen([id], concurrency(4))
  const two = await generator.run(id, concurrency(4), options)
  expect(two.client.threads.length).toBe(2)
  expect([server.requests, two.completed, two.latenciesNs.length]).toEqual([42, 21, 21])
  // Fewer than the load has: the rest of it stays idle.
  const few = await generator.run(id, concurrency(4), { ...options, requestCount: 1 })
  expect([server.requests, few.latenciesNs.length]).toEqual([43, 1])
})

test('a fixed number of requests at a rate, failures among them', async () => {
  const { server, generator, id } = await setUp((stream, index) =>
    index % 2 === 0 ? succeed(stream) : failTrailersOnly(stream, 13, 'odd'),
  )
  const load: Load = { mode: 'requestRate', requestRate: 200 }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs: 0, requestCount: 10 })
  expect(server.requests).toBe(10)
  expect(window.failures).toEqual({ INTERNAL: 5 })
  expect(window.latenciesNs.length).toBe(5)
  // Nine gaps of 5 ms lie between the first and the last.
  expect(window.durationNs).toBeGreaterThanOrEqual(45 * ms)
})

test('connectionsFor: one for each six outstanding requests', () => {
  expect([1, 6, 7, 12, 13].map((value) => connectionsFor(concurrency(value)))).toEqual([1, 1, 2, 2, 3])
  expect(connectionsFor({ mode: 'requestRate', requestRate: 5000 })).toBe(1)
})
