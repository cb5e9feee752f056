import type { Configuration } from '../domain/configuration.ts'
import { describeConfiguration } from '../domain/configuration-words.ts'
import { asGateError } from '../domain/error.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { askOf, interruptIfAsked, type ProfileContext } from './context.ts'
import { isIn } from './seat.ts'
import { closeModel, type LiveModel, type LiveServer, openModel, openServer } from './side.ts'
import { overrideOf } from './variant-loader.ts'

/** One server, and on it whatever combination of configurations was loaded last. The user's files stay as they are. */
export interface ConcurrentBench {
  /**
   * The models in these configurations, each loaded if it was not; or, in words, why that cannot be had. And what loading took,
   * null where all were loaded already, and starting the server before that. `ownLoadsNs` is what of it was each model's, null
   * where it was not loaded, be it loaded already or since another one failed.
   */
  readonly load: (configurations: readonly Configuration[]) => Promise<{
    readonly models: readonly LiveModel[] | string
    readonly startNs: number
    readonly loadNs: number | null
    readonly ownLoadsNs: readonly (number | null)[]
  }>
  readonly close: () => Promise<void>
}

/** @param models each gets a lane of the load generator by its place */
export function makeConcurrentBench(
  context: ProfileContext,
  repository: ModelRepository,
  models: readonly RepositoryModel[],
): ConcurrentBench {
  const { world } = context
  let server: LiveServer | null = null
  const loaded = new Map<string, LiveModel>()
  /** Triton keeps an override until it is told another one: then the committed configuration is one, too. */
  const overridden = new Set<string>()

  const isLoaded = ({ name }: RepositoryModel, configuration: Configuration | undefined) => {
    const live = loaded.get(name)
    return live !== undefined && configuration !== undefined && isIn(live, configuration)
  }

  async function replace(
    live: LiveServer,
    model: RepositoryModel,
    lane: number,
    configuration: Configuration,
  ) {
    const before = loaded.get(model.name)
    loaded.delete(model.name)
    // Loading over a loaded model takes half the time, but for a while both lie in memory: not on a GPU.
    if (before !== undefined) await (context.gpu === null ? before.detach() : closeModel(context, before))
    const { name } = model
    world.progress(`${name}: loading ${describeConfiguration(configuration)}`)
    const isPlain = configuration.committed && !overridden.has(name)
    const override = isPlain ? undefined : overrideOf(model, configuration)
    if (override !== undefined) overridden.add(name)
    loaded.set(name, await openModel(context, live, model, { ...askOf(context, name), lane }, override))
  }

  async function change(
    live: LiveServer,
    configurations: readonly Configuration[],
    ownLoadsNs: (number | null)[],
  ): Promise<LiveModel[]> {
    for (const [lane, model] of models.entries()) {
      const configuration = configurations[lane]
      if (configuration === undefined || isLoaded(model, configuration)) continue
      const beginNs = world.nowNs()
      try {
        await replace(live, model, lane, configuration)
      } finally {
        ownLoadsNs[lane] = world.nowNs() - beginNs
      }
    }
    return models.flatMap(({ name }) => loaded.get(name) ?? [])
  }

  async function clear(): Promise<void> {
    if (server !== null) world.progress(`${models.map(({ name }) => name).join(' + ')}: stopping the server`)
    for (const live of loaded.values()) await live.detach()
    await server?.close()
    loaded.clear()
    overridden.clear()
    server = null
  }

  return {
    load: async (configurations) => {
      const isAlive = server?.server.hasExited() === false
      const ownLoadsNs: (number | null)[] = models.map(() => null)
      if (isAlive && models.every((model, index) => isLoaded(model, configurations[index]))) {
        const live = models.flatMap(({ name }) => loaded.get(name) ?? [])
        return { models: live, startNs: 0, loadNs: null, ownLoadsNs }
      }
      const beginNs = world.nowNs()
      let startNs = 0
      const tried = async (): Promise<LiveModel[] | string> => {
        try {
          // A server that died of one combination is replaced for the next.
          if (!isAlive) await clear()
          server ??= await openServer(context, 'candidate', repository.path)
          startNs = isAlive ? 0 : world.nowNs() - beginNs
          return await change(server, configurations, ownLoadsNs)
        } catch (error) {
          interruptIfAsked(world)
          return asGateError(error).message
        }
      }
      const found = await tried()
      return { models: found, startNs, loadNs: world.nowNs() - beginNs - startNs, ownLoadsNs }
    },
    close: clear,
  }
}
