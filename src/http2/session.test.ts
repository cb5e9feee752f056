// The session against node:http2's server, whose nghttp2 is the yardstick, and against peers that break the protocol.
import { constants, createServer, type ServerHttp2Stream, type ServerOptions } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { flag, frameType, makeFrame, makeNumbersFrame, makeSettings, setting } from './frames.ts'
import type { Field } from './hpack.ts'
import { Http2Session } from './session.ts'
import type { StreamEnd } from './stream.ts'
import { type RawPeer, startRawPeer } from './testing-peer.ts'

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

async function open(port: number, firstStreamId?: number): Promise<Opened> {
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
    const events = {
      onSettings: () => resolve(),
      onGoAway: (reason: string) => onGoAway(reason),
      onClose: close,
    }
    session = new Http2Session('127.0.0.1', port, null, events, firstStreamId)
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

/** A peer that sends its settings, then what `onRequest` gives when the first HEADERS are here. */
async function rawPeer(onRequest: Buffer, begin?: Buffer): Promise<RawPeer> {
  let answered = false
  const peer = await startRawPeer((socket) => {
    if (!answered) socket.write(onRequest)
    answered = true
  }, begin)
  closeAfterwards.push(peer.stop)
  return peer
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
  ['data before the headers of an answer', 1, makeFrame(data, 0, 1, Buffer.alloc(1))],
  ['an answer without a status', 1, makeFrame(headers, flag.endHeaders, 1, Buffer.from([0, 1, 0x61, 0]))],
  ['an interim answer that is the last', 1, makeFrame(headers, 5, 1, Buffer.from([8, 3, 0x31, 0x30, 0x33]))],
  [
    'trailers that do not end the answer',
    1,
    Buffer.concat([1, 1].map(() => makeFrame(headers, flag.endHeaders, 1, status200))),
  ],
  ['a server that asks for pushes', 1, makeSettings([[setting.enablePush, 1]])],
  ['a ping of a stream', 1, makeFrame(frameType.ping, 0, 1, Buffer.alloc(8))],
  ['a farewell of a stream', 1, makeNumbersFrame(goAway, 1, 1, 0)],
  ['settings that are acknowledged at length', 6, makeFrame(settings, flag.ack, 0, Buffer.alloc(6))],
  ['a priority of another length', 6, makeFrame(frameType.priority, 0, 1, Buffer.alloc(4))],
  [
    'a stream’s window that grows beyond all bounds with the first one',
    3,
    Buffer.concat([
      makeNumbersFrame(windowUpdate, 1, 2 ** 31 - 1 - 65_535),
      makeSettings([[setting.initialWindowSize, 65_537]]),
    ]),
  ],
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

const continued = makeFrame(continuation, 0, 1, Buffer.alloc(0))
violations.push([
  'pieces of headers without end that hold nothing',
  11,
  Buffer.concat([makeFrame(headers, 0, 1, status200), ...Array.from({ length: 120_000 }, () => continued)]),
])

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

test('a stream ends although its window has shrunk below zero, in a frame that is one', async () => {
  const peer = await rawPeer(makeSettings([[setting.initialWindowSize, 5]]), smallWindow)
  const { session } = await open(peer.port)
  const stream = session.request(fields, noise(10), false, {
    onHeaders: () => undefined,
    onData: () => undefined,
    onEnd: () => undefined,
  })
  const ofType = (wanted: number) => peer.frames.filter(({ type }) => type === wanted)
  // Of its own two, the second one is the shrunken window's.
  await expect.poll(() => ofType(settings).filter(({ flags }) => flags === flag.ack)).toHaveLength(2)
  session.end(stream)
  await expect
    .poll(() => ofType(data).map(({ flags, payload }) => [flags, payload.length]))
    .toEqual([
      [0, 10],
      [flag.endStream, 0],
    ])
  // What follows is still read as frames.
  void ask(session, null)
  await expect.poll(() => ofType(headers).map(({ id }) => id)).toEqual([1, 3])
})

test('large requests side by side come whole through the smallest of windows', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'triton')
  const { session } = await open(await serve({}, echo))
  const answers = await Promise.all([ask(session, body), ask(session, noise(100)), ask(session, body)])
  expect(answers.map((answer) => answer.data.length)).toEqual([body.length, 100, body.length])
  expect(answers[2].data.equals(body)).toBe(true)
})

test('a reset is not answered with one', async () => {
  const ping = makeFrame(frameType.ping, 0, 0, Buffer.alloc(8))
  const peer = await rawPeer(Buffer.concat([makeNumbersFrame(resetStream, 1, 8), ping]), smallWindow)
  const { session } = await open(peer.port)
  expect((await ask(session, noise(100))).end).toEqual({ kind: 'reset', code: 8 })
  await expect.poll(() => peer.frames.some(({ type }) => type === frameType.ping)).toBe(true)
  expect(peer.frames.some(({ type }) => type === resetStream)).toBe(false)
})

test('what is late for a stream that was given up is passed over, its headers are read', async () => {
  const inserting = Buffer.from([0x88, 0x40, 1, 0x61, 1, 0x62])
  const peer = await startRawPeer((socket, id) => {
    if (id === 1) return
    socket.write(
      Buffer.concat([
        makeFrame(headers, flag.endHeaders, 1, inserting),
        makeFrame(data, 0, 1, Buffer.alloc(100)),
        makeNumbersFrame(windowUpdate, 1, 5),
        makeNumbersFrame(resetStream, 1, 0),
        // The field that the first one's headers put into the table.
        makeFrame(headers, flag.endHeaders | flag.endStream, 3, Buffer.from([0x88, 0xbe])),
      ]),
    )
  })
  closeAfterwards.push(peer.stop)
  const { session } = await open(peer.port)
  const given = session.request(fields, Buffer.from('x'), true, {
    onHeaders: () => expect.unreachable(),
    onData: () => expect.unreachable(),
    onEnd: () => expect.unreachable(),
  })
  session.cancel(given)
  const { blocks, end } = await ask(session, Buffer.from('y'))
  expect(end.kind).toBe('ended')
  expect(valueIn(blocks, 'a')).toBe('b')
})

test('a limit of streams that is raised lets those go that wait; one of none lets none', async () => {
  const limit = (streams: number) => makeSettings([[setting.maxConcurrentStreams, streams]])
  const peer = await startRawPeer((socket, id) => {
    socket.write(id === 1 ? limit(3) : limit(0))
  }, limit(1))
  closeAfterwards.push(peer.stop)
  const { session } = await open(peer.port)
  for (let index = 0; index < 3; index++) void ask(session, null)
  const opened = () => peer.frames.filter(({ type }) => type === headers).map(({ id }) => id)
  await expect.poll(opened).toEqual([1, 3, 5])
  const acknowledged = () =>
    peer.frames.filter(({ type, flags }) => type === settings && flags === flag.ack).length
  await expect.poll(acknowledged).toBe(4)
  const last = ask(session, null)
  session.destroy('over')
  expect((await last).end.kind).toBe('lost')
  expect(opened()).toEqual([1, 3, 5])
})

test('a connection that has used up its stream ids ends with its last stream', async () => {
  const { session, goAway: told, closed } = await open(await serve({}, echo), 2 ** 31 - 3)
  expect((await ask(session, noise(10))).data).toEqual(noise(10))
  const last = ask(session, noise(20))
  expect(session.isOpen).toBe(false)
  expect((await last).data).toEqual(noise(20))
  expect(await closed).toBe(await told)
})

test('a peer that shuts down in two steps: the second GOAWAY says what it has not looked at', async () => {
  const answer = makeFrame(headers, flag.endHeaders | flag.endStream, 1, status200)
  const farewells = [2 ** 31 - 1, 1].map((lastId) => makeNumbersFrame(goAway, 0, lastId, 0))
  const peer = await rawPeer(Buffer.concat([...farewells, answer]))
  const { session, closed } = await open(peer.port)
  const answers = await Promise.all([ask(session, null), ask(session, null)])
  expect(answers.map(({ end }) => end.kind)).toEqual(['ended', 'lost'])
  await closed
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
