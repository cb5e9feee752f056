import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, type TestCertificates } from '../../test/support/certificates.ts'
import type { EndpointSettings } from '../config/config.ts'
import { defaultTriton } from '../config/defaults.ts'
import { asGateError, type Problem } from '../domain/error.ts'
import { secureAddress } from './endpoint-settings.ts'

let folder: string
let certificates: TestCertificates
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-endpoint-'))
  certificates = makeCertificates(folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

const address = { host: 'h', port: 1, tls: true }
const settings = (changes: Partial<EndpointSettings> = {}) => ({
  ...defaultTriton.endpointSettings,
  ...changes,
})
function problemsOf(changes: Partial<EndpointSettings>, tls = true): readonly Problem[] {
  try {
    secureAddress({ ...address, tls }, settings(changes), {})
  } catch (error) {
    return asGateError(error).problems
  }
  return []
}

test('nothing set changes nothing; ssl-grpc-use-ssl is as good as grpcs://', () => {
  expect(secureAddress(address, settings(), {})).toEqual(address)
  expect(secureAddress({ ...address, tls: false }, settings({ useSsl: true }), {}).tls).toBe(true)
})

test('metadata come from the text or from the environment', () => {
  const metadata = { plain: 'a', secret: { env: 'KEY' } }
  expect(secureAddress(address, settings({ metadata }), { KEY: 'b' }).metadata).toEqual({
    plain: 'a',
    secret: 'b',
  })
})

test('variables that are not set, or hold what no header can, are told without their value', () => {
  expect(problemsOf({ metadata: { k: { env: 'NONE' } } })[0]).toMatchObject({ key: 'gate.grpc_metadata.k' })
  expect(() =>
    secureAddress(address, settings({ metadata: { k: { env: 'KEY' } } }), { KEY: 'two\nlines' }),
  ).toThrow('cannot be addressed')
})

test('files that cannot be read, are no PEM, do not belong together or have no use are told', () => {
  const missing = join(folder, 'none.pem')
  expect(problemsOf({ rootCertificatesFile: missing })[0]).toMatchObject({ file: missing })
  const junk = join(folder, 'junk.pem')
  writeFileSync(junk, 'junk')
  expect(problemsOf({ rootCertificatesFile: junk })[0]?.message).toContain('cannot be used for TLS')
  const { client, server, ca } = certificates
  expect(problemsOf({ privateKeyFile: client.key })[0]?.remedy).toBe('Give both, or none.')
  const mixed = { privateKeyFile: server.key, certificateChainFile: client.certificate }
  expect(problemsOf(mixed)[0]?.message).toContain('cannot be used for TLS')
  expect(problemsOf({ rootCertificatesFile: ca }, false)[0]?.message).toContain('without TLS')
})
