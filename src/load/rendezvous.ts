/** How often a thread that waits for the others looks whether they have come. */
const lookMs = 1

/** From when the last one has come: the others look that often, and their timers are late by as much on a busy machine. */
const leadNs = 3_000_000n

/** A thread that has not come by then has ended, which its own call says: the others do not wait for ever. */
const patienceNs = 5_000_000_000n

export function rendezvousMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(16)
}

/** Where threads wait for each other, so that all begin at the same time however late a message reaches one of them. */
export class Rendezvous {
  readonly #arrivals: Int32Array
  readonly #startHrtimeNs: BigInt64Array
  readonly #parties: number

  constructor(memory: SharedArrayBuffer, parties: number) {
    this.#arrivals = new Int32Array(memory, 0, 1)
    this.#startHrtimeNs = new BigInt64Array(memory, 8, 1)
    this.#parties = parties
  }

  /** When all begin (process.hrtime), once every one has come. */
  async start(): Promise<bigint> {
    const deadlineNs = process.hrtime.bigint() + patienceNs
    this.#come()
    for (;;) {
      const startNs = Atomics.load(this.#startHrtimeNs, 0)
      if (startNs !== 0n) return startNs
      if (process.hrtime.bigint() > deadlineNs) this.#agree(process.hrtime.bigint())
      else await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  /** For one that cannot take part: the others do not wait for it. */
  leave(): void {
    this.#come()
  }

  #come(): void {
    const arrived = Atomics.add(this.#arrivals, 0, 1) + 1
    if (arrived === this.#parties) this.#agree(process.hrtime.bigint() + leadNs)
  }

  #agree(startNs: bigint): void {
    Atomics.compareExchange(this.#startHrtimeNs, 0, 0n, startNs)
  }
}
