// The session against node:http2's server, whose nghttp2 is the yardstick.
import { constants, createServer, type ServerHttp2Stream, type ServerOptions } from 'node:http2'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { StreamEnd } from './stream.ts'
import { listenOnLoopback } from './testing-peer.ts'
import { ask, closeAfterwards, closeAll, fields, noise, open, valueIn } from './testing-session.ts'

afterEach(closeAll)

type OnStream = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void

async function serve(options: ServerOptions, onStream: OnStream): Promise<number> {
  const server = createServer(options)
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    onStream(stream, headers)
  })
  server.on('sessionError', () => undefined)
  const { port, stop } = await listenOnLoopback(server)
  closeAfterwards.push(stop)
  return port
}

const echo: OnStream = (stream) => {
  stream.respond({ ':status': 200 }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.pipe(stream)
}

test.each([
  ['small windows', { settings: { initialWindowSize: 1000 } }],
  ['padding', { paddingStrategy: constants.PADDING_STRATEGY_MAX }],
  ['long frames', { settings: { maxFrameSize: 100_000, initialWindowSize: 5_000_000 } }],
  ['no header table', { settings: { headerTableSize: 0 } }],
])('requests of every size come back as they went, with %s', async (_, options) => {
  const { session } = await open(await serve(options, echo))
  const bodies = [0, 1, 999, 16_384, 16_385, 100_000, 600_000].map(noise)
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(bodies.map((body) => ask(session, body)))
    for (const [index, body] of bodies.entries()) expect(answers[index]?.data.equals(body)).toBe(true)
    expect(answers.map(({ blocks }) => valueIn(blocks, 'grpc-status'))).toEqual(bodies.map(() => '0'))
    expect(answers.map(({ end }) => end.kind)).toEqual(bodies.map(() => 'ended'))
  }
})

test('an answer larger than the windows of stream and connection comes whole', async () => {
  const piece = Buffer.alloc(1024 * 1024, 1)
  const port = await serve({}, (stream) => {
    stream.respond({ ':status': 200 })
    let left = 70
    const write = () => {
      while (left-- > 0) if (!stream.write(piece)) return stream.once('drain', write)
      return stream.end()
    }
    write()
  })
  const { session } = await open(port)
  let bytes = 0
  const end = await new Promise<StreamEnd>((resolve) =>
    session.request(fields, null, true, {
      onHeaders: () => undefined,
      onData: (_, from, to) => (bytes += to - from),
      onEnd: resolve,
    }),
  )
  expect(bytes).toBe(70 * piece.length)
  expect(end.kind).toBe('ended')
})

test('header values of every byte that may stand in one arrive, as nghttp2 compresses them', async () => {
  const port = await serve({}, (stream, headers) =>
    stream.respond({ ':status': 200, 'x-same': String(headers['x-value']) }, { endStream: true }),
  )
  const { session } = await open(port)
  const characters = [
    ...Array.from({ length: 95 }, (_, i) => i + 0x20),
    ...Array.from({ length: 128 }, (_, i) => i + 0x80),
  ]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...characters), { maxLength: 80 }), async (codes) => {
      const value = Buffer.from([0x61, ...codes, 0x61]).toString('latin1')
      const { blocks } = await ask(session, null, [...fields, ['x-value', value]])
      expect(valueIn(blocks, 'x-same')).toBe(value)
    }),
    { numRuns: 100 },
  )
})

test('headers that need several frames are read, and written', async () => {
  const long = 'y'.repeat(40_000)
  const port = await serve(
    { maxSendHeaderBlockLength: 500_000, settings: { maxHeaderListSize: 500_000 } },
    (stream, headers) =>
      stream.respond({ ':status': 200, 'x-same': `${String(headers['x-long'])}é` }, { endStream: true }),
  )
  const { session } = await open(port)
  const { blocks } = await ask(session, null, [...fields, ['x-long', long]])
  expect(valueIn(blocks, 'x-same')).toBe(`${long}é`)
})

test('requests beyond the limit of streams wait for their turn', async () => {
  let now = 0
  let most = 0
  const port = await serve({ settings: { maxConcurrentStreams: 3 } }, (stream) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      stream.respond({ ':status': 200 }, { endStream: true })
    }, 2)
  })
  const { session } = await open(port)
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(session, Buffer.from('x'))))
  expect(answers.map(({ end }) => end.kind)).toEqual(answers.map(() => 'ended'))
  expect(most).toBe(3)
})

test('an answer before the request has been read gives up the rest, and the connection lives', async () => {
  let index = 0
  const port = await serve({ settings: { initialWindowSize: 100 } }, (stream) => {
    if (index++ > 0) return echo(stream, {})
    return stream.respond({ ':status': 200, 'grpc-status': '3' }, { endStream: true })
  })
  const { session } = await open(port)
  const early = await ask(session, noise(200_000))
  expect(valueIn(early.blocks, 'grpc-status')).toBe('3')
  expect((await ask(session, noise(5000))).data).toEqual(noise(5000))
})

test('a stream takes data piece by piece until it is ended; one that is given up is reset and silent', async () => {
  const codes: (number | undefined)[] = []
  const port = await serve({}, (stream) => {
    stream.on('close', () => codes.push(stream.rstCode))
    echo(stream, {})
  })
  const { session } = await open(port)
  const chunks: string[] = []
  const end = await new Promise<StreamEnd>((resolve) => {
    const stream = session.request(fields, null, false, {
      onHeaders: () => undefined,
      onData: (bytes, from, to) => {
        chunks.push(bytes.toString('latin1', from, to))
        if (chunks.length < 3) session.write(stream, Buffer.from(`${chunks.length}`))
        else session.end(stream)
      },
      onEnd: resolve,
    })
    session.write(stream, Buffer.from('0'))
  })
  expect(chunks).toEqual(['0', '1', '2'])
  expect(end.kind).toBe('ended')

  let told = 0
  const stream = session.request(fields, Buffer.from('x'), false, {
    onHeaders: () => told++,
    onData: () => told++,
    onEnd: () => told++,
  })
  session.cancel(stream)
  await ask(session, Buffer.from('y'))
  expect(told).toBe(0)
  expect(codes).toContain(constants.NGHTTP2_CANCEL)
})
test('large requests side by side come whole through the smallest of windows', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'triton')
  const { session } = await open(await serve({}, echo))
  const answers = await Promise.all([ask(session, body), ask(session, noise(100)), ask(session, body)])
  expect(answers.map((answer) => answer.data.length)).toEqual([body.length, 100, body.length])
  expect(answers[2].data.equals(body)).toBe(true)
})

test('a connection that has used up its stream ids ends with its last stream', async () => {
  const { session, goAway: told, closed } = await open(await serve({}, echo), 2 ** 31 - 3)
  expect((await ask(session, noise(10))).data).toEqual(noise(10))
  const last = ask(session, noise(20))
  expect(session.isOpen).toBe(false)
  expect((await last).data).toEqual(noise(20))
  expect(await closed).toBe(await told)
})
