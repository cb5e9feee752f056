// What the load tests send their requests to: a gRPC server of node:http2 whose answers the test chooses.
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { loadWorker } from '../../test/support/load-worker.ts'
import type { World } from '../domain/world.ts'
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
  ModelStreamInferResponseSchema,
} from '../proto/grpc_service_pb.js'
import type { LoadTarget } from './protocol.ts'
import { MessageReader } from './stream-response.ts'

export interface TestingServer {
  readonly port: number
  /** Requests that came, and the most that were open at one time. */
  requests: number
  /** Requests that came over bidirectional calls. */
  messages: number
  mostOpen: number
  sessions: number
  /** Closes gracefully: GOAWAY, then the end of what is under way. */
  readonly goAway: () => void
  /** Cuts all connections and stops listening. */
  readonly stop: () => Promise<void>
}

/** One call of ModelStreamInfer as a test answers it. */
interface BidiCall {
  readonly stream: ServerHttp2Stream
  readonly respond: (response: MessageInitShape<typeof ModelStreamInferResponseSchema>) => void
}

/** Answers one message of a bidirectional call; `index` counts the messages of all calls from 0. */
export type StreamAnswer = (call: BidiCall, request: ModelInferRequest, index: number) => void

/** Answers one request; `index` counts from 0. */
export type Answer = (
  stream: ServerHttp2Stream,
  index: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
) => void

export async function startTestingServer(
  answer: Answer,
  options: { port?: number; maxConcurrentStreams?: number; streamAnswer?: StreamAnswer } = {},
): Promise<TestingServer> {
  const sessions = new Set<ServerHttp2Session>()
  const { maxConcurrentStreams } = options
  const server: Http2Server = createServer({
    settings: maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams },
  })
  let open = 0
  const state = { requests: 0, messages: 0, mostOpen: 0, sessions: 0 }
  server.on('session', (session) => {
    state.sessions++
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    const index = state.requests++
    state.mostOpen = Math.max(state.mostOpen, ++open)
    stream.on('error', () => undefined)
    stream.on('close', () => open--)
    if (options.streamAnswer !== undefined && headers[':path']?.endsWith('/ModelStreamInfer') === true) {
      converse(stream, (call, request) => options.streamAnswer?.(call, request, state.messages++))
      return
    }
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    // Answers once the whole request is here, as Triton does.
    stream.on('end', () => answer(stream, index, headers, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    goAway: () => {
      for (const session of sessions) session.close()
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const session of sessions) session.destroy()
      await closed
    },
  })
}

/** Reads requests as they come and lets each be answered, as Triton does; ends when the client has ended. */
function converse(
  stream: ServerHttp2Stream,
  answer: (call: BidiCall, request: ModelInferRequest) => void,
): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  const reader = new MessageReader()
  const call: BidiCall = {
    stream,
    respond: (response) => {
      if (!stream.destroyed) stream.write(frameOf(response))
    },
  }
  stream.on('data', (chunk: Buffer) => {
    for (const message of reader.push(chunk)) answer(call, fromBinary(ModelInferRequestSchema, message))
  })
  stream.on('end', () => stream.end())
}

function frameOf(response: MessageInitShape<typeof ModelStreamInferResponseSchema>): Buffer {
  const message = toBinary(ModelStreamInferResponseSchema, create(ModelStreamInferResponseSchema, response))
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

const finalFlag = (final: boolean) => ({
  triton_final_response: { parameterChoice: { case: 'boolParam' as const, value: final } },
})

/** A response with data to the request of that id, or the empty one that ends it. */
export function dataResponse(
  id: string,
  final: boolean,
): MessageInitShape<typeof ModelStreamInferResponseSchema> {
  return { inferResponse: { id, parameters: finalFlag(final), outputs: [{ name: 'Y' }] } }
}

export function emptyFinal(id: string): MessageInitShape<typeof ModelStreamInferResponseSchema> {
  return { inferResponse: { id, parameters: finalFlag(true) } }
}

/** A good answer with this message, or one of so many zero bytes (default none: the frame prefix alone). */
export function succeed(
  stream: ServerHttp2Stream,
  message: Buffer | number = 0,
  { compressed = false, times = 1 } = {},
): void {
  if (stream.destroyed) return
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  const body = typeof message === 'number' ? Buffer.alloc(message) : message
  const prefix = Buffer.alloc(5)
  prefix[0] = compressed ? 1 : 0
  prefix.writeUInt32BE(body.length, 1)
  for (let sent = 0; sent < times; sent++) stream.write(Buffer.concat([prefix, body]))
  stream.end()
}

export function succeedAfter(delayMs: number): Answer {
  return (stream) => setTimeout(() => succeed(stream), delayMs)
}

/** Answers nobody before `count` requests were open at one time, and then each after `delayMs`. */
export function succeedOnceOpen(count: number, delayMs: number): Answer {
  const waiting: (() => void)[] = []
  return (stream) => {
    const answer = () => void setTimeout(() => succeed(stream), delayMs)
    if (waiting.push(answer) > count) return answer()
    if (waiting.length === count) for (const each of waiting) each()
  }
}

/** An error as Triton's gRPC sends it: headers only, no body, no trailers. */
export function failTrailersOnly(stream: ServerHttp2Stream, status: number, message: string): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status) }
  stream.respond({ ...headers, 'grpc-message': encodeURIComponent(message) }, { endStream: true })
}

/** A target with two small frames, on one connection, with a deadline of 5 s. */
export function targetOn(port: number, changes: Partial<LoadTarget> = {}): LoadTarget {
  const frame = new Uint8Array(9)
  return {
    id: `port-${port}`,
    host: '127.0.0.1',
    port,
    tls: false,
    frames: [frame, frame],
    connections: 1,
    deadlineNs: 5e9,
    ...changes,
  }
}

/** What the generator uses of a World, with the worker's source and a signal of the test's. */
export function testingWorld(signal: AbortSignal = new AbortController().signal): World {
  const startNs = process.hrtime.bigint()
  const unused = () => {
    throw new Error('not used by the load generator')
  }
  return {
    nowNs: () => Number(process.hrtime.bigint() - startNs),
    signal,
    loadWorker,
    date: unused,
    sleep: unused,
    env: {},
    run: unused,
    launch: unused,
    progress: unused,
  }
}
