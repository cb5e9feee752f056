// What a peer does to a connection: no request hangs, each is counted once, by how it ended.
import { constants } from 'node:http2'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { listenOnLoopback } from '../http2/testing-peer.ts'
import { closeAfterwards, generate, setUp } from './testing-generator.ts'
import { type Answer, succeed, targetOn } from './testing-server.ts'

const load: Load = { mode: 'concurrency', concurrency: 4 }
const counted = (requestCount: number) => ({ leadInNs: 0, durationNs: 0, requestCount })
const total = (failures: Readonly<Record<string, number>>) =>
  Object.values(failures).reduce((sum, count) => sum + count, 0)

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  const { port, stop } = await listenOnLoopback(server)
  closeAfterwards.push(stop)
  return port
}

async function run(answer: Answer, requests: number) {
  const { server, generator, id } = await setUp(answer)
  return { server, window: await generator.run(id, load, counted(requests)) }
}

test.each([
  ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'],
  ['garbage', Buffer.alloc(4096, 0xa5)],
])('a peer that answers %s is no target', async (_, bytes) => {
  const port = await listen((socket) => socket.write(bytes))
  const generator = await generate()
  await expect(generator.open(targetOn(port))).rejects.toThrow('cannot connect')
})

test('a peer that ends the connection before it has said a word is no target', async () => {
  const port = await listen((socket) => socket.end())
  const generator = await generate()
  await expect(generator.open(targetOn(port))).rejects.toThrow('cannot connect')
})

test('an empty SETTINGS frame and then garbage: every request fails, none hangs', async () => {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  let isOpen = false
  const port = await listen((socket) => {
    socket.write(settings)
    socket.on('data', () => isOpen && socket.writable && socket.write(Buffer.alloc(64, 0xff)))
  })
  const generator = await generate()
  const target = targetOn(port, { deadlineNs: 30e9 })
  await generator.open(target)
  isOpen = true
  const window = await generator.run(target.id, load, counted(12))
  expect(window.latenciesNs).toHaveLength(0)
  expect(window.failures).toEqual({ connection: 12 })
})

test('a peer that half closes after its settings: every request fails, none hangs', async () => {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  let isOpen = false
  const port = await listen((socket) => {
    socket.write(settings)
    socket.on('data', () => isOpen && socket.end())
  })
  const generator = await generate()
  const target = targetOn(port, { deadlineNs: 30e9 })
  await generator.open(target)
  isOpen = true
  const window = await generator.run(target.id, load, counted(12))
  expect(window.latenciesNs).toHaveLength(0)
  expect(window.failures).toEqual({ connection: 12 })
})

test('a storm of resets is counted one by one, and the connection lives', async () => {
  const { server, window } = await run(
    (stream, index) => (index % 4 === 3 ? succeed(stream) : stream.close(constants.NGHTTP2_REFUSED_STREAM)),
    200,
  )
  expect(window.failures).toEqual({ reset: 150 })
  expect(window.latenciesNs).toHaveLength(50)
  expect(server.sessions).toBe(1)
})

test('GOAWAY in mid-flight: what is under way is answered, what follows goes over a new connection', async () => {
  const { server, generator, id } = await setUp((stream, index) => {
    if (index === 20) server.goAway()
    setTimeout(() => succeed(stream), 5)
  })
  const window = await generator.run(id, load, counted(60))
  expect(window.latenciesNs.length + total(window.failures)).toBe(60)
  expect(window.latenciesNs.length).toBeGreaterThan(50)
  expect(server.sessions).toBe(2)
})

test('a limit of streams that is lowered in mid-flight fails only what crossed it, and refuses the next run in words', async () => {
  const { generator, id } = await setUp((stream, index) => {
    if (index === 10) stream.session?.settings({ maxConcurrentStreams: 2 })
    setTimeout(() => succeed(stream), 2)
  })
  const window = await generator.run(id, load, counted(60))
  // nghttp2 refuses what was on its way when it set the limit: of four at a time, three at most.
  const { reset = 0, ...others } = window.failures
  expect(others).toEqual({})
  expect(reset).toBeLessThanOrEqual(3)
  expect(window.latenciesNs).toHaveLength(60 - reset)
  // Its concurrency would not be what it says.
  await expect(generator.run(id, load, counted(4))).rejects.toThrow('takes 2 concurrent streams')
})

test('trailers beyond what a client takes fail their request, and the others go on', async () => {
  const { window } = await run((stream, index) => {
    if (index % 2 === 1) {
      succeed(stream)
      return
    }
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    const long = 'x'.repeat(200_000)
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '13', 'grpc-message': long }))
    stream.end(Buffer.alloc(5))
  }, 20)
  expect(window.latenciesNs.length + total(window.failures)).toBe(20)
  expect(total(window.failures)).toBeGreaterThan(0)
})
