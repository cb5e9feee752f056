import { createRandom, type Random } from '../stats/random.ts'
import { partOf, type Share } from './share.ts'

/** How the requests to a model with sequence batching belong together, in perf_analyzer's terms. */
export interface SequencePlan {
  readonly idType: 'number' | 'string'
  /** Correlation ids go from `firstId` upwards; after `ids` of them from there again. */
  readonly firstId: number
  readonly ids: number
  /** Requests in a sequence; null = as many as the stream of input data has steps. */
  readonly length: number | null
  /** Lengths are uniform within this share of `length`. */
  readonly lengthVariation: number
  /** Live sequences of an open loop; a closed loop has as many as its concurrency. */
  readonly live: number
  /** A request goes out only when the one before it in its sequence is answered. */
  readonly serial: boolean
  /** Steps of each stream of input data, whose frames follow each other in the target's; null = all sequences share all frames. */
  readonly streams: readonly number[] | null
}

export interface Sequence {
  readonly id: number | string
  /** Requests. */
  readonly length: number
  /** Index of the frame of its n-th request. */
  readonly frameOf: (n: number) => number
}

/** Correlation ids, never one that is still live. Threads share a server and so deal the range among them. */
export class SequenceIds {
  readonly #plan: SequencePlan
  readonly #share: Share
  readonly #own: number
  readonly #live = new Set<number>()
  #next = 0

  constructor(plan: SequencePlan, share: Share) {
    this.#plan = plan
    this.#share = share
    this.#own = partOf(plan.ids, share)
  }

  /** @throws RangeError where all are live */
  take(): number {
    for (let tried = 0; tried < this.#own; tried++) {
      const id = this.#plan.firstId + this.#share.index + this.#next * this.#share.of
      this.#next = (this.#next + 1) % this.#own
      if (this.#live.has(id)) continue
      this.#live.add(id)
      return id
    }
    throw new RangeError(`all ${this.#own} correlation ids are live`)
  }

  release(id: number): void {
    this.#live.delete(id)
  }
}

/** Makes the sequences of one run: the same for the same seed, so that two sides get the same. */
export class SequenceSource {
  readonly #plan: SequencePlan
  readonly #share: Share
  readonly #ids: SequenceIds
  readonly #frames: number
  readonly #random: Random
  readonly #firstFrames: readonly number[]
  #made = 0

  constructor(plan: SequencePlan, share: Share, ids: SequenceIds, frames: number, seed: number) {
    this.#plan = plan
    this.#share = share
    this.#ids = ids
    this.#frames = frames
    this.#random = createRandom(seed * share.of + share.index)
    this.#firstFrames = (plan.streams ?? []).map((_, index, all) => sum(all.slice(0, index)))
  }

  /**
   * The next sequence. The `first` of each slot is cut to a random length: under steady load the sequences that are
   * live when one begins to look are anywhere between start and end, and a short window would see only their starts.
   */
  begin(first: boolean): Sequence & { readonly release: () => void } {
    const number = this.#share.index + this.#made++ * this.#share.of
    const stream = this.#plan.streams === null ? null : number % this.#plan.streams.length
    const steps = stream === null ? this.#frames : (this.#plan.streams?.[stream] ?? 1)
    const offset = stream === null ? number : 0
    const firstFrame = stream === null ? 0 : (this.#firstFrames[stream] ?? 0)
    const whole = this.#lengthOf(steps)
    const id = this.#ids.take()
    return {
      id: this.#plan.idType === 'string' ? String(id) : id,
      length: first ? 1 + this.#random.integer(whole) : whole,
      frameOf: (n) => firstFrame + ((offset + n) % steps),
      release: () => this.#ids.release(id),
    }
  }

  #lengthOf(steps: number): number {
    const { length, lengthVariation } = this.#plan
    if (length === null) return steps
    const least = Math.max(1, Math.ceil(length * (1 - lengthVariation)))
    const most = Math.max(least, Math.floor(length * (1 + lengthVariation)))
    return least + this.#random.integer(most - least + 1)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
