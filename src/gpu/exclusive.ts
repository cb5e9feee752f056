import type { GateSettings } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { type HostLock, takeHostLock } from '../system/host-lock.ts'
import type { Gpu } from './nvidia-smi.ts'

/**
 * Takes the GPUs for this run alone, by UUID: other runs of the gate on this host wait. With `exclusive: host` the
 * whole host first. All take them in one order, so that two runs never wait for each other.
 *
 * @throws GateError `environment` where another run still has one after `exclusiveWaitNs`; then none is held
 */
export async function takeGpus(
  world: World,
  gpus: readonly Pick<Gpu, 'uuid' | 'name'>[],
  { exclusive, exclusiveWaitNs }: Pick<GateSettings, 'exclusive' | 'exclusiveWaitNs'>,
): Promise<HostLock> {
  const host = exclusive === 'host' ? [{ name: 'host', what: 'this host' }] : []
  const devices = gpus
    .toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1))
    .map(({ uuid, name }) => ({ name: `gpu/${uuid}`, what: `${name} (${uuid})` }))
  const held: HostLock[] = []
  const release = async () => {
    for (const lock of held.splice(0).toReversed()) await lock.release()
  }
  try {
    for (const wanted of exclusive === 'off' ? [] : [...host, ...devices])
      held.push(await takeHostLock(world, { ...wanted, waitNs: exclusiveWaitNs }))
  } catch (error) {
    await release()
    throw error
  }
  return { release }
}
