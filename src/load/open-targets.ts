import { GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { Lanes } from './lanes.ts'
import { type LoadThread, settled } from './load-thread.ts'
import type { LoadTarget } from './protocol.ts'

export interface OpenTarget {
  readonly target: LoadTarget
  /** Its load is shared out to these. */
  readonly threads: readonly LoadThread[]
  /** Over all of them together. */
  readonly connections: number
  /** Why there are so many threads and no more. */
  readonly threadsReason: string
  /** How many were measured. */
  windows: number
}

/** The targets that the load threads are connected to. */
export class OpenTargets {
  readonly #lanes: Lanes
  readonly #cores: number
  readonly #targets = new Map<string, OpenTarget>()
  /** Threads that a target's load has once needed, kept for when it is opened again on a fresh server. */
  readonly #needed = new Map<string, number>()

  /** @param cores of the machine: no more threads than these */
  constructor(lanes: Lanes, cores: number) {
    this.#lanes = lanes
    this.#cores = cores
  }

  /** @throws GateError `internal` where it is not open */
  get(targetId: string): OpenTarget {
    const opened = this.#targets.get(targetId)
    if (opened === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
    return opened
  }

  open(target: LoadTarget): Promise<void> {
    const count = this.#needed.get(target.id) ?? 1
    return this.#connect(target, count, count === 1 ? 'one was enough' : 'fewer were not enough before')
  }

  /** @see LoadGenerator.widen */
  async widen(targetIds: readonly string[], load: Load): Promise<boolean> {
    const opened = targetIds.map((id) => this.#targets.get(id)).filter((each) => each !== undefined)
    const now = Math.max(0, ...opened.map(({ threads }) => threads.length))
    const free = Math.max(1, this.#cores - this.#lanes.threadsBeside(opened[0]?.target.lane ?? 0))
    const most = Math.min(free, load.mode === 'concurrency' ? load.concurrency : free)
    const count = Math.min(2 * now, most)
    if (count <= now) return false
    const limit = count === most ? `, and ${limitOf(free, most)}` : ''
    for (const { target } of opened) {
      this.close(target.id)
      this.#needed.set(target.id, count)
      await this.#connect(target, count, `${now} ${now === 1 ? 'was' : 'were'} not enough${limit}`)
    }
    return opened.length > 0
  }

  close(targetId: string): void {
    const opened = this.#targets.get(targetId)
    if (opened === undefined) return
    this.#targets.delete(targetId)
    closeOn(opened.threads, targetId)
  }

  async #connect(target: LoadTarget, count: number, threadsReason: string): Promise<void> {
    const threads = await this.#lanes.threads(target.lane ?? 0, count)
    const connections = Math.ceil(target.connections / count) * count
    const opening = threads.map((thread, index) =>
      thread.call({ kind: 'open', target: { ...target, connections }, share: { index, of: count } }),
    )
    try {
      await settled(opening)
    } catch (error) {
      if (!this.#targets.has(target.id)) closeOn(threads, target.id)
      throw error
    }
    this.#targets.set(target.id, { target, threads, connections, threadsReason, windows: 0 })
  }
}

function closeOn(threads: readonly LoadThread[], targetId: string): void {
  // Its only failure is that the thread has ended, and then the target is closed.
  for (const thread of threads) thread.call({ kind: 'closeTarget', targetId }).catch(() => undefined)
}

function limitOf(cores: number, most: number): string {
  return most === cores ? `the machine has ${cores} cores` : `the load has ${most} requests at a time`
}
