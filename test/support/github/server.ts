import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerArtifacts } from './artifacts.ts'
import { answerRest } from './rest.ts'
import { type Answer, newState, type State } from './state.ts'

/**
 * GitHub on the loopback: REST, GraphQL, artifact service and blobs, on one port, strict in what it takes.
 * It is modelled on what the clients send and on GitHub's documentation; it proves nothing about GitHub.
 */
export interface LoopbackGitHub {
  readonly url: string
  readonly state: State
  readonly close: () => Promise<void>
}

export async function startGitHub(): Promise<LoopbackGitHub> {
  const state = newState()
  let origin = ''
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', origin)
      const request = {
        method: incoming.method ?? '',
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        authorization: incoming.headers.authorization ?? '',
        body: Buffer.concat(chunks),
        origin,
      }
      state.requests.push(`${request.method} ${request.path}`)
      const {
        status,
        headers = {},
        body,
      } = answerArtifacts(state, request) ??
      answerRest(state, request) ??
      unknown(state, `${request.method} ${request.path}`)
      const binary = Buffer.isBuffer(body)
      outgoing.writeHead(status, {
        'content-type': binary ? 'application/octet-stream' : 'application/json',
        ...headers,
      })
      outgoing.end(body === undefined || binary ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: origin,
    state,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function unknown(state: State, request: string): Answer {
  state.unknown.push(request)
  return { status: 404, body: { message: 'Not Found' } }
}
