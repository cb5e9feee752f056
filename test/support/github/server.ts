import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerArtifacts } from './artifacts.ts'
import { violations } from './openapi.ts'
import { answerRest } from './rest.ts'
import { type Answer, type Fault, newState, type Request, type State } from './state.ts'

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
        path: cloudPath(decodeURIComponent(url.pathname)),
        query: url.searchParams,
        authorization: incoming.headers.authorization ?? '',
        body: Buffer.concat(chunks),
        origin,
      }
      state.requests.push(`${request.method} ${request.path}`)
      const fault = takeFault(state, request)
      if (fault?.hang === true) return
      const real = fault === null || fault.afterwards === true || fault.cutAt !== undefined
      const answer = real ? answerOrViolation(state, request) : null
      if (fault === null || answer === null || fault.cutAt !== undefined)
        send(outgoing, answer ?? faulty(fault), fault?.cutAt)
      else send(outgoing, faulty(fault))
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

/** GitHub Enterprise Server answers the same below `/api`: REST in `/api/v3`, GraphQL in `/api/graphql`. */
function cloudPath(path: string): string {
  return path.replace(/^\/api\/(?:v3\/|(?=graphql$))/, '/')
}

/** A mistake of this GitHub itself must not look like one that never answers. */
function answerOrViolation(state: State, request: Request): Answer {
  try {
    return answerTo(state, request)
  } catch (error) {
    state.violations.push(`${request.method} ${request.path}: ${String(error)}`)
    return { status: 501, body: { message: 'the loopback GitHub has failed' } }
  }
}

function answerTo(state: State, request: Request): Answer {
  const artifacts = answerArtifacts(state, request)
  if (artifacts !== null) return artifacts
  const answer = answerRest(state, request)
  if (answer === null) return unknown(state, `${request.method} ${request.path}`)
  const { method, path, query, body } = request
  const found = violations({ method, path, query, body, status: answer.status, answer: answer.body })
  if (found !== null) state.violations.push(...found)
  else if (path !== '/graphql') state.violations.push(`${method} ${path}: GitHub describes no such operation`)
  return answer
}

function takeFault(state: State, { method, path }: Request): Fault | null {
  const fault = state.faults.find(({ match, times }) => times > 0 && match.test(`${method} ${path}`))
  if (fault === undefined) return null
  fault.times--
  return fault
}

function faulty(fault: Fault | null): Answer {
  const { status = 500, headers = {}, body = { message: 'Server Error' } } = fault ?? {}
  return { status, headers, body }
}

function send(outgoing: ServerResponse, { status, headers = {}, body }: Answer, cutAt?: number): void {
  const binary = Buffer.isBuffer(body)
  const bytes = body === undefined ? Buffer.alloc(0) : binary ? body : Buffer.from(JSON.stringify(body))
  outgoing.writeHead(status, {
    'content-type': binary ? 'application/octet-stream' : 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  })
  if (cutAt === undefined) {
    outgoing.end(bytes)
    return
  }
  outgoing.write(bytes.subarray(0, Math.floor(bytes.length * cutAt)), () => outgoing.destroy())
}

function unknown(state: State, request: string): Answer {
  state.unknown.push(request)
  return { status: 404, body: { message: 'Not Found' } }
}
