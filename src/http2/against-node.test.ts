// The same answers of a peer, in every form that HTTP/2 allows, read by this session and by node:http2's client.
import { connect } from 'node:http2'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { flag, frameType, makeFrame, makeNumbersFrame, makeSettings, setting } from './frames.ts'
import type { Field } from './hpack.ts'
import { Http2Session } from './session.ts'
import { startRawPeer } from './testing-peer.ts'

let script: readonly Buffer[] = []
const peer = await startRawPeer((socket) => void play(socket))
afterAll(peer.stop)

/** In pieces that mostly arrive as such. */
async function play(socket: Socket): Promise<void> {
  for (const piece of script) {
    if (!socket.writable) return
    socket.write(piece)
    await new Promise(setImmediate)
  }
}

interface Read {
  readonly fields: string[]
  readonly data: string
  /** `cancelled`: the connection went first. */
  readonly end: number | 'cancelled'
}

const requestFields: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/s/M'],
  [':authority', 'here'],
]

async function readByNode(): Promise<Read> {
  const session = connect(`http://127.0.0.1:${peer.port}`)
  session.on('error', () => undefined)
  const stream = session.request({ ':method': 'POST', ':path': '/s/M' })
  stream.end('x')
  const fields: string[] = []
  const chunks: Buffer[] = []
  const add = (headers: object) => {
    for (const [name, value] of Object.entries(headers)) fields.push(`${name}=${value}`)
  }
  stream.on('response', add)
  stream.on('trailers', add)
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.on('close', resolve))
  session.destroy()
  return { fields, data: Buffer.concat(chunks).toString('hex'), end: stream.rstCode }
}

async function readByUs(): Promise<Read> {
  const fields: string[] = []
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    const session = new Http2Session('127.0.0.1', peer.port, null, {
      onSettings: () => {
        if (session.isOpen && !asked) ask()
      },
      onGoAway: () => undefined,
      onClose: () => undefined,
    })
    let asked = false
    const ask = () => {
      asked = true
      session.request(requestFields, Buffer.from('x'), true, {
        onHeaders: (given) => fields.push(...given.map(([name, value]) => `${name}=${value}`)),
        onData: (bytes, start, end) => chunks.push(Buffer.from(bytes.subarray(start, end))),
        onEnd: (end) => {
          session.destroy('read')
          const code = end.kind === 'ended' ? 0 : end.kind === 'reset' ? end.code : 'cancelled'
          resolve({ fields, data: Buffer.concat(chunks).toString('hex'), end: code })
        },
      })
    }
  })
}

const text = (first: string, maxLength: number) =>
  fc.array(fc.constantFrom(...'abcxyz019-_'), { maxLength }).map((letters) => `${first}${letters.join('')}`)
const field = fc.record({
  form: fc.constantFrom(0x00, 0x10, 0x40),
  name: text('x-', 20),
  value: text('v', 300),
})
type WrittenField = { readonly form: number; readonly name: string; readonly value: string }

/** A string with its length, which takes up to three bytes. */
function string(value: string): Buffer {
  const rest = value.length - 127
  const length = rest < 0 ? [value.length] : rest < 128 ? [127, rest] : [127, 0x80 | (rest & 127), rest >> 7]
  return Buffer.concat([Buffer.from(length), Buffer.from(value)])
}

const literal = ({ form, name, value }: WrittenField) =>
  Buffer.concat([Buffer.from([form]), string(name), string(value)])

const frameOptions = fc.record({
  padding: fc.option(fc.nat(255)),
  hasPriority: fc.boolean(),
  cuts: fc.array(fc.nat(), { maxLength: 3 }),
})
type FrameOptions = typeof frameOptions extends fc.Arbitrary<infer T> ? T : never

function padded(payload: Buffer, padding: number | null): Buffer {
  return padding === null ? payload : Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)])
}

/** HEADERS, and CONTINUATION where the block is cut. */
function headerFrames(block: Buffer, isLast: boolean, { padding, hasPriority, cuts }: FrameOptions): Buffer {
  const places = [0, ...cuts.map((cut) => cut % (block.length + 1)).sort((a, b) => a - b), block.length]
  const frames = places.slice(1).map((to, index) => {
    const piece = block.subarray(places[index], to)
    const whole = index === cuts.length ? flag.endHeaders : 0
    if (index > 0) return makeFrame(frameType.continuation, whole, 1, piece)
    const priority = hasPriority ? Buffer.from([0, 0, 0, 0, 16]) : Buffer.alloc(0)
    const flags =
      whole |
      (isLast ? flag.endStream : 0) |
      (padding === null ? 0 : flag.padded) |
      (hasPriority ? flag.priority : 0)
    return makeFrame(frameType.headers, flags, 1, padded(Buffer.concat([priority, piece]), padding))
  })
  return Buffer.concat(frames)
}

const noise = fc.oneof(
  fc.constant(makeFrame(frameType.ping, 0, 0, Buffer.alloc(8, 1))),
  fc.constant(makeFrame(0x7f, 0xff, 1, Buffer.alloc(9))),
  fc.constant(makeFrame(frameType.priority, 0, 1, Buffer.from([0, 0, 0, 0, 9]))),
  fc.nat(2 ** 31 - 1).map((bytes) => makeSettings([[setting.initialWindowSize, bytes]])),
  fc.integer({ min: 16_384, max: 2 ** 24 - 1 }).map((bytes) => makeSettings([[setting.maxFrameSize, bytes]])),
  fc.nat(9000).map((bytes) => makeSettings([[setting.headerTableSize, bytes]])),
  fc.nat(100).map((streams) =>
    makeSettings([
      [setting.maxConcurrentStreams, streams],
      [0x99, 7],
    ]),
  ),
  fc.integer({ min: 1, max: 1000 }).map((bytes) => makeNumbersFrame(frameType.windowUpdate, 0, bytes)),
  fc.constant(makeNumbersFrame(frameType.goAway, 0, 1, 0)),
)

const dataFrame = fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), padding: fc.option(fc.nat(255)) })
const fields = fc.uniqueArray(field, { maxLength: 4, selector: ({ name }) => name })

const answer = fc.record({
  tableBytes: fc.array(fc.nat(4096), { maxLength: 2 }),
  interims: fc.array(frameOptions, { maxLength: 2 }),
  head: fc.tuple(fields, frameOptions),
  body: fc.array(fc.oneof(dataFrame, noise), { maxLength: 6 }),
  ending: fc.oneof(fc.tuple(fields, frameOptions), fc.constant('data' as const), fc.nat(13)),
  cuts: fc.array(fc.nat(), { maxLength: 12 }),
})

test('what this session reads is what node:http2 reads', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async ({ tableBytes, interims, head, body, ending, cuts }) => {
      // Changes of the table's size, smallest first: the sizes of one block are to end with the largest.
      const sizes = [...tableBytes].sort((a, b) => a - b).map((bytes) => tableSize(bytes))
      const frames = interims.map((options, index) => {
        const block = Buffer.from([0x08, 3, 0x31, 0x30, 0x33])
        return headerFrames(Buffer.concat([...(index === 0 ? sizes : []), block]), false, options)
      })
      const status = Buffer.concat([...(interims.length === 0 ? sizes : []), Buffer.from([0x88])])
      frames.push(headerFrames(Buffer.concat([status, ...head[0].map(literal)]), false, head[1]))
      for (const each of body) {
        if (Buffer.isBuffer(each)) frames.push(each)
        else {
          const payload = padded(Buffer.from(each.bytes), each.padding)
          frames.push(makeFrame(frameType.data, each.padding === null ? 0 : flag.padded, 1, payload))
        }
      }
      if (ending === 'data') frames.push(makeFrame(frameType.data, flag.endStream, 1, Buffer.alloc(0)))
      else if (typeof ending === 'number') frames.push(makeNumbersFrame(frameType.resetStream, 1, ending))
      else {
        const last = { form: 0, name: 'grpc-status', value: '0' }
        frames.push(headerFrames(Buffer.concat([...ending[0], last].map(literal)), true, ending[1]))
      }
      const bytes = Buffer.concat(frames)
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
      script = places.slice(1).map((to, index) => bytes.subarray(places[index], to))
      const [ours, nodes] = await Promise.all([readByUs(), readByNode()])
      expect(ours).toEqual(nodes)
    }),
    { numRuns: 150 },
  )
})

function tableSize(bytes: number): Buffer {
  const rest = bytes - 31
  if (rest < 0) return Buffer.from([0x20 | bytes])
  return Buffer.from(rest < 128 ? [0x3f, rest] : [0x3f, 0x80 | (rest & 127), rest >> 7])
}
