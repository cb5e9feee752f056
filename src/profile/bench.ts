import type { Configuration } from '../domain/configuration.ts'
import { describeConfiguration } from '../domain/configuration-words.ts'
import { asGateError } from '../domain/error.ts'
import { countInWords } from '../domain/words.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { isComplete, withoutAutoComplete } from './auto-complete.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import type { Running } from './records.ts'
import { isIn, Seat } from './seat.ts'
import { type LiveModel, type LiveServer, openServer } from './side.ts'
import { VariantLoader } from './variant-loader.ts'

/** What loading a configuration gave. */
interface BenchLoad {
  /** Or, in words, why it cannot be had. */
  readonly model: LiveModel | string
  /** What starting a server took, before it was loaded there. */
  readonly startNs: number
  /** null where it was loaded already. */
  readonly loadNs: number | null
}

/** Servers, and on each of them one configuration of a model, and of those it needs. The user's files stay as they are. */
export class Bench {
  readonly #context: ProfileContext
  readonly #repository: ModelRepository
  readonly #model: RepositoryModel
  readonly #mostServers: number
  #seats: readonly Seat[]
  /** The one that was measured last: only its connections are open. */
  #last: LiveModel | null

  /** @param running the first of the servers, where there is one */
  constructor(
    context: ProfileContext,
    {
      repository,
      model,
      running,
      servers,
    }: {
      readonly repository: ModelRepository
      readonly model: RepositoryModel
      readonly running: Running | null
      readonly servers: number
    },
  ) {
    this.#context = context
    this.#repository = repository
    this.#model = model
    this.#mostServers = servers
    this.#seats = running === null ? [] : [this.#seat(running.server, true, running.model)]
    this.#last = running?.model ?? null
  }

  /**
   * The model in this configuration, loaded if it was not: over `replaced`, which is no longer loaded then, or on a server of
   * its own.
   */
  async load(configuration: Configuration, replaced: Configuration | null): Promise<BenchLoad> {
    const { world } = this.#context
    const beginNs = world.nowNs()
    const wasLoaded = this.#seatOf(configuration)?.hasExited() === false
    let startNs = 0
    let model: LiveModel | string
    try {
      await this.#leave(configuration)
      let seat = this.#seatOf(configuration) ?? this.#freeSeat(replaced)
      const start = seat === undefined ? `starting server ${this.#seats.length + 1} and ` : ''
      if (seat?.has(configuration) !== true)
        this.#say(`${start}loading ${describeConfiguration(configuration)}`)
      if (seat === undefined) {
        seat = await this.#startFor(configuration)
        startNs = world.nowNs() - beginNs
      }
      model = await seat.load(configuration)
    } catch (error) {
      interruptIfAsked(world)
      model = asGateError(error).message
    }
    this.#last = typeof model === 'string' ? null : model
    return { model, startNs, loadNs: wasLoaded ? null : world.nowNs() - beginNs - startNs }
  }

  /** The configuration loads, but does not answer: its server is free for the next one. */
  discard(configuration: Configuration): void {
    const seat = this.#seatOf(configuration)
    if (seat !== undefined) seat.isFree = true
  }

  /**
   * Loads the configuration as a user's server would, which completes it. Nothing else is loaded after that.
   * @throws GateError `model` where that makes something else of it
   */
  async verify(configuration: Configuration): Promise<void> {
    const isSure = configuration.committed || this.#seatOf(configuration)?.completes === true
    if (isSure || this.#seats.every(({ completes }) => completes)) return
    await this.#last?.detach()
    this.#last = null
    // They would hold memory that it may need.
    const others = this.#seats.filter(({ completes }) => !completes)
    this.#sayStopping(others)
    await this.#close(others)
    this.#say('loading the answer once more, on a server that completes its configuration as a user’s does')
    const seat = this.#seats.find(({ completes }) => completes) ?? (await this.#start(true))
    await seat.load(configuration)
  }

  /** Of all servers that are alive. */
  pids(): readonly number[] {
    return this.#seats.flatMap(({ server }) => server.server.pids())
  }

  async close(): Promise<void> {
    this.#sayStopping(this.#seats)
    try {
      await this.#last?.detach()
    } finally {
      await this.#close(this.#seats)
    }
  }

  #seatOf(configuration: Configuration): Seat | undefined {
    return this.#seats.find((seat) => seat.has(configuration))
  }

  #freeSeat(replaced: Configuration | null): Seat | undefined {
    return (replaced && this.#seatOf(replaced)) ?? this.#seats.find(({ isFree }) => isFree)
  }

  /** Before another configuration is measured. A server that died of one is replaced when that is next asked for. */
  async #leave(next: Configuration): Promise<void> {
    const left = this.#last
    if (left !== null && (!isIn(left, next) || left.live.server.hasExited())) {
      this.#last = null
      await left.detach()
    }
    await this.#close(this.#seats.filter((seat) => seat.hasExited()))
  }

  /** Where no further server starts, a configuration is loaded over another one. */
  async #startFor({ committed }: Configuration): Promise<Seat> {
    const { gpu, launcher, world } = this.#context
    try {
      // The flag is one of tritonserver, which a container's command is not.
      const isOurs = launcher.mode === 'embedded' || launcher.mode === 'local'
      // Where the first server is the only one on a GPU, all others are loaded there.
      const isAsGated = committed && (gpu === null || this.#mostServers > 1)
      const isWhole = () => isComplete(this.#repository, this.#model.name)
      return await this.#start(isAsGated || !isOurs || !(await isWhole()))
    } catch (error) {
      const other = this.#seats.at(-1)
      if (other === undefined || world.signal.aborted) throw error
      this.#say(`no further server beside ${this.#seats.length}: ${asGateError(error).message}`)
      return other
    }
  }

  async #start(completes: boolean): Promise<Seat> {
    const watch = await this.#context.gpu?.watchServer()
    const flags = completes ? [] : [withoutAutoComplete]
    const server = await openServer(this.#context, 'candidate', this.#repository.path, flags)
    const seat = this.#seat(server, completes, null)
    // Before anything else can fail: what is seated is closed.
    this.#seats = [...this.#seats, seat]
    seat.idle = await watch?.idle(server.server.pids())
    return seat
  }

  #seat(server: LiveServer, completes: boolean, model: LiveModel | null): Seat {
    const loader = new VariantLoader(this.#context, server, this.#repository, this.#model)
    return new Seat(server, loader, completes, model)
  }

  async #close(closing: readonly Seat[]): Promise<void> {
    this.#seats = this.#seats.filter((seat) => !closing.includes(seat))
    await Promise.all(closing.map(({ server }) => server.close()))
  }

  #sayStopping(closing: readonly Seat[]): void {
    if (closing.length > 0) this.#say(`stopping ${countInWords(closing.length, 'server')}`)
  }

  #say(words: string): void {
    this.#context.world.progress(`${this.#model.name}: ${words}`)
  }
}
