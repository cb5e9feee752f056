import type { TritonSettings } from '../config/config.ts'
import type { GrpcAddress } from '../domain/endpoint.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { secureAddress } from './endpoint-settings.ts'
import type { Launcher } from './launcher.ts'

/** A server that runs somewhere and is not ours to start or stop. */
export function resolveRemote(settings: TritonSettings, env: World['env']): Launcher {
  if (settings.url === null) {
    throw new GateError('usage', 'the address of the remote Triton is missing', {
      hint: 'Give it with `--triton-url grpc://host:8001`.',
    })
  }
  return {
    kind: 'endpoint',
    mode: 'remote',
    source: settings.url,
    startTimeoutNs: settings.startTimeoutNs,
    grpc: secureAddress(parseGrpcUrl(settings.url), settings.endpointSettings, env),
    metricsUrl: settings.metricsUrl,
  }
}

/** Triton's default port. */
const defaultPort = 8001

/** `grpc://host:port`, `grpcs://host:port` (TLS) or bare `host:port`. */
export function parseGrpcUrl(url: string): GrpcAddress {
  const text = url.includes('://') ? url : `grpc://${url}`
  const parsed = URL.canParse(text) ? new URL(text) : null
  const known = parsed?.protocol === 'grpc:' || parsed?.protocol === 'grpcs:'
  const plain =
    parsed !== null && /^\/?$/.test(parsed.pathname) && parsed.search === '' && parsed.username === ''
  if (!known || !plain || parsed.hostname === '') {
    throw new GateError('usage', `'${url}' is not the address of a Triton gRPC endpoint`, {
      hint: 'Write grpc://host:8001, or grpcs://host:8001 for TLS. The HTTP port (8000) does not serve.',
    })
  }
  const port = parsed.port === '' ? defaultPort : Number(parsed.port)
  return { host: parsed.hostname, port, tls: parsed.protocol === 'grpcs:' }
}
