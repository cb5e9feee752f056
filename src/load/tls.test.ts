import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, type TestCertificates } from '../../test/support/certificates.ts'
import type { Certificates } from '../domain/endpoint.ts'
import { openLoadGenerator, type Window } from './generator.ts'
import { succeed, targetOn, testingWorld } from './testing-server.ts'

let folder: string
let certificates: TestCertificates
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-load-tls-'))
  certificates = makeCertificates(folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

const pem = (file: string) => ({ file, text: readFileSync(file, 'utf8') })

async function run(
  server: { readonly key: string; readonly certificate: string },
  given: Certificates,
): Promise<{ window: Window; metadata: unknown }> {
  let metadata: unknown
  const listening: Http2SecureServer = createSecureServer({
    key: readFileSync(server.key),
    cert: readFileSync(server.certificate),
    ca: readFileSync(certificates.ca),
    requestCert: true,
    rejectUnauthorized: true,
  })
  listening.on('stream', (stream, headers) => {
    metadata = headers['x-team']
    stream.resume()
    stream.on('end', () => succeed(stream))
  })
  listening.on('sessionError', () => undefined)
  const sockets: Socket[] = []
  listening.on('connection', (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const generator = await openLoadGenerator(testingWorld())
  try {
    const { port } = listening.address() as AddressInfo
    const target = targetOn(port, { tls: true, certificates: given, metadata: { 'x-team': 'gate' } })
    await generator.open(target)
    const load = { mode: 'concurrency', concurrency: 2 } as const
    const window = await generator.run(target.id, load, { leadInNs: 0, durationNs: 0, requestCount: 20 })
    return { window, metadata }
  } finally {
    await generator.close()
    const closed = new Promise((resolve) => listening.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
}

const ours = (): Certificates => ({
  roots: pem(certificates.ca),
  identity: { privateKey: pem(certificates.client.key), chain: pem(certificates.client.certificate) },
})

test('a load goes over TLS with the certificate that the server asks for, and carries the metadata', async () => {
  const { window, metadata } = await run(certificates.server, ours())
  expect(window.failures).toEqual({})
  expect(window.latenciesNs).toHaveLength(20)
  expect(metadata).toBe('gate')
})

test('a server of another authority, of another name, or out of date is not spoken to', async () => {
  const other = { ...ours(), roots: pem(certificates.otherCa) }
  await expect(run(certificates.server, other)).rejects.toThrow(/cannot connect .*(certificate|CERT)/)
  await expect(run(certificates.misnamed, ours())).rejects.toThrow(/ERR_TLS_CERT_ALTNAME_INVALID/)
  await expect(run(certificates.expired, ours())).rejects.toThrow(/certificate has expired/)
})

// Takes the 5 s that an attempt to connect has.
test('a client without the certificate that is asked for does not hang and is told so', {
  timeout: 30_000,
}, async () => {
  await expect(run(certificates.server, { ...ours(), identity: null })).rejects.toThrow('client certificate')
})

test('a server that has TLS and no HTTP/2 is no target, and is told so', async () => {
  const { key, certificate } = certificates.server
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) =>
    socket.on('error', () => undefined),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const generator = await openLoadGenerator(testingWorld())
  try {
    const target = targetOn(port, { tls: true, certificates: ours() })
    await expect(generator.open(target)).rejects.toThrow('does not offer HTTP/2 over TLS')
  } finally {
    await generator.close()
    await new Promise((resolve) => server.close(resolve))
  }
})
