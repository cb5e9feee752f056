import type { Configuration } from '../domain/configuration.ts'
import { sameConfiguration } from '../search/state.ts'
import type { LiveModel, LiveServer } from './side.ts'
import type { VariantLoader } from './variant-loader.ts'

/** A server of the bench, and what is loaded there. */
export class Seat {
  readonly server: LiveServer
  /** Whether Triton completes configurations there, as a user's server does. */
  readonly completes: boolean
  /** What the server held of the GPUs before any model: with it, memory can be told by instance. */
  idle: LiveModel['gpuIdle']
  /** What is loaded there is not gone back to. */
  isFree: boolean
  readonly #loader: VariantLoader
  #model: LiveModel | null

  /** @param model what runs there already */
  constructor(server: LiveServer, loader: VariantLoader, completes: boolean, model: LiveModel | null) {
    this.server = server
    this.completes = completes
    this.idle = model?.gpuIdle
    this.isFree = model === null
    this.#loader = loader
    this.#model = model
  }

  hasExited(): boolean {
    return this.server.server.hasExited()
  }

  has(configuration: Configuration): boolean {
    return this.#model !== null && isIn(this.#model, configuration)
  }

  /** The model in this configuration, loaded over another one if it was not. @throws GateError `model` where it does not load */
  async load(configuration: Configuration): Promise<LiveModel> {
    if (this.#model === null || !isIn(this.#model, configuration))
      this.#model = await this.#replace(configuration)
    this.isFree = false
    return this.#model
  }

  async #replace(configuration: Configuration): Promise<LiveModel> {
    const before = this.#model
    this.#model = null
    this.isFree = true
    try {
      const opened = await this.#loader.load(configuration, before)
      return this.idle === undefined ? opened : { ...opened, gpuIdle: this.idle }
    } catch (error) {
      await before?.detach()
      throw error
    }
  }
}

export function isIn(model: LiveModel, configuration: Configuration): boolean {
  return sameConfiguration(model.configuration, configuration)
}
