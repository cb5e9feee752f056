import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import type { Launcher } from './launcher.ts'
import { hasMetrics, serverFlags, visibleDevices } from './server-flags.ts'

/** A tritonserver installed on this machine, as inside NVIDIA's container image. */
export function resolveLocal(world: World, settings: TritonSettings): Launcher {
  const binary = findExecutable(settings.serverPath, world.env.PATH ?? '')
  if (binary === null) {
    throw new GateError('environment', `no executable '${settings.serverPath}' was found`, {
      hint: 'Give its path as `triton_server_path` in the configuration file, or choose another way: `--triton docker`, `embedded` (CPU, downloads 112 MB once) or `remote`.',
    })
  }
  return {
    kind: 'process',
    mode: 'local',
    source: binary,
    startTimeoutNs: settings.startTimeoutNs,
    hasMetrics: hasMetrics(settings),
    serverCommand: (repository, ports) => ({
      command: binary,
      args: serverFlags(settings, repository, ports, '127.0.0.1'),
      env: { ...visibleDevices(settings), ...settings.serverEnvironment },
      rootPid: (commandPid) => Promise.resolve(commandPid),
      cleanUp: () => Promise.resolve(),
    }),
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
