import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { EndpointSettings } from '../config/config.ts'
import { type Certificates, type GrpcAddress, type PemFile, tlsOptions } from '../domain/endpoint.ts'
import { GateError, messageOf, type Problem } from '../domain/error.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the settings add to the address of a remote server: TLS where it is asked for, the certificates, and the metadata.
 *
 * @throws GateError `config` with each file that cannot be used and each variable that is not set
 */
export function secureAddress(
  address: GrpcAddress,
  settings: EndpointSettings,
  env: Environment,
): GrpcAddress {
  const problems: Problem[] = []
  const tls = address.tls || settings.useSsl
  const certificates = certificatesOf(settings, problems)
  if (certificates !== null && !tls) {
    problems.push({
      key: 'perf_analyzer_flags.ssl-grpc-use-ssl',
      message: 'certificates are given, and the server is addressed without TLS',
      remedy: 'Write grpcs:// in its address, or leave them out.',
    })
  }
  const metadata = metadataOf(settings, env, problems)
  if (problems.length > 0)
    throw new GateError('config', 'the remote server cannot be addressed like this', { problems })
  return {
    ...address,
    tls,
    ...(certificates === null ? {} : { certificates }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function metadataOf(
  settings: EndpointSettings,
  env: Environment,
  problems: Problem[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings.metadata).map(([name, value]) => {
      if (typeof value === 'string') return [name, value]
      const text = env[value.env] ?? ''
      const key = `gate.grpc_metadata.${name}`
      if (text === '') {
        const message = `the environment variable ${value.env} is not set`
        problems.push({ key, message, remedy: 'Pass it on from the secrets under `env:` of the step.' })
      } else if (!/^[\x20-\x7e]+$/.test(text)) {
        const message = `${value.env} has characters that cannot stand in gRPC metadata`
        problems.push({ key, message, remedy: 'Use printable ASCII on one line.' })
      }
      return [name, text]
    }),
  )
}

function certificatesOf(settings: EndpointSettings, problems: Problem[]): Certificates | null {
  const before = problems.length
  const roots = read(settings.rootCertificatesFile, 'root-certifications', problems)
  const privateKey = read(settings.privateKeyFile, 'private-key', problems)
  const chain = read(settings.certificateChainFile, 'certificate-chain', problems)
  if ((settings.privateKeyFile === null) !== (settings.certificateChainFile === null)) {
    problems.push({
      key: 'perf_analyzer_flags.ssl-grpc-private-key-file',
      message: 'private key and certificate chain stand for one another',
      remedy: 'Give both, or none.',
    })
  }
  if (problems.length > before) return null
  const identity = privateKey === null || chain === null ? null : { privateKey, chain }
  if (roots === null && identity === null) return null
  const certificates = { roots, identity }
  try {
    for (const pem of [roots, chain]) if (pem !== null) new X509Certificate(pem.text)
    createSecureContext(tlsOptions({ certificates }))
  } catch (error) {
    const files = [roots, privateKey, chain].flatMap((pem) => pem?.file ?? [])
    problems.push({
      key: 'perf_analyzer_flags.ssl-grpc-*',
      message: `${files.join(', ')} cannot be used for TLS: ${messageOf(error)}`,
      remedy: 'Give PEM files: certificates, and the private key of the first one of the chain.',
    })
  }
  return certificates
}

function read(file: string | null, flag: string, problems: Problem[]): PemFile | null {
  if (file === null) return null
  try {
    return { file, text: readFileSync(file, 'utf8') }
  } catch (error) {
    problems.push({
      file,
      key: `perf_analyzer_flags.ssl-grpc-${flag}-file`,
      message: `cannot be read: ${messageOf(error)}`,
      remedy: 'Paths are relative to the configuration file.',
    })
    return null
  }
}
