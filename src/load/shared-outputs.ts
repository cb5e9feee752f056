import { closeSync, openSync, readSync } from 'node:fs'
import { GateError, messageOf } from '../domain/error.ts'
import type { AnsweredOutput } from './infer-response.ts'
import type { OutputSlot, SharedOutputs } from './protocol.ts'

/**
 * The bytes that the answer left in its slot; null where it has none.
 * @throws RangeError where what stands there is no such output
 */
export type ReadSlot = (output: Pick<AnsweredOutput, 'name' | 'shape'>) => Buffer | null

/**
 * Reads outputs where the server has put them. Node maps no memory, but a region is a file of tmpfs, whose pages
 * a read copies. A slot is shared by all requests with the same inputs, so by a comparison that is wrong only where one
 * of them is: whichever wrote last, the right bytes are the same.
 */
export class SharedOutputReader {
  readonly #file: number
  readonly #slots: SharedOutputs['slots']

  /** @throws GateError `environment` where the region cannot be opened */
  constructor({ path, slots }: SharedOutputs) {
    this.#slots = slots
    try {
      this.#file = openSync(path, 'r')
    } catch (error) {
      throw new GateError('environment', `the outputs in shared memory cannot be read: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** For the answers to one frame. */
  ofFrame(frame: number): ReadSlot {
    const slots = new Map((this.#slots[frame] ?? []).map((slot) => [slot.name, slot]))
    return ({ name, shape }) => {
      const slot = slots.get(name)
      return slot === undefined ? null : this.#read(slot, shape)
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #read(slot: OutputSlot, shape: readonly number[]): Buffer {
    const elements = shape.reduce((product, dim) => product * dim, 1)
    if (slot.elementBytes === null) return texts(this.#bytes(slot, slot.byteSize), elements)
    const length = elements * slot.elementBytes
    if (length > slot.byteSize)
      throw new RangeError(`output '${slot.name}' of ${length} bytes in a slot of ${slot.byteSize}`)
    return this.#bytes(slot, length)
  }

  #bytes({ name, offset }: OutputSlot, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length)
    const read = readSync(this.#file, buffer, 0, length, offset)
    if (read === length) return buffer
    throw new RangeError(`output '${name}' lies beyond the end of its region`)
  }
}

/** So many strings, each a length in 4 bytes and its bytes, of a slot that is mostly longer. */
function texts(slot: Buffer, elements: number): Buffer {
  let end = 0
  for (let element = 0; element < elements; element++) {
    if (end + 4 > slot.length) throw new RangeError('strings that end beyond their slot')
    end += 4 + slot.readUInt32LE(end)
  }
  if (end > slot.length) throw new RangeError('strings that end beyond their slot')
  return slot.subarray(0, end)
}
