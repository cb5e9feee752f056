import type { World } from '../domain/world.ts'
import { type LoadThread, startLoadThread } from './load-thread.ts'

/** The load threads, in lanes: targets that are under load at once share none. */
export class Lanes {
  readonly #world: World
  readonly #lanes = new Map<number, LoadThread[]>()
  #growing: Promise<void> = Promise.resolve()

  constructor(world: World) {
    this.#world = world
  }

  /** The first so many threads of a lane; those that it lacks are started. */
  async threads(lane: number, count: number): Promise<readonly LoadThread[]> {
    const pool = this.#lanes.get(lane) ?? []
    this.#lanes.set(lane, pool)
    // One after the other: the two sides' targets are opened at once, and share the threads of their lane.
    this.#growing = this.#growing.then(async () => {
      while (pool.length < count) pool.push(await startLoadThread(this.#world))
    })
    await this.#growing
    return pool.slice(0, count)
  }

  /** How many threads all lanes but this one have. */
  threadsBeside(lane: number): number {
    return [...this.#lanes].reduce((sum, [other, pool]) => sum + (other === lane ? 0 : pool.length), 0)
  }

  async close(): Promise<void> {
    await this.#growing.catch(() => undefined)
    await Promise.all([...this.#lanes.values()].flat().map((thread) => thread.close()))
  }
}
