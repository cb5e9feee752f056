import { Worker } from 'node:worker_threads'
import { GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { ClientHealth } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type {
  Command,
  CommandMessage,
  LoadTarget,
  ReplyMessage,
  WindowOptions,
  WindowReport,
} from './protocol.ts'

/** What one run of a load gave. */
export interface Window {
  /** On World's clock. */
  readonly startNs: number
  /** As measured. */
  readonly durationNs: number
  /**
   * Of the successful requests sent (open loop: due) inside the window, each awaited to its end, ascending,
   * in whole ns. Closed loop: from just before the request is written; open loop: from its due time.
   */
  readonly latenciesNs: Float64Array
  /** Successful requests that ended inside the window, whenever sent: throughput = completed × batch / duration. */
  readonly completed: number
  /** All requests written to the server, lead-in and lead-out too: what its own counters should have gone up by. */
  readonly issued: number
  /** Failed requests of the window by gRPC status name, `reset`, `deadline` or `connection`. */
  readonly failures: Readonly<Record<string, number>>
  /** The first of them in the server's words; null where none failed. */
  readonly firstFailure: string | null
  readonly client: ClientHealth
}

/** The load thread. One window at a time; several targets may be open, for windows in turn. */
export interface LoadGenerator {
  /** Connects. @throws GateError `server` where no connection is to be had. */
  readonly open: (target: LoadTarget) => Promise<void>
  /**
   * Lead-in, window, lead-out, and the end of all that was sent: at most lead-in + longest window + lead-out +
   * deadline, and 5 s where a connection is being made. Failed requests are data.
   * @throws GateError `server` where the peer admits too few streams for the concurrency, `interrupted` on a signal
   */
  readonly run: (targetId: string, load: Load, options: WindowOptions) => Promise<Window>
  readonly closeTarget: (targetId: string) => void
  /** Ends the thread and so all its connections. */
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

interface Pending {
  readonly resolve: (report: WindowReport | null) => void
  readonly reject: (error: GateError) => void
}

/** Starts the load thread. Close it in a `finally`, or the process does not end. */
export async function openLoadGenerator(world: World): Promise<LoadGenerator> {
  const worker = new Worker(world.loadWorker, { name: 'load', execArgv: [] })
  const pending = new Map<number, Pending>()
  let lastId = 0
  let ended: GateError | null = null

  const end = (error: GateError) => {
    ended ??= error
    for (const { reject } of pending.values()) reject(ended)
    pending.clear()
  }
  const onAbort = () => end(new GateError('interrupted', 'interrupted while under load'))
  world.signal.addEventListener('abort', onAbort, { once: true })
  if (world.signal.aborted) onAbort()
  worker.on('error', (cause) => end(new GateError('internal', 'the load worker failed', { cause })))
  worker.on('exit', () => end(new GateError('internal', 'the load worker has ended')))
  worker.on('message', (reply: ReplyMessage) => {
    const call = pending.get(reply.id)
    pending.delete(reply.id)
    if (reply.ok) call?.resolve(reply.report)
    else call?.reject(new GateError(reply.code, reply.message, { hint: reply.hint }))
  })

  const call = (command: Command) =>
    new Promise<WindowReport | null>((resolve, reject) => {
      if (ended !== null) {
        reject(ended)
        return
      }
      const id = ++lastId
      pending.set(id, { resolve, reject })
      worker.postMessage({ id, command } satisfies CommandMessage)
    })

  await new Promise((resolve) => worker.once('online', resolve))
  return {
    open: async (target) => {
      await call({ kind: 'open', target })
    },
    run: async (targetId, load, options) => {
      const report = await call({ kind: 'run', targetId, load, options })
      if (report === null) throw new GateError('internal', 'the load worker gave no window')
      const { startHrtimeNs, ...window } = report
      const agoNs = Number(process.hrtime.bigint() - startHrtimeNs)
      return { startNs: Math.max(0, world.nowNs() - agoNs), ...window }
    },
    closeTarget: (targetId) => {
      // Its only failure is that the thread has ended, and then the target is closed.
      call({ kind: 'closeTarget', targetId }).catch(() => undefined)
    },
    close: async () => {
      world.signal.removeEventListener('abort', onAbort)
      await worker.terminate()
    },
  }
}
