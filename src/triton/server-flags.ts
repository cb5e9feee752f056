import type { TritonSettings } from '../config/config.ts'
import type { ServerPorts } from './launcher.ts'

/**
 * The server's grace for requests in flight when it is stopped: it ends by itself before we kill it
 * (10 s), and in a container also when nobody is left to kill it.
 */
const exitTimeoutSeconds = 8

/**
 * The flags of tritonserver. The user's come first, since the last one of a name holds: the gate cannot
 * work in another control mode or on other ports. HTTP stays closed: nothing uses it.
 */
export function serverFlags(
  settings: TritonSettings,
  repository: string,
  ports: ServerPorts,
  address: string,
): string[] {
  const own = Object.entries(settings.serverFlags).map(([name, value]) =>
    value === '' ? `--${name}` : `--${name}=${value}`,
  )
  return [
    ...own,
    `--model-repository=${repository}`,
    '--model-control-mode=explicit',
    // A sweep expects that some configurations do not load; the server is ready all the same.
    '--strict-readiness=false',
    `--exit-timeout-secs=${exitTimeoutSeconds}`,
    '--allow-http=false',
    `--grpc-address=${address}`,
    `--grpc-port=${ports.grpc}`,
    `--metrics-address=${address}`,
    `--metrics-port=${ports.metrics}`,
  ]
}

/** The names of the python backend's shared memory. Comes last, so that it holds; other backends do not read it. */
export function pythonRegions(prefix: string): string {
  return `--backend-config=python,shm-region-prefix-name=${prefix}`
}

export function hasMetrics(settings: TritonSettings): boolean {
  return !['false', '0', 'off'].includes(settings.serverFlags['allow-metrics'] ?? 'true')
}

/** GPUs the server may use; no variable where the user named none, and none at all for an empty list. */
export function visibleDevices(settings: TritonSettings): Record<string, string> {
  return settings.gpus === null ? {} : { CUDA_VISIBLE_DEVICES: settings.gpus.join(',') }
}
