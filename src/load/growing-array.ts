const initialCapacity = 4096

/** Numbers at 8 bytes each, for the hot path: nothing is allocated for most of them. */
export class GrowingArray {
  #values = new Float64Array(initialCapacity)
  #count = 0

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(2 * this.#values.length)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#count++] = value
  }

  /** A copy, in the order in which they came. */
  toArray(): Float64Array {
    return this.#values.slice(0, this.#count)
  }
}
