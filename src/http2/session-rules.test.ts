// The session against peers that use the rarer rules of HTTP/2, and that break them.
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { flag, frameType, makeFrame, makeNumbersFrame, makeSettings, setting } from './frames.ts'
import { type RawPeer, startRawPeer } from './testing-peer.ts'
import { ask, closeAfterwards, closeAll, fields, noise, open, valueIn } from './testing-session.ts'

afterEach(closeAll)

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
