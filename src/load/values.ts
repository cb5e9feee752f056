import type { Datatype, FixedType } from './datatypes.ts'

/**
 * Elements as tensor bytes, or what is wrong with the first that cannot be one, with its index. Integers may be
 * strings of digits: JSON's numbers hold 64-bit integers only up to 2^53.
 */
export function encodeValues(datatype: Datatype, values: readonly unknown[]): Uint8Array | string {
  if (datatype.kind === 'bytes') return encodeStrings(values)
  const data = new Uint8Array(values.length * datatype.bytes)
  const view = new DataView(data.buffer)
  for (const [index, value] of values.entries()) {
    const element = elementOf(datatype, value)
    if (typeof element === 'string') return `element ${index}: ${element}`
    datatype.write(view, index * datatype.bytes, element)
  }
  return data
}

function encodeStrings(values: readonly unknown[]): Uint8Array | string {
  const wrong = values.findIndex((value) => typeof value !== 'string')
  if (wrong >= 0) return `element ${wrong}: ${show(values[wrong])} is not a string`
  return serializeStrings(values.map((value) => Buffer.from(String(value))))
}

/** Triton's form of strings: for each its length in 4 bytes, then its bytes. */
export function serializeStrings(texts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(text.length)
      return [length, text]
    }),
  )
}

/** How many strings raw bytes hold; null where they are not in Triton's form. */
export function countStrings(data: Uint8Array): number | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let count = 0
  let offset = 0
  while (offset < data.length) {
    if (offset + 4 > data.length) return null
    offset += 4 + view.getUint32(offset, true)
    count++
  }
  return offset === data.length ? count : null
}

/** The value as one that the type can hold, else what is wrong with it. */
export function elementOf(type: FixedType, value: unknown): number | bigint | string {
  if (type.kind === 'bool') {
    if (value === true || value === 1) return 1
    if (value === false || value === 0) return 0
    return `${show(value)} is not true, false, 1 or 0`
  }
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : value
  if (typeof number !== 'number' && typeof number !== 'bigint') return `${show(value)} is not a number`
  if (typeof number === 'number' && !Number.isFinite(number)) return `${number} is not a finite number`
  if (type.kind === 'integer' && typeof number === 'number') {
    if (!Number.isInteger(number)) return `${number} is not an integer, as ${type.name} needs`
    if (!Number.isSafeInteger(number))
      return `${number} has lost its last digits: write it as a string of digits`
  }
  if (number < type.min || number > type.max)
    return `${number} is beyond ${type.name}, which goes from ${type.min} to ${type.max}`
  return number
}

function show(value: unknown): string {
  const text = String(JSON.stringify(value))
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
