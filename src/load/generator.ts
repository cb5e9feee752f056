import { availableParallelism } from 'node:os'
import { GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import { clientHealth } from './client-health.ts'
import { type LoadThread, startLoadThread } from './load-thread.ts'
import type { LoadTarget, Muster, WindowOptions } from './protocol.ts'
import { rendezvousMemory } from './rendezvous.ts'
import { mergeLogs, type RequestLog } from './request-log.ts'
import { mergeResponses, type ResponseReport } from './response-times.ts'
import { mergeSends, type SendReport } from './send-times.ts'
import { outstandingMemory, tallyMemory } from './tally.ts'
import { mergeReports } from './window.ts'

/** What one run of a load gave. */
export interface Window {
  /** On World's clock. */
  readonly startNs: number
  /** As measured. */
  readonly durationNs: number
  /** How long after its begin the first request was sent; 0 where one was sent before. perf_analyzer does not say. */
  readonly lateStartNs?: number
  /**
   * Of the successful requests sent (open loop: due) inside the window, each awaited to its end, ascending,
   * in whole ns. Closed loop: from just before the request is written; open loop: from its due time.
   */
  readonly latenciesNs: Float64Array
  /** Successful requests that ended inside the window, whenever sent: throughput = completed × batch / duration. */
  readonly completed: number
  /** All requests written to the server, lead-in and lead-out too: what its own counters should have gone up by. */
  readonly issued: number
  /** Further ones that may have been written: another tool does not say exactly. Left out: none. */
  readonly mayHaveIssued?: number
  /** Failed requests of the window by gRPC status name, `reset`, `deadline`, `connection` or `wrong_output`. */
  readonly failures: Readonly<Record<string, number>>
  /** The first of them in the server's words; null where none failed. */
  readonly firstFailure: string | null
  /** Only of a decoupled model. */
  readonly responses?: ResponseReport
  /** Only of an open loop. */
  readonly sends?: SendReport
  /** Only where it is asked for. */
  readonly log?: RequestLog
  readonly client: ClientHealth
}

/** A target and what is asked of it. */
interface TargetLoad {
  readonly targetId: string
  readonly load: Load
}

/** The load threads. One window at a time in each lane; several targets may be open, for windows in turn. */
export interface LoadGenerator {
  /** Connects. @throws GateError `server` where no connection is to be had. */
  readonly open: (target: LoadTarget) => Promise<void>
  /**
   * Lead-in, window, lead-out, and the end of all that was sent: at most lead-in + longest window + lead-out +
   * deadline, and 5 s where a connection is being made. Failed requests are data.
   * @throws GateError `server` where the peer admits too few streams for the concurrency, `interrupted` on a signal
   */
  readonly run: (targetId: string, load: Load, options: WindowOptions) => Promise<Window>
  /**
   * The same for several targets at once, each in a lane of its own: the windows begin and end together, and every load goes
   * on until the requests of all windows have ended, for as long as the lead-in at most. In their order.
   */
  readonly runTogether: (loads: readonly TargetLoad[], options: WindowOptions) => Promise<Window[]>
  /**
   * Connects the targets of one comparison again, over twice the threads: the same number for each. False, and
   * nothing done, where the machine has no core for another thread or the load no request for it.
   */
  readonly widen: (targetIds: readonly string[], load: Load) => Promise<boolean>
  readonly closeTarget: (targetId: string) => void
  /** Ends the threads and so all their connections. */
  readonly close: () => Promise<void>
}

/** perf_analyzer's (its C++ client's) number of clients that share one gRPC channel. */
const outstandingPerConnection = 6

/**
 * Connections for a load, the same for every side that is measured with it: one for each 6 outstanding
 * requests; one for an open loop, as perf_analyzer's four rate threads share one.
 */
export function connectionsFor(load: Load): number {
  return load.mode === 'concurrency' ? Math.ceil(load.concurrency / outstandingPerConnection) : 1
}

interface OpenTarget {
  readonly target: LoadTarget
  readonly threads: number
  readonly connections: number
  readonly threadsReason: string
  windows: number
}

/** Starts the first load thread; others follow where a load needs them. Close it in a `finally`, or the process does not end. */
export async function openLoadGenerator(
  world: World,
  cores: number = availableParallelism(),
): Promise<LoadGenerator> {
  const lanes = new Map<number, LoadThread[]>([[0, [await startLoadThread(world)]]])
  const targets = new Map<string, OpenTarget>()
  /** Threads that a target's load has once needed, kept for when it is opened again on a fresh server. */
  const needed = new Map<string, number>()

  const laneOf = ({ lane = 0 }: Pick<LoadTarget, 'lane'>) => lanes.get(lane) ?? []
  const threadsOf = (target: Pick<LoadTarget, 'lane'>, count: number) => laneOf(target).slice(0, count)

  let growing: Promise<void> = Promise.resolve()
  /** One after the other: the two sides' targets are opened at once, and share the threads of their lane. */
  function grow({ lane = 0 }: LoadTarget, threads: number): Promise<void> {
    growing = growing.then(async () => {
      const pool = lanes.get(lane) ?? []
      lanes.set(lane, pool)
      while (pool.length < threads) pool.push(await startLoadThread(world))
    })
    return growing
  }

  async function open(target: LoadTarget, threads: number, threadsReason: string): Promise<void> {
    await grow(target, threads)
    const connections = Math.ceil(target.connections / threads) * threads
    const opening = threadsOf(target, threads).map((thread, index) =>
      thread.call({ kind: 'open', target: { ...target, connections }, share: { index, of: threads } }),
    )
    try {
      await settled(opening)
    } catch (error) {
      if (!targets.has(target.id)) closeOn(laneOf(target), target.id)
      throw error
    }
    targets.set(target.id, { target, threads, connections, threadsReason, windows: 0 })
  }

  function close(targetId: string): void {
    const opened = targets.get(targetId)
    if (opened === undefined) return
    targets.delete(targetId)
    closeOn(threadsOf(opened.target, opened.threads), targetId)
  }

  function closeOn(threads: readonly LoadThread[], targetId: string): void {
    // Its only failure is that the thread has ended, and then the target is closed.
    for (const thread of threads) thread.call({ kind: 'closeTarget', targetId }).catch(() => undefined)
  }

  /** One window of one target; `shared` with those that run at the same time. */
  async function run(
    { targetId, load }: TargetLoad,
    options: WindowOptions,
    shared: Pick<Muster, 'outstanding' | 'rendezvous'>,
  ): Promise<Window> {
    const opened = targets.get(targetId)
    if (opened === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
    const { target, threads, connections, threadsReason } = opened
    const muster: Muster = {
      outstanding: shared.outstanding,
      rendezvous: shared.rendezvous ?? rendezvousOf(threads),
      seed: options.seed ?? opened.windows,
      tally: tallyMemory(),
    }
    const reports = await settled(
      threadsOf(target, threads).map((thread) =>
        thread.call({ kind: 'run', targetId, load, options, muster }),
      ),
    )
    opened.windows++
    const given = reports.filter((report) => report !== null)
    const { startHrtimeNs, ...window } = mergeReports(given)
    const responses = mergeResponses(given)
    const sends = mergeSends(given)
    const log = mergeLogs(given, startHrtimeNs)
    const agoNs = Number(process.hrtime.bigint() - startHrtimeNs)
    return {
      startNs: Math.max(0, world.nowNs() - agoNs),
      ...window,
      ...(responses === undefined ? {} : { responses }),
      ...(sends === undefined ? {} : { sends }),
      ...(log === undefined ? {} : { log }),
      client: clientHealth(load, given, { connections, threadsReason }),
    }
  }

  return {
    open: (target) => {
      const threads = needed.get(target.id) ?? 1
      return open(target, threads, threads === 1 ? 'one was enough' : 'fewer were not enough before')
    },
    run: (targetId, load, options) =>
      run({ targetId, load }, options, { outstanding: null, rendezvous: null }),
    runTogether: (loads, options) => {
      const parties = loads.reduce((sum, { targetId }) => sum + (targets.get(targetId)?.threads ?? 0), 0)
      const shared = { outstanding: outstandingMemory(), rendezvous: rendezvousOf(parties) }
      return settled(loads.map((each) => run(each, options, shared)))
    },
    widen: async (targetIds, load) => {
      const opened = targetIds.map((id) => targets.get(id)).filter((each) => each !== undefined)
      const now = Math.max(0, ...opened.map(({ threads }) => threads))
      const lane = opened[0]?.target.lane ?? 0
      const elsewhere = [...lanes].filter(([other]) => other !== lane).flatMap(([, threads]) => threads)
      const free = Math.max(1, lanes.size === 1 ? cores : cores - elsewhere.length)
      const most = Math.min(free, load.mode === 'concurrency' ? load.concurrency : free)
      const threads = Math.min(2 * now, most)
      if (threads <= now) return false
      for (const { target } of opened) {
        close(target.id)
        needed.set(target.id, threads)
        const limit = threads === most ? `, and ${limitOf(free, most)}` : ''
        await open(target, threads, `${now} ${now === 1 ? 'was' : 'were'} not enough${limit}`)
      }
      return opened.length > 0
    },
    closeTarget: close,
    close: async () => {
      await growing.catch(() => undefined)
      await Promise.all([...lanes.values()].flat().map((thread) => thread.close()))
    },
  }
}

function rendezvousOf(parties: number): Muster['rendezvous'] {
  return parties > 1 ? { memory: rendezvousMemory(), parties } : null
}

function limitOf(cores: number, most: number): string {
  return most === cores ? `the machine has ${cores} cores` : `the load has ${most} requests at a time`
}

/** All answers, or the first error, but not before all have answered: a thread must not be told two things at a time. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
