import type { GrpcAddress } from '../domain/endpoint.ts'
import { nsPerMs, nsPerSecond, type World } from '../domain/world.ts'
import { connectTriton } from './client.ts'

/** Unloading takes about a second; a model that hangs longer is left to the signals. */
const patienceNs = 3 * nsPerSecond
const pollNs = 20 * nsPerMs

/**
 * Unloads what a server holds, before it is stopped, so that the models end in good order; true when they
 * have. On a signal alone Triton looks only once a second whether its models are gone (server.cc), and a stop
 * takes twice as long. Whatever fails here the signals will do.
 */
export async function unloadAll(world: World, grpc: GrpcAddress): Promise<boolean> {
  const client = connectTriton(grpc)
  const deadlineNs = world.nowNs() + patienceNs
  const loaded = async () =>
    (await client.repositoryIndex()).filter(({ state }) => ['READY', 'LOADING', 'UNLOADING'].includes(state))
  const unload = async () => {
    const names = new Set((await loaded()).map(({ name }) => name))
    await Promise.all([...names].map((name) => client.unload(name)))
    while (!world.signal.aborted && world.nowNs() < deadlineNs) {
      if ((await loaded()).length === 0) return true
      await world.sleep(pollNs)
    }
    return false
  }
  // A sleep that goes on after the unloading would hold the program's end up.
  const done = new AbortController()
  const patience = world.sleep(patienceNs, AbortSignal.any([world.signal, done.signal]))
  try {
    return await Promise.race([unload().catch(() => false), patience.then(() => false)])
  } finally {
    done.abort()
    client.close()
  }
}
