import type { TritonSettings } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { ensureEmbeddedTriton } from './embedded.ts'
import type { Launcher } from './launcher.ts'
import { plainPath, removeStaleTwins } from './linked-repository.ts'
import { hasMetrics, pythonRegions, serverFlags, visibleDevices } from './server-flags.ts'
import { makeRegionPrefix, removeRegions, removeStaleRegions } from './shared-memory.ts'

/** The server of the wheel, which is installed first if need be. */
export async function resolveEmbedded(world: World, settings: TritonSettings): Promise<Launcher> {
  const triton = await ensureEmbeddedTriton(world)
  removeStaleTwins(world)
  removeStaleRegions()
  return {
    kind: 'process',
    mode: 'embedded',
    source: triton.source,
    startTimeoutNs: settings.startTimeoutNs,
    hasMetrics: hasMetrics(settings),
    serverCommand: (repository, ports) => {
      const regions = makeRegionPrefix()
      const backends = plainPath(world, triton.backendDirectory)
      const served = plainPath(world, repository)
      return {
        command: triton.binary,
        args: [
          `--backend-directory=${backends.path}`,
          ...serverFlags(settings, served.path, ports, '127.0.0.1'),
          pythonRegions(regions),
        ],
        env: { ...visibleDevices(settings), ...settings.serverEnvironment, ...triton.environment },
        rootPid: (commandPid) => Promise.resolve(commandPid),
        cleanUp: async () => {
          removeRegions(regions)
          for (const link of [backends, served]) link.remove()
        },
      }
    },
  }
}
