import { accessSync, constants, rmSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import type { Launcher } from './launcher.ts'
import { linkRepository, plainPath, removeStaleTwins } from './linked-repository.ts'
import { hasMetrics, pythonRegions, serverFlags, visibleDevices } from './server-flags.ts'
import { makeRegionPrefix, removeRegions, removeStaleRegions } from './shared-memory.ts'

/** A tritonserver installed on this machine, as inside NVIDIA's container image. */
export function resolveLocal(world: World, settings: TritonSettings): Launcher {
  const binary = findExecutable(settings.serverPath, world.env.PATH ?? '')
  if (binary === null) {
    throw new GateError('environment', `no executable '${settings.serverPath}' was found`, {
      hint: 'Give its path as `triton_server_path` in the configuration file, or choose another way: `--triton docker`, `embedded` (CPU, downloads 112 MB once) or `remote`.',
    })
  }
  removeStaleTwins(world)
  removeStaleRegions()
  return {
    kind: 'process',
    mode: 'local',
    source: binary,
    startTimeoutNs: settings.startTimeoutNs,
    hasMetrics: hasMetrics(settings),
    serverCommand: (repository, ports) => {
      const twin = linkRepository(world, repository)
      const served = plainPath(world, twin)
      const regions = makeRegionPrefix()
      return {
        command: binary,
        args: [...serverFlags(settings, served.path, ports, '127.0.0.1'), pythonRegions(regions)],
        env: { ...visibleDevices(settings), ...settings.serverEnvironment },
        rootPid: (commandPid) => Promise.resolve(commandPid),
        cleanUp: async () => {
          removeRegions(regions)
          served.remove()
          rmSync(twin, { recursive: true, force: true })
        },
      }
    },
  }
}

/** Absolute path of a command: as the shell finds it, a name by PATH and anything with a slash as a path. */
export function findExecutable(command: string, path: string): string | null {
  const places = command.includes('/')
    ? [resolve(command)]
    : path.split(delimiter).filter((folder) => folder !== '')
  const files = command.includes('/') ? places : places.map((folder) => join(folder, command))
  return files.find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
