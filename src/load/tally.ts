/** Bytes of the memory that the threads of one run share: requests, whether prolonged, and the common end. */
const byteLength = 16

export function tallyMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(byteLength)
}

/**
 * What the threads of one run agree on while a window is prolonged until it holds enough requests: how many it
 * holds, and when it ended, as the first thread that saw it says.
 */
export class Tally {
  readonly #counts: Int32Array
  readonly #endHrtimeNs: BigInt64Array

  constructor(memory: SharedArrayBuffer) {
    this.#counts = new Int32Array(memory, 0, 2)
    this.#endHrtimeNs = new BigInt64Array(memory, 8, 1)
  }

  get requests(): number {
    return Atomics.load(this.#counts, 0)
  }

  get prolonged(): boolean {
    return Atomics.load(this.#counts, 1) === 1
  }

  countRequest(prolonging: boolean): void {
    Atomics.add(this.#counts, 0, 1)
    if (prolonging) Atomics.store(this.#counts, 1, 1)
  }

  /** null until a thread has set it. */
  get endHrtimeNs(): bigint | null {
    const end = Atomics.load(this.#endHrtimeNs, 0)
    return end === 0n ? null : end
  }

  /** The end that holds: this one, or the one that another thread set before. */
  agreeOnEnd(hrtimeNs: bigint): bigint {
    const before = Atomics.compareExchange(this.#endHrtimeNs, 0, 0n, hrtimeNs)
    return before === 0n ? hrtimeNs : before
  }
}

export function outstandingMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(4)
}

/** The window's requests that are out, of one thread, or with shared memory of all targets that are under load at once. */
export class Outstanding {
  readonly #count: Int32Array

  constructor(memory: SharedArrayBuffer = outstandingMemory()) {
    this.#count = new Int32Array(memory)
  }

  get any(): boolean {
    return Atomics.load(this.#count, 0) > 0
  }

  sent(): void {
    Atomics.add(this.#count, 0, 1)
  }

  ended(): void {
    Atomics.sub(this.#count, 0, 1)
  }
}
