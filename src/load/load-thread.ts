import { Worker } from 'node:worker_threads'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import type { Command, CommandMessage, ReplyMessage, ThreadReport } from './protocol.ts'

/** One worker thread that sends requests. */
export interface LoadThread {
  /** Resolves with what the command gave; rejects with its error, or why the thread is no more. */
  readonly call: (command: Command) => Promise<ThreadReport | null>
  /** Ends the thread and so all its connections. */
  readonly close: () => Promise<void>
}

/** A thread that has not ended by then does not come to its messages. */
const patienceMs = 2000

interface Pending {
  readonly resolve: (report: ThreadReport | null) => void
  readonly reject: (error: GateError) => void
}

/** Starts one. Close it in a `finally`, or the process does not end. */
export async function startLoadThread(world: World): Promise<LoadThread> {
  const worker = new Worker(world.loadWorker, { name: 'load', execArgv: [] })
  const exited = new Promise((resolve) => worker.once('exit', resolve))
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
  await new Promise((resolve) => worker.once('online', resolve))
  return {
    call: (command) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended)
          return
        }
        const id = ++lastId
        pending.set(id, { resolve, reject })
        worker.postMessage({ id, command } satisfies CommandMessage)
      }),
    close: async () => {
      world.signal.removeEventListener('abort', onAbort)
      // At a point of its own: what is terminated stops wherever it is, and in the middle of Node's own code that has
      // taken whole processes down.
      worker.postMessage({ id: ++lastId, command: { kind: 'end' } } satisfies CommandMessage)
      const patience = setTimeout(() => void worker.terminate(), patienceMs)
      await exited
      clearTimeout(patience)
    },
  }
}

/** All answers, or the first error, but not before all have answered: a thread must not be told two things at a time. */
export async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
