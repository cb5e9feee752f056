import { GateError } from '../domain/error.ts'
import type { SharedRegion } from '../load/shared-memory.ts'
import type { LiveServer } from './side.ts'

/**
 * Makes a region known to a server. Only this region is unregistered again: the server may serve others, too.
 *
 * @throws GateError `usage` where the server cannot see this machine's memory
 */
export async function registerRegion(live: LiveServer, region: SharedRegion): Promise<void> {
  const { host } = live.server.grpc
  if (live.server.mode === 'remote' && !/^(localhost|127\.|::1$|\[::1\]$)/.test(host)) {
    throw new GateError('usage', `shared memory needs the server on this machine, not on ${host}`, {
      hint: 'Leave perf_analyzer_flags.shared-memory out, or measure on the machine of the server.',
    })
  }
  try {
    await live.client.registerSystemSharedMemory(region.name, `/${region.name}`, region.byteSize)
  } catch (error) {
    if (!(error instanceof GateError)) throw error
    throw new GateError('server', `the server does not take shared memory: ${error.message}`, {
      hint: hintFor(error.message, live.server.mode),
      cause: error,
    })
  }
}

/** A server that has ended has forgotten the region anyway. */
export async function unregisterRegion(live: LiveServer, region: SharedRegion): Promise<void> {
  if (!live.server.hasExited()) {
    await live.client.unregisterSystemSharedMemory(region.name).catch(() => undefined)
  }
}

function hintFor(message: string, mode: string): string {
  if (/disabled/i.test(message))
    return 'Triton from 26.04 on has it off: set `triton_server_flags: {allow-client-shm: true}`.'
  if (mode === 'docker' || mode === 'remote')
    return 'The container has a /dev/shm of its own: set `triton_docker_mounts: ["/dev/shm:/dev/shm"]` (with a remote server, start it with --ipc=host), or leave shared-memory out.'
  return 'Leave perf_analyzer_flags.shared-memory out.'
}
