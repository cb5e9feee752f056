import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Files of an authority, and of a server and a client that it vouches for, for 127.0.0.1 and localhost. */
export interface TestCertificates {
  readonly ca: string
  readonly server: { readonly key: string; readonly certificate: string }
  readonly client: { readonly key: string; readonly certificate: string }
  /** Of the same authority: for another host, and no longer valid. */
  readonly misnamed: { readonly key: string; readonly certificate: string }
  readonly expired: { readonly key: string; readonly certificate: string }
  /** An authority that vouches for none of them. */
  readonly otherCa: string
}

/** Makes them by openssl in a folder. */
export function makeCertificates(folder: string): TestCertificates {
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = (name: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    at(name),
  ]
  const authority = (name: string) => {
    openssl(
      'req',
      '-x509',
      ...key(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-out',
      at(`${name}.pem`),
    )
    return at(`${name}.pem`)
  }
  const ca = authority('ca')
  const otherCa = authority('other-ca')
  const signed = (name: string, hosts: string, days: string) => {
    openssl(
      'req',
      '-new',
      ...key(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${hosts}`,
      '-out',
      at(`${name}.csr`),
    )
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      ca,
      '-CAkey',
      at('ca.key'),
      '-days',
      days,
      '-copy_extensions',
      'copy',
      '-out',
      at(`${name}.pem`),
    )
    return { key: at(`${name}.key`), certificate: at(`${name}.pem`) }
  }
  const here = 'IP:127.0.0.1,DNS:localhost'
  return {
    ca,
    otherCa,
    server: signed('server', here, '2'),
    client: signed('client', here, '2'),
    misnamed: signed('misnamed', 'DNS:elsewhere.example', '2'),
    expired: signed('expired', here, '-1'),
  }
}
