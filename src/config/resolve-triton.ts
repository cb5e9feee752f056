import { besideConfig } from './beside-config.ts'
import type { EndpointSettings, TritonSettings } from './config.ts'
import { defaultTriton } from './defaults.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigFile } from './schema.ts'

export function resolveTriton(
  path: string | null,
  file: ConfigFile,
  overrides: ConfigOverrides,
): TritonSettings {
  // A URL on the command line means that server, even where the file starts one.
  const mode =
    overrides.triton ??
    (overrides.tritonUrl === undefined ? (file.gate?.triton ?? file.triton_launch_mode ?? 'auto') : 'remote')
  const endpoint = overrides.tritonUrl ?? file.triton_grpc_endpoint ?? defaultTriton.endpoint
  const url = mode !== 'remote' ? null : endpoint.includes('://') ? endpoint : `grpc://${endpoint}`
  return {
    mode,
    url,
    metricsUrl: url === null ? null : (file.triton_metrics_url ?? metricsUrlBeside(url)),
    serverPath: overrides.tritonServerPath ?? file.triton_server_path ?? defaultTriton.serverPath,
    image: overrides.tritonImage ?? file.triton_docker_image ?? defaultTriton.image,
    dockerArgs: dockerArgsOf(file),
    containerEngine: file.gate?.container_engine ?? defaultTriton.containerEngine,
    dockerNetwork: file.gate?.docker_network ?? defaultTriton.dockerNetwork,
    dockerUser: file.gate?.docker_user ?? null,
    gpus: file.gpus === undefined || file.gpus.includes('all') ? null : file.gpus,
    endpointSettings: resolveEndpoint(path, file),
    serverFlags: withDashes(file.triton_server_flags ?? {}),
    serverEnvironment: file.triton_server_environment ?? {},
    startTimeoutNs: file.gate?.server_start_timeout ?? defaultTriton.startTimeoutNs,
    loadTimeoutNs: file.gate?.model_load_timeout ?? defaultTriton.loadTimeoutNs,
  }
}

function resolveEndpoint(path: string | null, file: ConfigFile): EndpointSettings {
  // The checks have seen to it that models which name them agree.
  const flags = Object.assign(
    {},
    ...Object.values(file.profile_models ?? {}).map((entry) => entry.perf_analyzer_flags),
    file.perf_analyzer_flags,
  ) as NonNullable<ConfigFile['perf_analyzer_flags']>
  const pem = (name: PemFlag) => (flags[name] === undefined ? null : besideConfig(path, flags[name]))
  return {
    useSsl: flags['ssl-grpc-use-ssl'] ?? defaultTriton.endpointSettings.useSsl,
    rootCertificatesFile: pem('ssl-grpc-root-certifications-file'),
    privateKeyFile: pem('ssl-grpc-private-key-file'),
    certificateChainFile: pem('ssl-grpc-certificate-chain-file'),
    metadata: file.gate?.grpc_metadata ?? defaultTriton.endpointSettings.metadata,
  }
}

type PemFlag = `ssl-grpc-${'root-certifications' | 'private-key' | 'certificate-chain'}-file`

/** Model Analyzer takes `log_verbose` for `log-verbose`. */
function withDashes(flags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [name.replaceAll('_', '-'), value]))
}

/** Triton's default port for metrics, on the host that serves gRPC. */
function metricsUrlBeside(url: string): string {
  const host = url.replace(/^grpcs?:\/\//, '').replace(/:\d+$/, '')
  return `http://${host}:8002/metrics`
}

function dockerArgsOf(file: ConfigFile): string[] {
  return [
    ...(file.triton_docker_shm_size === undefined ? [] : [`--shm-size=${file.triton_docker_shm_size}`]),
    ...(file.triton_docker_mounts ?? []).map((mount) => `--volume=${mount}`),
    ...Object.entries(file.triton_docker_labels ?? {}).map(([name, value]) => `--label=${name}=${value}`),
  ]
}
