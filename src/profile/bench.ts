import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { asGateError } from '../domain/error.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { interruptIfAsked, type ProfileContext } from './profile.ts'
import { type LiveModel, type LiveServer, openServer } from './side.ts'
import { makeVariantLoader } from './variant-loader.ts'

/** One server, and on it whatever configuration of a model, and of those it needs, was loaded last. The user's files stay as they are. */
export interface Bench {
  /**
   * The model in this configuration, loaded if it was not; or, in words, why that cannot be had. And what loading took;
   * null where it was loaded already.
   */
  readonly load: (
    configuration: Configuration,
  ) => Promise<{ readonly model: LiveModel | string; readonly loadNs: number | null }>
  readonly close: () => Promise<void>
}

export function makeBench(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
): Bench {
  const { world } = context
  const loader = makeVariantLoader(context, repository, model)
  let server: LiveServer | null = null
  let loaded: LiveModel | null = null
  /** What the server held of the GPUs before any model: with it, memory can be told by instance. */
  let idle: LiveModel['gpuIdle']

  async function change(configuration: Configuration): Promise<LiveModel> {
    const before = loaded
    loaded = null
    if (server === null) {
      const watch = await context.gpu?.watchServer()
      server = await openServer(context, 'candidate', repository.path)
      idle = await watch?.idle(server.server.pids())
    }
    try {
      const opened = await loader.load(server, configuration, before)
      loaded = idle === undefined ? opened : { ...opened, gpuIdle: idle }
      return loaded
    } catch (error) {
      await before?.detach()
      throw error
    }
  }

  async function clear(): Promise<void> {
    await loaded?.detach()
    await server?.close()
    loader.forget()
    loaded = null
    server = null
  }

  return {
    load: async (configuration) => {
      const isAlive = server?.server.hasExited() === false
      if (
        isAlive &&
        loaded !== null &&
        configurationKey(loaded.configuration) === configurationKey(configuration)
      )
        return { model: loaded, loadNs: null }
      const startNs = world.nowNs()
      const tried = async (): Promise<LiveModel | string> => {
        try {
          // A server that died of one configuration is replaced for the next.
          if (!isAlive) await clear()
          return await change(configuration)
        } catch (error) {
          interruptIfAsked(world)
          return asGateError(error).message
        }
      }
      return { model: await tried(), loadNs: world.nowNs() - startNs }
    },
    close: clear,
  }
}
