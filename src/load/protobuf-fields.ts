/**
 * Calls with the number and value of each field of a protobuf message: bytes as a view, a varint as a number, null for
 * fixed-width ones.
 * @throws RangeError where the bytes are no message
 */
export function eachField(
  message: Buffer,
  onField: (number: number, value: Buffer | number | null) => void,
): void {
  const reader = new VarintReader(message)
  while (reader.at < message.length) {
    const tag = reader.next()
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        onField(number, reader.next())
        break
      case 1:
        reader.at += 8
        onField(number, null)
        break
      case 2: {
        const length = reader.next()
        const start = reader.at
        if (start + length > message.length) throw new RangeError('a message that ends within a field')
        onField(number, message.subarray(start, start + length))
        reader.at = start + length
        break
      }
      case 5:
        reader.at += 4
        onField(number, null)
        break
      default:
        throw new RangeError(`wire type ${tag % 8}`)
    }
  }
}

/** The numbers of a packed field, exact to 2^53. @throws RangeError where the last one is cut off */
export function packedVarints(bytes: Buffer): number[] {
  const reader = new VarintReader(bytes)
  const values: number[] = []
  while (reader.at < bytes.length) values.push(reader.next())
  return values
}

class VarintReader {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  next(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw new RangeError('a message that ends within a field')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
}
