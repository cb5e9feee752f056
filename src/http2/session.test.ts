// The session against node:http2's server, whose nghttp2 is the yardstick, and against peers that break the protocol.
import { constants, createServer, type ServerHttp2Stream, type ServerOptions } from 'node:http2'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { FrameReader, flag, frameType, makeFrame, makeNumbersFrame, makeSettings, setting } from './frames.ts'
import type { Field } from './hpack.ts'
import { Http2Session } from './session.ts'
import type { StreamEnd } from './stream.ts'

const closeAfterwards: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closeAfterwards.splice(0).reverse()) await close()
})

type OnStream = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void

async function serve(options: ServerOptions, onStream: OnStream): Promise<number> {
  const server = createServer(options)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    onStream(stream, headers)
  })
  server.on('sessionError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeAfterwards.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  })
  return (server.address() as AddressInfo).port
}

interface Opened {
  readonly session: Http2Session
  readonly closed: Promise<string>
  readonly goAway: Promise<string>
}

async function open(port: number): Promise<Opened> {
  let onClose: (reason: string) => void = () => undefined
  let onGoAway: (reason: string) => void = () => undefined
  const closed = new Promise<string>((resolve) => (onClose = resolve))
  const goAway = new Promise<string>((resolve) => (onGoAway = resolve))
  let session: Http2Session | undefined
  await new Promise<void>((resolve) => {
    const close = (reason: string) => {
      onClose(reason)
      resolve()
    }
    session = new Http2Session('127.0.0.1', port, null, {
      onSettings: () => resolve(),
      onGoAway: (reason) => onGoAway(reason),
      onClose: close,
    })
  })
  if (session === undefined) throw new Error('no session')
  const opened = session
  closeAfterwards.push(async () => {
    opened.destroy('the test is over')
    await closed
  })
  return { session: opened, closed, goAway }
}

interface Answer {
  readonly blocks: (readonly Field[])[]
  readonly data: Buffer
  readonly end: StreamEnd
}

const fields: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/s/M'],
  [':authority', 'here'],
  ['te', 'trailers'],
]

function ask(session: Http2Session, data: Buffer | null, asked: readonly Field[] = fields): Promise<Answer> {
  return new Promise((resolve) => {
    const blocks: (readonly Field[])[] = []
    const chunks: Buffer[] = []
    session.request(asked, data, true, {
      onHeaders: (given) => blocks.push(given),
      onData: (bytes, start, end) => chunks.push(Buffer.from(bytes.subarray(start, end))),
      onEnd: (end) => resolve({ blocks, data: Buffer.concat(chunks), end }),
    })
  })
}

const valueIn = (blocks: readonly (readonly Field[])[], name: string) =>
  blocks.flat().find((field) => field[0] === name)?.[1]

const echo: OnStream = (stream) => {
  stream.respond({ ':status': 200 }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.pipe(stream)
}

const noise = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 7) % 251))

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

/** A peer that sends its settings, then what `onRequest` gives when the first HEADERS are here. Collects what it is sent. */
async function rawPeer(onRequest: Buffer, begin: Buffer = makeSettings([])) {
  const frames: { type: number; id: number; payload: Buffer }[] = []
  let answered = false
  const server = createNetServer((socket) => {
    socket.on('error', () => undefined)
    socket.write(begin)
    const reader = new FrameReader((type, _flags, id, bytes, start, end) => {
      frames.push({ type, id, payload: Buffer.from(bytes.subarray(start, end)) })
      if (type !== frameType.headers || answered) return
      answered = true
      socket.write(onRequest)
    })
    let preface = 24
    socket.on('data', (chunk: Buffer) => {
      const skipped = Math.min(preface, chunk.length)
      preface -= skipped
      reader.push(chunk.subarray(skipped), chunk.length - skipped)
    })
    closeAfterwards.push(() => Promise.resolve(void socket.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeAfterwards.push(() => new Promise((resolve) => server.close(() => resolve())))
  return { port: (server.address() as AddressInfo).port, frames }
}

const status200 = Buffer.from([0x88])
const { data, headers, continuation, pushPromise, goAway, windowUpdate, settings, resetStream } = frameType
const violations: [string, number, Buffer][] = [
  ['data of a stream that was never opened', 1, makeFrame(data, 0, 99, Buffer.alloc(1))],
  ['data of no stream', 1, makeFrame(data, 0, 0, Buffer.alloc(1))],
  ['a reset of a stream that was never opened', 1, makeNumbersFrame(resetStream, 7, 1)],
  ['a pushed stream', 1, makeFrame(pushPromise, flag.endHeaders, 1, Buffer.from([0, 0, 0, 2, 0x88]))],
  ['a continuation of nothing', 1, makeFrame(continuation, flag.endHeaders, 1, status200)],
  [
    'other frames amid a header block',
    1,
    Buffer.concat([makeFrame(headers, 0, 1, status200), makeFrame(data, 0, 1, Buffer.alloc(1))]),
  ],
  ['padding beyond the payload', 1, makeFrame(data, flag.padded, 1, Buffer.from([9, 0]))],
  ['a window update of nothing', 1, makeNumbersFrame(windowUpdate, 0, 0)],
  ['a window beyond all bounds', 3, makeNumbersFrame(windowUpdate, 0, 2 ** 31 - 1)],
  ['a first window beyond all bounds', 3, makeSettings([[4, 2 ** 31]])],
  ['settings of a stream', 1, makeFrame(settings, 0, 1, Buffer.alloc(0))],
  ['settings that are cut off', 6, makeFrame(settings, 0, 0, Buffer.alloc(5))],
  ['a ping of another length', 6, makeFrame(frameType.ping, 0, 0, Buffer.alloc(7))],
  ['a frame that is too long', 6, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])],
  [
    'headers that cannot be decompressed',
    9,
    makeFrame(headers, flag.endHeaders, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
  ],
  [
    'headers without end',
    11,
    Buffer.concat([
      makeFrame(headers, 0, 1, status200),
      ...Array.from({ length: 70 }, () => makeFrame(continuation, 0, 1, Buffer.alloc(16_384))),
    ]),
  ],
]

test.each(violations)(
  '%s ends the connection with code %i and loses what was under way',
  async (_, code, bytes) => {
    const peer = await rawPeer(bytes)
    const { session, closed } = await open(peer.port)
    const { end } = await ask(session, Buffer.from('x'))
    expect(end.kind).toBe('lost')
    expect(await closed).toContain('no HTTP/2')
    expect(session.isOpen).toBe(false)
    await expect
      .poll(() => peer.frames.find(({ type }) => type === goAway)?.payload.readUInt32BE(4))
      .toBe(code)
  },
)

test('a peer that does not begin with its settings is none', async () => {
  const { port } = await rawPeer(Buffer.alloc(0), makeFrame(frameType.ping, 0, 0, Buffer.alloc(8)))
  expect(await (await open(port)).closed).toContain('SETTINGS')
})

test('GOAWAY: what the peer will not look at is lost, what is under way ends, then the connection does', async () => {
  const answer = makeFrame(headers, flag.endHeaders | flag.endStream, 1, status200)
  const peer = await rawPeer(Buffer.concat([makeNumbersFrame(goAway, 0, 1, 0), answer]))
  const { session, goAway: told, closed } = await open(peer.port)
  const answers = [ask(session, Buffer.from('x')), ask(session, Buffer.from('y'))]
  const reason = await told
  expect(session.isOpen).toBe(false)
  expect((await Promise.all(answers)).map(({ end }) => end)).toEqual([
    { kind: 'ended' },
    { kind: 'lost', reason },
  ])
  expect(await closed).toBe(reason)
  expect(reason).toContain('GOAWAY with code 0')
})

const smallWindow = makeSettings([[setting.initialWindowSize, 10]])

test('a first window that grows or shrinks holds for the streams under way', async () => {
  const grown = makeSettings([[setting.initialWindowSize, 25]])
  const peer = await rawPeer(
    Buffer.concat([grown, makeSettings([[setting.initialWindowSize, 5]]), grown]),
    smallWindow,
  )
  const { session } = await open(peer.port)
  void ask(session, noise(100))
  const sizes = () => peer.frames.filter(({ type }) => type === data).map(({ payload }) => payload.length)
  await expect.poll(sizes).toEqual([10, 15])
  // Nothing more comes: the peer has its 25 bytes.
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(sizes()).toEqual([10, 15])
})

test('the rest of a request that is answered before it is read is given up on the wire', async () => {
  const answer = makeFrame(headers, flag.endHeaders | flag.endStream, 1, status200)
  const peer = await rawPeer(answer, smallWindow)
  const { session } = await open(peer.port)
  expect((await ask(session, noise(100))).end.kind).toBe('ended')
  await expect
    .poll(() => peer.frames.find(({ type }) => type === resetStream)?.payload.readUInt32BE())
    .toBe(8)
})

test('pings are answered, interim responses passed over, unknown frames too', async () => {
  const ping = Buffer.from('12345678')
  const peer = await rawPeer(
    Buffer.concat([
      makeFrame(frameType.ping, 0, 0, ping),
      makeFrame(0x42, 0xff, 3, Buffer.alloc(20)),
      makeFrame(headers, flag.endHeaders, 1, Buffer.from([0x08, 0x03, 0x31, 0x30, 0x33])),
      makeFrame(headers, flag.endHeaders | flag.priority, 1, Buffer.concat([Buffer.alloc(5), status200])),
      makeFrame(data, flag.endStream | flag.padded, 1, Buffer.from([2, 0x61, 0, 0])),
    ]),
  )
  const { session } = await open(peer.port)
  const answer = await ask(session, Buffer.from('x'))
  expect(answer.blocks).toEqual([[[':status', '200']]])
  expect(answer.data.toString()).toBe('a')
  await expect.poll(() => peer.frames.find(({ type }) => type === frameType.ping)?.payload).toEqual(ping)
})

test('whatever a peer sends, the request ends or its connection lives: nothing is thrown', async () => {
  const frame = fc
    .tuple(
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(3),
      fc.uint8Array({ maxLength: 30 }),
    )
    .map(([type, flags, id, payload]) => makeFrame(type, flags, id, Buffer.from(payload)))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 20 })), { minLength: 1, maxLength: 6 }),
      async (sent) => {
        const peer = await rawPeer(Buffer.concat(sent.map((each) => Buffer.from(each))))
        const { session, closed } = await open(peer.port)
        const asked = ask(session, Buffer.from('x'))
        await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 5))])
        session.destroy('over')
        await closed
        expect(['ended', 'reset', 'lost']).toContain((await asked).end.kind)
      },
    ),
    { numRuns: 60 },
  )
})
