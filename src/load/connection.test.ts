// What a peer answers to one request, frame by frame: only a whole answer is a success, everything else has its name.
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { flag, frameType, makeFrame, makeNumbersFrame } from '../http2/frames.ts'
import { type Field, HpackEncoder } from '../http2/hpack.ts'
import { startRawPeer } from '../http2/testing-peer.ts'
import { Connection } from './connection.ts'
import type { Sender } from './sender.ts'
import { StreamConnection } from './stream-connection.ts'
import { targetOn } from './testing-server.ts'

const closeAfterwards: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closeAfterwards.splice(0).reverse()) await close()
})

const block = (fields: readonly Field[]) => new HpackEncoder().encode(fields)
const headers = (fields: readonly Field[], flags = 0) =>
  makeFrame(frameType.headers, flag.endHeaders | flags, 1, block(fields))
const data = (bytes: readonly number[], flags = 0) => makeFrame(frameType.data, flags, 1, Buffer.from(bytes))
const ok = headers([[':status', '200']])
const trailers = (status: string, message = '') =>
  headers(
    [
      ['grpc-status', status],
      ['grpc-message', message],
    ],
    flag.endStream,
  )
const message = data([0, 0, 0, 0, 2, 7, 7])
const reset = (code: number) => makeNumbersFrame(frameType.resetStream, 1, code)

async function connect(answer: (socket: Socket) => void): Promise<Connection> {
  const peer = await startRawPeer(answer)
  closeAfterwards.push(peer.stop)
  const connection = new Connection(targetOn(peer.port))
  closeAfterwards.push(() => connection.close())
  await new Promise<void>((resolve) => connection.whenSettled(resolve))
  return connection
}

const ask = (sender: Sender): Promise<[failure: string | null, message: string]> =>
  new Promise((resolve) => {
    sender.send({ frame: Buffer.alloc(5), check: null }, (failure, text) => resolve([failure, text]))
  })

const encoded = 'caf%C3%A9 50%25'
const answers: [string, Buffer[], string | null, string][] = [
  ['a whole answer', [ok, message, trailers('0')], null, ''],
  [
    'a message in pieces',
    [ok, ...[0, 0, 0, 0, 2, 7, 7].map((byte) => data([byte])), trailers('0')],
    null,
    '',
  ],
  ['an empty message', [ok, data([0, 0, 0, 0, 0]), trailers('0')], null, ''],
  ['no message', [ok, trailers('0')], 'INTERNAL', 'without a response message'],
  ['half a prefix', [ok, data([0, 0, 0]), trailers('0')], 'INTERNAL', 'without a response message'],
  ['a message that is cut off', [ok, data([0, 0, 0, 0, 9, 1]), trailers('0')], 'INTERNAL', 'takes 14'],
  ['two messages', [ok, message, message, trailers('0')], 'INTERNAL', '14 bytes whose one message takes 7'],
  ['a compressed message', [ok, data([1, 0, 0, 0, 1, 1]), trailers('0')], 'INTERNAL', 'compressed'],
  ['an error after a message', [ok, message, trailers('14', encoded)], 'UNAVAILABLE', 'café 50%'],
  ['a message that is wrongly encoded', [ok, trailers('3', '%zz')], 'INVALID_ARGUMENT', '%zz'],
  ['a status that is none', [ok, message, trailers('99')], 'UNKNOWN', ''],
  [
    'an error in headers alone',
    [
      headers(
        [
          [':status', '200'],
          ['grpc-status', '5'],
        ],
        flag.endStream,
      ),
    ],
    'NOT_FOUND',
    '',
  ],
  [
    'a status before the answer and none after it',
    [
      headers([
        [':status', '200'],
        ['grpc-status', '0'],
      ]),
      data([0, 0, 0, 0, 0], flag.endStream),
    ],
    'UNKNOWN',
    'ended without grpc-status',
  ],
  ['no trailers', [ok, data([0, 0, 0, 0, 0], flag.endStream)], 'UNKNOWN', 'ended without grpc-status'],
  [
    'an HTTP error that says OK',
    [headers([[':status', '503']]), message, trailers('0')],
    'UNKNOWN',
    'status OK under HTTP status 503',
  ],
  ['an HTTP error', [headers([[':status', '404']], flag.endStream)], 'UNKNOWN', 'HTTP status 404'],
  ['trailers that do not end it', [ok, message, headers([['grpc-status', '0']])], 'connection', 'no HTTP/2'],
  ['a message without headers', [message, trailers('0')], 'connection', 'no HTTP/2'],
  ...Array.from({ length: 14 }, (_, code): [string, Buffer[], string, string] => [
    `a reset with code ${code} after a message`,
    [ok, message, reset(code)],
    'reset',
    `code ${code}`,
  ]),
  ['a reset after the end', [ok, message, trailers('0'), reset(8)], null, ''],
]

test.each(answers)('%s', async (_, frames, failure, text) => {
  const [got, message] = await ask(await connect((socket) => socket.write(Buffer.concat(frames))))
  expect(got).toBe(failure)
  expect(message).toContain(text)
})

test('an answer that is cut off at any byte is a lost connection', async () => {
  const whole = Buffer.concat([ok, message, trailers('0')])
  const ends = Array.from({ length: whole.length }, async (__, cut) => {
    const [failure] = await ask(await connect((socket) => socket.end(whole.subarray(0, cut))))
    return failure
  })
  expect(new Set(await Promise.all(ends))).toEqual(new Set(['connection']))
})

/** A ModelStreamInferResponse that answers the request with id 1. */
const streamed = data([0, 0, 0, 0, 5, 0x12, 3, 0x1a, 1, 0x31])
const streamAnswers: [string, Buffer[], string | null, string][] = [
  ['a whole answer', [ok, streamed], null, ''],
  ['a whole answer, and then garbage', [ok, streamed, data([9, 9, 9, 9, 9])], null, ''],
  ['a compressed message', [ok, data([1, 0, 0, 0, 0])], 'INTERNAL', 'compressed'],
  ['a message that is none', [ok, data([0, 0, 0, 0, 1, 0xff])], 'INTERNAL', 'cannot be read'],
  [
    'a message that is cut off',
    [ok, data([0, 0, 0, 0, 9, 1]), trailers('0')],
    'UNKNOWN',
    'before it had answered',
  ],
  ['an error', [ok, trailers('14', encoded)], 'UNAVAILABLE', 'café 50%'],
  ['no trailers', [ok, data([], flag.endStream)], 'UNKNOWN', 'ended without grpc-status'],
  ['an HTTP error', [headers([[':status', '502']], flag.endStream)], 'UNKNOWN', 'HTTP status 502'],
  ['a reset', [ok, reset(11)], 'reset', 'code 11'],
  ['a message without headers', [streamed], 'connection', 'no HTTP/2'],
]

test.each(streamAnswers)('%s of a stream', async (_, frames, failure, text) => {
  const connection = await connect((socket) => socket.write(Buffer.concat(frames)))
  const [got, message] = await ask(new StreamConnection(connection, { decoupled: false }))
  expect(got).toBe(failure)
  expect(message).toContain(text)
})
