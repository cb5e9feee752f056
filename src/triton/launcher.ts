import type { TritonSettings } from '../config/config.ts'
import type { GrpcAddress } from '../domain/endpoint.ts'
import type { Environment } from '../domain/environment.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { findContainerEngine } from './container-engine.ts'
import { resolveDocker } from './launcher-docker.ts'
import { resolveEmbedded } from './launcher-embedded.ts'
import { findExecutable, resolveLocal } from './launcher-local.ts'
import { resolveRemote } from './launcher-remote.ts'

export interface ServerPorts {
  readonly grpc: number
  readonly metrics: number
}

/** How one server is started, read, and cleaned up after. */
export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  /** Over the environment children get anyway; undefined removes. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The pid of the server as this machine sees it, given the pid of the started command. */
  readonly rootPid: (commandPid: number) => Promise<number>
  /** Removes what the end of the command leaves behind. */
  readonly cleanUp: () => Promise<void>
}

interface Named {
  readonly mode: Environment['triton']['mode']
  /** Image with digest for docker, path for local, endpoint for remote. */
  readonly source: string
  /** Of the container; docker only. */
  readonly network?: 'bridge' | 'host'
  /** What runs the container; docker only. */
  readonly containerEngine?: 'docker' | 'podman'
  /** Longest wait for the server to be ready. */
  readonly startTimeoutNs: number
}

/** A Triton that was found to be usable. */
export type Launcher =
  | (Named & {
      readonly kind: 'process'
      /** False where the user switched metrics off. */
      readonly hasMetrics: boolean
      readonly serverCommand: (repository: string, ports: ServerPorts) => ServerCommand
    })
  | (Named & { readonly kind: 'endpoint'; readonly grpc: GrpcAddress; readonly metricsUrl: string | null })

/** Finds the Triton that the settings ask for and makes it ready to be started; GateError says what is missing. */
export async function resolveTriton(world: World, settings: TritonSettings): Promise<Launcher> {
  switch (settings.mode) {
    case 'embedded':
      return resolveEmbedded(world, settings)
    case 'local':
      return resolveLocal(world, settings)
    case 'docker':
      return resolveDocker(world, settings)
    case 'remote':
      return resolveRemote(settings, world.env)
    case 'auto':
      return resolveAuto(world, settings)
    default:
      return settings.mode satisfies never
  }
}

/** What needs the least comes first. The embedded Triton is never chosen unasked: it is CPU-only and downloads. */
async function resolveAuto(world: World, settings: TritonSettings): Promise<Launcher> {
  if (settings.url !== null) return resolveRemote(settings, world.env)
  if (findExecutable(settings.serverPath, world.env.PATH ?? '') !== null) return resolveLocal(world, settings)
  const engine = await findContainerEngine(world, settings.containerEngine)
  if (!(engine instanceof GateError)) return resolveDocker(world, settings)
  throw new GateError('environment', 'no Triton was found', {
    problems: [
      { message: 'no URL of a remote Triton is given' },
      { message: `there is no '${settings.serverPath}' on PATH` },
      { message: engine.message, remedy: engine.hint },
    ],
    hint: 'Provide one of these, or use `--triton embedded`: Triton for CPU with the python backend, downloaded once (112 MB).',
  })
}
