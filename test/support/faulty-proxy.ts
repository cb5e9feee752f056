// Between the load and a real Triton: passes everything on, but for the inferences that a test wants to go wrong.
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { GrpcAddress } from '../../src/domain/endpoint.ts'

export interface FaultyProxy {
  readonly port: number
  /** Inferences that it has seen. */
  readonly inferences: () => number
  readonly stop: () => Promise<void>
}

/**
 * Starts it. `fault` is asked of each inference, counted from 0, and says whether it has taken that into its own hands:
 * then nothing of it reaches the server.
 */
export async function startFaultyProxy(
  { host, port }: Pick<GrpcAddress, 'host' | 'port'>,
  fault: (stream: ServerHttp2Stream, inference: number) => boolean,
): Promise<FaultyProxy> {
  const upstream: ClientHttp2Session = connect(`http://${host}:${port}`)
  upstream.on('error', () => undefined)
  const sessions = new Set<ServerHttp2Session>()
  let inferences = 0
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    if (headers[':path']?.endsWith('/ModelInfer') === true && fault(stream, inferences++)) return
    pass(upstream, stream, headers)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    inferences: () => inferences,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const session of sessions) session.destroy()
      upstream.destroy()
      await closed
    },
  }
}

function pass(upstream: ClientHttp2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const request = upstream.request({ ...headers, ':authority': undefined })
  request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  stream.pipe(request)
  let trailers: OutgoingHttpHeaders = {}
  request.on('response', (answer, flags) => {
    if (stream.destroyed) return
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(withoutSensitive(answer), { endStream, waitForTrailers: !endStream })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    if (!endStream) request.pipe(stream)
  })
  request.on('trailers', (answer: IncomingHttpHeaders) => {
    trailers = withoutSensitive(answer)
  })
}

/** Node marks headers by a symbol that it does not take back. */
function withoutSensitive(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers))
}
