import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { applyConfiguration, differences } from '../model-config/configuration.ts'
import { modelConfigToJson } from '../model-config/parse.ts'
import { type ModelRepository, modelClosure, type RepositoryModel } from '../repository/repository.ts'
import { loadModel, unloadModel } from '../triton/load-model.ts'
import { askOf, type ProfileContext } from './context.ts'
import { closeModel, type LiveModel, type LiveServer, openModel } from './side.ts'

/** Loads configurations of a model, and of those that it needs, one after the other on one server. */
export interface VariantLoader {
  /**
   * Loads what differs from what was loaded last, and reads all of it back. `open` is the model as it is loaded now.
   * @throws GateError `model` where one does not load, or is something else than asked
   */
  readonly load: (
    server: LiveServer,
    configuration: Configuration,
    open: LiveModel | null,
  ) => Promise<LiveModel>
}

/** As the repository has it, by Triton's own reading of it. */
const asCommitted = ''
/** A load that failed leaves the old model, or none. */
const unknown = '?'

export function makeVariantLoader(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
): VariantLoader {
  const { world } = context
  const timeoutNs = context.loadTimeoutNs
  const settings = askOf(context, model.name)
  // Each model behind those that it needs: the order in which they are loaded.
  const needed = modelClosure(repository, model.name).flatMap((name) => repository.models.get(name) ?? [])
  const others = needed.filter(({ name }) => name !== model.name)
  const loaded = new Map<string, string>()
  const loadedAs = (name: string) => loaded.get(name) ?? asCommitted

  async function loadOther(server: LiveServer, other: RepositoryModel, fields: VariedFields | undefined) {
    const { config } = other
    loaded.set(other.name, unknown)
    if (config === null) throw new GateError('internal', `${other.name} has no configuration to be varied`)
    const target = fields === undefined ? config : applyConfiguration(config, { committed: false, ...fields })
    const configJson = modelConfigToJson(target)
    await loadModel(world, server.server, server.client, other.name, { configJson, timeoutNs })
    loaded.set(other.name, keyOf(fields))
  }

  /** The ensembles over what changes, that model among them where it is one. */
  function over(changed: ReadonlySet<string>): RepositoryModel[] {
    const affected = new Set(changed)
    return needed.filter(({ name, dependencies }) => {
      if (!dependencies.some((each) => affected.has(each))) return false
      affected.add(name)
      return true
    })
  }

  async function openOwn(server: LiveServer, configuration: Configuration): Promise<LiveModel> {
    const { committed, others: _, ...own } = configuration
    // Triton keeps an override until it is told another one: a plain load would not bring the committed one back.
    const isPlain = committed && loadedAs(model.name) === asCommitted
    loaded.set(model.name, unknown)
    const override = isPlain ? undefined : overrideOf(model, configuration)
    const opened = await openModel(context, server, model, settings, override)
    if (isPlain && variedKey(opened.configuration) !== variedKey(own)) {
      await opened.detach()
      throw new GateError(
        'model',
        `the server made another configuration of the committed one (${variedKey(opened.configuration)}) than at the gated loads (${variedKey(own)})`,
      )
    }
    loaded.set(model.name, committed ? asCommitted : variedKey(own))
    return opened
  }

  /** Takes away what would be in the way: ensembles, which Triton would load again in between; on a GPU all that is replaced. */
  async function clear(
    server: LiveServer,
    before: LiveModel | null,
    ensembles: readonly RepositoryModel[],
    changed: ReadonlySet<string>,
    changesOwn: boolean,
  ): Promise<void> {
    const onGpu = context.gpu !== null
    if (before !== null && changesOwn) {
      // Loading over a loaded model takes half the time, but for a while both lie in memory: not on a GPU.
      if (onGpu || ensembles.includes(model)) await closeModel(context, before)
      else await before.detach()
    }
    const gone = others.filter((other) => ensembles.includes(other) || (onGpu && changed.has(other.name)))
    for (const { name } of gone.toReversed()) {
      if (loaded.has(name) || before !== null) await unloadModel(world, server.client, name, { timeoutNs })
    }
  }

  /** Reads back what was varied: an ensemble that was loaded after it may have brought something else. */
  async function requireOthers(
    server: LiveServer,
    wanted: (other: RepositoryModel) => VariedFields | undefined,
  ) {
    const wrong: string[] = []
    for (const other of others) {
      const fields = wanted(other)
      if (fields === undefined) continue
      const found = differences(fields, await server.client.modelConfig(other.name))
      if (found.length === 0) continue
      loaded.set(other.name, unknown)
      wrong.push(`${other.name}: ${found.join('; ')}`)
    }
    if (wrong.length === 0) return
    throw new GateError(
      'model',
      `the server resolved another configuration than was loaded (${wrong.join('; ')})`,
    )
  }

  return {
    load: async (server, configuration, open) => {
      const wanted = ({ name }: RepositoryModel) => configuration.others?.[name]
      const changed = new Set(
        others.filter((other) => keyOf(wanted(other)) !== loadedAs(other.name)).map(({ name }) => name),
      )
      const ensembles = over(changed)
      const changesOwn = open === null || ensembles.includes(model) || !isLoaded(open, configuration)
      await clear(server, open, ensembles, changed, changesOwn)
      for (const other of others) {
        const isGone = ensembles.includes(other) && (open !== null || loaded.has(other.name))
        if (changed.has(other.name) || isGone) await loadOther(server, other, wanted(other))
      }
      const live = changesOwn ? await openOwn(server, configuration) : { ...open, configuration }
      try {
        await requireOthers(server, wanted)
        return live
      } catch (error) {
        await live.detach()
        throw error
      }
    },
  }

  function isLoaded(live: LiveModel, configuration: Configuration): boolean {
    return loadedAs(model.name) !== unknown && variedKey(live.configuration) === variedKey(configuration)
  }
}

/** A configuration as a load request takes it; undefined for a model without config.pbtxt, which there is nothing to change of. */
export function overrideOf({ config }: RepositoryModel, configuration: Configuration) {
  return config === null
    ? undefined
    : { json: modelConfigToJson(applyConfiguration(config, configuration)), configuration }
}

function keyOf(fields: VariedFields | undefined): string {
  return fields === undefined ? asCommitted : variedKey(fields)
}
