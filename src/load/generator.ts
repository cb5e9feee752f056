import { availableParallelism } from 'node:os'
import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import { clientHealth } from './client-health.ts'
import { Lanes } from './lanes.ts'
import { settled } from './load-thread.ts'
import { type OpenTarget, OpenTargets } from './open-targets.ts'
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

/** Starts the first load thread; others follow where a load needs them. Close it in a `finally`, or the process does not end. */
export async function openLoadGenerator(
  world: World,
  cores: number = availableParallelism(),
): Promise<LoadGenerator> {
  const lanes = new Lanes(world)
  await lanes.threads(0, 1)
  const targets = new OpenTargets(lanes, cores)
  return {
    open: (target) => targets.open(target),
    run: async (targetId, load, options) =>
      runWindow(world, { opened: targets.get(targetId), load }, options, alone),
    runTogether: async (loads, options) => {
      const each = loads.map(({ targetId, load }) => ({ opened: targets.get(targetId), load }))
      const threads = each.flatMap(({ opened }) => opened.threads)
      const shared = { outstanding: outstandingMemory(), rendezvous: rendezvousOf(threads.length) }
      return settled(each.map((one) => runWindow(world, one, options, shared)))
    },
    widen: (targetIds, load) => targets.widen(targetIds, load),
    closeTarget: (targetId) => targets.close(targetId),
    close: () => lanes.close(),
  }
}

/** What windows that run at the same time have in common. */
type Shared = Pick<Muster, 'outstanding' | 'rendezvous'>

const alone: Shared = { outstanding: null, rendezvous: null }

/** One window of one target, over all its threads. */
async function runWindow(
  world: World,
  { opened, load }: { readonly opened: OpenTarget; readonly load: Load },
  options: WindowOptions,
  { outstanding, rendezvous }: Shared,
): Promise<Window> {
  const { target, threads, connections, threadsReason } = opened
  const muster: Muster = {
    outstanding,
    rendezvous: rendezvous ?? rendezvousOf(threads.length),
    seed: options.seed ?? opened.windows,
    tally: tallyMemory(),
  }
  const reports = await settled(
    threads.map((thread) => thread.call({ kind: 'run', targetId: target.id, load, options, muster })),
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

function rendezvousOf(parties: number): Muster['rendezvous'] {
  return parties > 1 ? { memory: rendezvousMemory(), parties } : null
}
