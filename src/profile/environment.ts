import type { Environment } from '../domain/environment.ts'
import { tool } from '../domain/tool.ts'
import type { World } from '../domain/world.ts'
import { type GpuSelection, queryGpus } from '../gpu/nvidia-smi.ts'
import { generatorVersion } from '../load/generator-version.ts'
import type { InputData } from '../load/read-inputs.ts'
import { describeHost } from '../system/environment.ts'
import type { Launcher } from '../triton/launcher.ts'
import type { TritonServer } from '../triton/server.ts'

/** Where and on what this run measures. A GPU of a remote server is not ours to see. */
export async function describeEnvironment(
  world: World,
  launcher: Pick<Launcher, 'mode' | 'source' | 'network' | 'containerEngine'>,
  server: Pick<TritonServer, 'version'>,
  settings: {
    readonly gpus: GpuSelection
    readonly runnerClass: string | null
    /** By UUID, in MHz. */
    readonly lockedClocks: ReadonlyMap<string, number>
    readonly inputs: ReadonlyMap<string, InputData>
    readonly engine: string | null
  },
): Promise<Environment> {
  const reading =
    launcher.mode === 'remote'
      ? ({
          status: 'unavailable',
          reason: 'the server is remote: its GPUs cannot be read from here',
        } as const)
      : await queryGpus(world, settings.gpus)
  return {
    triton: {
      version: server.version,
      mode: launcher.mode,
      source: launcher.source,
      ...(launcher.network === undefined ? {} : { network: launcher.network }),
      ...(launcher.containerEngine === undefined ? {} : { containerEngine: launcher.containerEngine }),
    },
    gpus:
      reading.status === 'unavailable'
        ? []
        : reading.gpus.map(({ uuid, name, driverVersion, memoryTotalBytes, mig }) => {
            const locked = settings.lockedClocks.get(uuid)
            return {
              uuid,
              name,
              driverVersion,
              memoryTotalBytes,
              mig,
              ...(locked === undefined ? {} : { lockedClockMegahertz: locked }),
            }
          }),
    gpuUnavailable: reading.status === 'unavailable' ? reading.reason : null,
    host: describeHost(settings.runnerClass),
    ...(settings.engine === null ? { generatorVersion } : { engine: settings.engine }),
    tool,
    inputData: Object.fromEntries([...settings.inputs].map(([model, { sha256 }]) => [model, sha256])),
  }
}
