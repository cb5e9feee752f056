import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { applyConfiguration, differences } from '../model-config/configuration.ts'
import { modelConfigToJson } from '../model-config/parse.ts'
import { type ModelRepository, modelClosure, type RepositoryModel } from '../repository/repository.ts'
import { loadModel, unloadModel } from '../triton/load-model.ts'
import { askOf, type ProfileContext } from './context.ts'
import { closeModel, type LiveModel, type LiveServer, openModel } from './side.ts'

/** As the repository has it, by Triton's own reading of it. */
const asCommitted = ''
/** A load that failed leaves the old model, or none. */
const unknown = '?'

/** From what is loaded to what is asked for. */
interface Changes {
  /** What would be in the way, in the order in which it is unloaded. */
  readonly unloaded: readonly RepositoryModel[]
  /** Of the models that it needs, in the order in which they are loaded. */
  readonly loaded: readonly RepositoryModel[]
  /** What becomes of the model itself as it is open now. */
  readonly own: 'stays' | 'is loaded over' | 'is unloaded'
}

/** Loads configurations of a model, and of those that it needs, one after the other on one server. */
export class VariantLoader {
  readonly #context: ProfileContext
  readonly #server: LiveServer
  readonly #model: RepositoryModel
  /** The model and all that it needs, each behind those that it needs: the order in which they are loaded. */
  readonly #needed: readonly RepositoryModel[]
  /** By name, what was loaded by us; what is left out came with another one. */
  readonly #loaded = new Map<string, string>()

  constructor(
    context: ProfileContext,
    server: LiveServer,
    repository: ModelRepository,
    model: RepositoryModel,
  ) {
    this.#context = context
    this.#server = server
    this.#model = model
    this.#needed = modelClosure(repository, model.name).flatMap((name) => repository.models.get(name) ?? [])
  }

  /**
   * Loads what differs from what was loaded last, and reads all of it back. `open` is the model as it is loaded now.
   * @throws GateError `model` where one does not load, or is something else than asked
   */
  async load(configuration: Configuration, open: LiveModel | null): Promise<LiveModel> {
    const changes = this.#changes(configuration, open)
    await this.#clear(changes, open)
    for (const other of changes.loaded) await this.#loadOther(other, configuration.others?.[other.name])
    const stays = open !== null && changes.own === 'stays'
    const live = stays ? { ...open, configuration } : await this.#openOwn(configuration)
    try {
      await this.#requireOthers(configuration)
      return live
    } catch (error) {
      await live.detach()
      throw error
    }
  }

  #changes(configuration: Configuration, open: LiveModel | null): Changes {
    const onGpu = this.#context.gpu !== null
    const changed = this.#others.filter(
      ({ name }) => keyOf(configuration.others?.[name]) !== this.#loadedAs(name),
    )
    const ensembles = ensemblesOver(changed, this.#needed)
    const isInTheWay = (other: RepositoryModel) =>
      // Triton would load ensembles again in between; on a GPU what is replaced goes first.
      ensembles.includes(other) || (onGpu && changed.includes(other))
    const isThere = ({ name }: RepositoryModel) => open !== null || this.#loaded.has(name)
    const unloaded = this.#others.filter((other) => isInTheWay(other) && isThere(other))
    const stays = open !== null && !ensembles.includes(this.#model) && this.#isLoaded(open, configuration)
    // Loading over a loaded model takes half the time, but for a while both lie in memory: not on a GPU.
    const replaced = onGpu || ensembles.includes(this.#model) ? 'is unloaded' : 'is loaded over'
    return {
      unloaded: unloaded.toReversed(),
      loaded: this.#others.filter((other) => changed.includes(other) || unloaded.includes(other)),
      own: stays ? 'stays' : replaced,
    }
  }

  async #clear({ unloaded, own }: Changes, open: LiveModel | null): Promise<void> {
    const { world, loadTimeoutNs: timeoutNs } = this.#context
    if (own === 'is unloaded' && open !== null) await closeModel(this.#context, open)
    if (own === 'is loaded over') await open?.detach()
    for (const { name } of unloaded) await unloadModel(world, this.#server.client, name, { timeoutNs })
  }

  async #loadOther({ name, config }: RepositoryModel, fields: VariedFields | undefined): Promise<void> {
    const { world, loadTimeoutNs: timeoutNs } = this.#context
    const { server, client } = this.#server
    this.#loaded.set(name, unknown)
    if (config === null) throw new GateError('internal', `${name} has no configuration to be varied`)
    const target = fields === undefined ? config : applyConfiguration(config, { committed: false, ...fields })
    await loadModel(world, server, client, name, { configJson: modelConfigToJson(target), timeoutNs })
    this.#loaded.set(name, keyOf(fields))
  }

  async #openOwn(configuration: Configuration): Promise<LiveModel> {
    const { name } = this.#model
    const { committed, others: _, ...own } = configuration
    // Triton keeps an override until it is told another one: a plain load would not bring the committed one back.
    const isPlain = committed && this.#loadedAs(name) === asCommitted
    this.#loaded.set(name, unknown)
    const override = isPlain ? undefined : overrideOf(this.#model, configuration)
    const settings = askOf(this.#context, name)
    const opened = await openModel(this.#context, this.#server, this.#model, settings, override)
    if (isPlain && variedKey(opened.configuration) !== variedKey(own)) {
      await opened.detach()
      throw new GateError(
        'model',
        `the server made another configuration of the committed one (${variedKey(opened.configuration)}) than at the gated loads (${variedKey(own)})`,
      )
    }
    this.#loaded.set(name, committed ? asCommitted : variedKey(own))
    return opened
  }

  /** Reads back what was varied: an ensemble that was loaded after it may have brought something else. */
  async #requireOthers({ others = {} }: Configuration): Promise<void> {
    const wrong: string[] = []
    for (const { name } of this.#others) {
      const fields = others[name]
      if (fields === undefined) continue
      const found = differences(fields, await this.#server.client.modelConfig(name))
      if (found.length === 0) continue
      this.#loaded.set(name, unknown)
      wrong.push(`${name}: ${found.join('; ')}`)
    }
    if (wrong.length === 0) return
    throw new GateError(
      'model',
      `the server resolved another configuration than was loaded (${wrong.join('; ')})`,
    )
  }

  get #others(): readonly RepositoryModel[] {
    return this.#needed.filter(({ name }) => name !== this.#model.name)
  }

  #loadedAs(name: string): string {
    return this.#loaded.get(name) ?? asCommitted
  }

  #isLoaded(live: LiveModel, configuration: Configuration): boolean {
    return (
      this.#loadedAs(this.#model.name) !== unknown &&
      variedKey(live.configuration) === variedKey(configuration)
    )
  }
}

/** Of models in the order in which they are loaded, the ensembles over what changes, and over these. */
function ensemblesOver(
  changed: readonly RepositoryModel[],
  models: readonly RepositoryModel[],
): RepositoryModel[] {
  const affected = new Set(changed.map(({ name }) => name))
  return models.filter(({ name, dependencies }) => {
    if (!dependencies.some((each) => affected.has(each))) return false
    affected.add(name)
    return true
  })
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
