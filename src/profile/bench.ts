import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { asGateError } from '../domain/error.ts'
import { applyConfiguration } from '../model-config/configuration.ts'
import { modelConfigToJson } from '../model-config/parse.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { askOf, interruptIfAsked, type ProfileContext } from './profile.ts'
import { closeModel, type LiveModel, type LiveServer, openModel, openServer } from './side.ts'

/** One server, and on it whatever configuration of a model was loaded last. The user's files stay as they are. */
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
  const settings = askOf(context, model.name)
  let server: LiveServer | null = null
  let loaded: LiveModel | null = null
  /** What the server held of the GPUs before any model: with it, memory can be told by instance. */
  let idle: LiveModel['gpuIdle']

  async function change(configuration: Configuration): Promise<LiveModel> {
    if (loaded !== null) {
      // Loading over a loaded model takes half the time, but for a while both lie in memory: not on a GPU.
      if (context.gpu === null) await loaded.detach()
      else await closeModel(context, loaded)
      loaded = null
    }
    if (server === null) {
      const watch = await context.gpu?.watchServer()
      server = await openServer(context, 'candidate', repository.path)
      idle = await watch?.idle(server.server.pids())
    }
    const override =
      configuration.committed || model.config === null
        ? undefined
        : { json: modelConfigToJson(applyConfiguration(model.config, configuration)), configuration }
    const opened = await openModel(context, server, model, settings, override)
    loaded = idle === undefined ? opened : { ...opened, gpuIdle: idle }
    return loaded
  }

  async function clear(): Promise<void> {
    await loaded?.detach()
    await server?.close()
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
