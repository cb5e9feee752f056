import type { Config } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { freeLeftClocks, lockClocks } from '../gpu/clocks.ts'
import { takeGpus } from '../gpu/exclusive.ts'
import { type Gpu, queryGpus } from '../gpu/nvidia-smi.ts'
import type { Launcher } from '../triton/launcher.ts'

/** What this run has for itself while it measures. */
export interface Claim {
  /** By UUID, the SM clock in MHz at which a GPU is held. */
  readonly lockedClocks: ReadonlyMap<string, number>
  readonly warnings: readonly string[]
  /** Clocks first, so that nobody begins on a GPU that is about to change them. */
  readonly release: () => Promise<void>
}

/**
 * Waits for the GPUs and takes them, frees what a run that was killed left locked, then locks their clocks if asked to.
 * A remote server's GPUs are not ours to take.
 *
 * @throws GateError `environment` where another run does not let go
 */
export async function claimDevices(
  world: World,
  launcher: Pick<Launcher, 'mode'>,
  { gate, triton }: Pick<Config, 'gate' | 'triton'>,
): Promise<Claim> {
  if (launcher.mode === 'remote') {
    return { lockedClocks: new Map(), warnings: [], release: () => Promise.resolve() }
  }
  const reading = await queryGpus(world, triton.gpus)
  const gpus = reading.status === 'available' ? reading.gpus : []
  const lock = await takeGpus(world, gpus, gate)
  try {
    const freed = gpus.length === 0 ? [] : await freeLeftClocks(world)
    const clocks = await lockClocks(world, gpus, gate)
    const unmet =
      gpus.length === 0 && gate.lockGpuClocks !== null
        ? ['gate.lock_gpu_clocks has no effect: there is no GPU to be read']
        : []
    return {
      lockedClocks: clocks.megahertz,
      warnings: [...freed, ...clocks.warnings, ...unmet, ...migWarnings(gpus)],
      release: async () => {
        for (const failure of await clocks.restore()) world.progress(failure)
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** What MIG takes away: nvidia-smi shows neither memory of processes nor of instances in its queries. */
function migWarnings(gpus: readonly Pick<Gpu, 'uuid' | 'mig'>[]): string[] {
  const uuids = gpus.filter(({ mig }) => mig === true).map(({ uuid }) => uuid)
  if (uuids.length === 0) return []
  return [
    `MIG is enabled on ${uuids.join(', ')}: GPU memory is that of the whole GPU, other instances included; utilization is not available`,
  ]
}
