import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { describeConfiguration } from '../domain/configuration-words.ts'
import { asGateError } from '../domain/error.ts'
import { countInWords } from '../domain/words.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { isComplete, withoutAutoComplete } from './auto-complete.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import type { Running } from './records.ts'
import { type LiveModel, type LiveServer, openServer } from './side.ts'
import { makeVariantLoader, type VariantLoader } from './variant-loader.ts'

/** Servers, and on each of them one configuration of a model, and of those it needs. The user's files stay as they are. */
export interface Bench {
  /**
   * The model in this configuration, loaded if it was not: over `replaced`, which is no longer loaded then, or on a server of
   * its own. Or, in words, why that cannot be had. And what loading took, null where it was loaded already, and starting a
   * server before that.
   */
  readonly load: (
    configuration: Configuration,
    replaced: Configuration | null,
  ) => Promise<{
    readonly model: LiveModel | string
    readonly startNs: number
    readonly loadNs: number | null
  }>
  /** The configuration loads, but does not answer: its server is free for the next one. */
  readonly discard: (configuration: Configuration) => void
  /**
   * Loads the configuration as a user's server would, which completes it. Nothing else is loaded after that.
   * @throws GateError `model` where that makes something else of it
   */
  readonly verify: (configuration: Configuration) => Promise<void>
  readonly close: () => Promise<void>
}

interface Seat {
  readonly server: LiveServer
  readonly completes: boolean
  readonly loader: VariantLoader
  model: LiveModel | null
  /** What is loaded there is not gone back to. */
  isFree: boolean
  /** What the server held of the GPUs before any model: with it, memory can be told by instance. */
  readonly idle: LiveModel['gpuIdle']
}

/** @param running the first of the servers, where there is one */
export function makeBench(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  running: Running | null,
): Bench {
  const { world } = context
  const newLoader = () => makeVariantLoader(context, repository, model)
  let seats: readonly Seat[] =
    running === null
      ? []
      : [{ ...running, loader: newLoader(), completes: true, isFree: false, idle: running.model.gpuIdle }]
  /** The one that was measured last: only its connections are open. */
  let last: LiveModel | null = running?.model ?? null

  async function start(completes: boolean): Promise<Seat> {
    const watch = await context.gpu?.watchServer()
    const flags = completes ? [] : [withoutAutoComplete]
    const server = await openServer(context, 'candidate', repository.path, flags)
    const unloaded = { server, loader: newLoader(), completes, isFree: true, model: null }
    // Before anything else can fail: what is seated is closed.
    seats = [...seats, { ...unloaded, idle: undefined }]
    const seat = { ...unloaded, idle: await watch?.idle(server.server.pids()) }
    seats = seats.map((each) => (each.server === server ? seat : each))
    return seat
  }

  /** Where no further server starts, a configuration is loaded over another one. */
  async function startFor({ committed }: Configuration): Promise<Seat> {
    try {
      // The flag is one of tritonserver, which a container's command is not.
      const isOurs = context.launcher.mode === 'embedded' || context.launcher.mode === 'local'
      // On a GPU the first server is the only one, and all others are loaded there.
      const isAsGated = committed && context.gpu === null
      return await start(isAsGated || !isOurs || !(await isComplete(repository, model.name)))
    } catch (error) {
      const other = seats.at(-1)
      if (other === undefined || world.signal.aborted) throw error
      world.progress(`${model.name}: no further server beside ${seats.length}: ${asGateError(error).message}`)
      return other
    }
  }

  async function change(seat: Seat, configuration: Configuration): Promise<LiveModel> {
    const { server, loader, idle, model: before } = seat
    seat.model = null
    seat.isFree = true
    try {
      const opened = await loader.load(server, configuration, before)
      seat.model = idle === undefined ? opened : { ...opened, gpuIdle: idle }
      seat.isFree = false
      return seat.model
    } catch (error) {
      await before?.detach()
      throw error
    }
  }

  /** Before another configuration is measured. A server that died of one is replaced when that is next asked for. */
  async function leave(next: Configuration): Promise<void> {
    const left = last
    if (left !== null && (!isIn(left, next) || left.live.server.hasExited())) {
      last = null
      await left.detach()
    }
    await close(seats.filter(({ server }) => server.server.hasExited()))
  }

  const seatOf = (configuration: Configuration) =>
    seats.find((seat) => seat.model !== null && isIn(seat.model, configuration))

  async function close(closing: readonly Seat[]): Promise<void> {
    seats = seats.filter((seat) => !closing.includes(seat))
    await Promise.all(closing.map(({ server }) => server.close()))
  }

  function sayStopping(closing: readonly Seat[]): void {
    if (closing.length > 0)
      world.progress(`${model.name}: stopping ${countInWords(closing.length, 'server')}`)
  }

  return {
    load: async (configuration, replaced) => {
      const beginNs = world.nowNs()
      let startNs = 0
      const tried = async (): Promise<LiveModel | string> => {
        try {
          await leave(configuration)
          const known = seatOf(configuration)
          if (known?.model != null) {
            known.isFree = false
            return known.model
          }
          const free = (replaced && seatOf(replaced)) ?? seats.find(({ isFree }) => isFree)
          const where = free === undefined ? ` on server ${seats.length + 1}` : ''
          world.progress(`${model.name}: loading ${describeConfiguration(configuration)}${where}`)
          const seat = free ?? (await startFor(configuration))
          startNs = free === undefined ? world.nowNs() - beginNs : 0
          return await change(seat, configuration)
        } catch (error) {
          interruptIfAsked(world)
          return asGateError(error).message
        }
      }
      const wasLoaded = seatOf(configuration)?.server.server.hasExited() === false
      const found = await tried()
      last = typeof found === 'string' ? null : found
      const loadNs = wasLoaded ? null : world.nowNs() - beginNs - startNs
      return { model: found, startNs, loadNs }
    },
    discard: (configuration) => {
      const seat = seatOf(configuration)
      if (seat !== undefined) seat.isFree = true
    },
    verify: async (configuration) => {
      const isSure = configuration.committed || seatOf(configuration)?.completes === true
      if (isSure || seats.every(({ completes }) => completes)) return
      await last?.detach()
      last = null
      // They would hold memory that it may need.
      const others = seats.filter(({ completes }) => !completes)
      sayStopping(others)
      await close(others)
      world.progress(
        `${model.name}: loading the answer once more, on a server that completes its configuration as a user’s does`,
      )
      const seat = seats.find(({ completes }) => completes) ?? (await start(true))
      await change(seat, configuration)
    },
    close: async () => {
      sayStopping(seats)
      try {
        await last?.detach()
      } finally {
        await close(seats)
      }
    },
  }
}

function isIn(model: LiveModel, configuration: Configuration): boolean {
  return configurationKey(model.configuration) === configurationKey(configuration)
}
