import type { InputSettings } from '../config/config.ts'
import { DataType } from '../proto/model_config_pb.js'

/**
 * How elements of a type are made: `write` puts one at `offset`, from a uniform number in [0, 1).
 *
 * Floats lie in [0, 1), what a normalised input looks like: never NaN, infinite or denormal, which some
 * kernels compute many times slower. UINT8 is a pixel, 0 to 255. Other integers stay in 0 to 127: as an
 * index or token id that is inside nearly any vocabulary, where a random 32-bit number would be outside all.
 */
interface ElementType {
  readonly name: string
  readonly bytes: number
  readonly write: (view: DataView, offset: number, uniform: number) => void
}

const smallInteger = (uniform: number) => Math.floor(uniform * 128)

const elementTypes: Partial<Record<DataType, ElementType>> = {
  [DataType.TYPE_BOOL]: { name: 'BOOL', bytes: 1, write: (v, o, u) => v.setUint8(o, u < 0.5 ? 0 : 1) },
  [DataType.TYPE_UINT8]: { name: 'UINT8', bytes: 1, write: (v, o, u) => v.setUint8(o, Math.floor(u * 256)) },
  [DataType.TYPE_INT8]: { name: 'INT8', bytes: 1, write: (v, o, u) => v.setInt8(o, smallInteger(u)) },
  [DataType.TYPE_UINT16]: {
    name: 'UINT16',
    bytes: 2,
    write: (v, o, u) => v.setUint16(o, smallInteger(u), true),
  },
  [DataType.TYPE_INT16]: {
    name: 'INT16',
    bytes: 2,
    write: (v, o, u) => v.setInt16(o, smallInteger(u), true),
  },
  [DataType.TYPE_UINT32]: {
    name: 'UINT32',
    bytes: 4,
    write: (v, o, u) => v.setUint32(o, smallInteger(u), true),
  },
  [DataType.TYPE_INT32]: {
    name: 'INT32',
    bytes: 4,
    write: (v, o, u) => v.setInt32(o, smallInteger(u), true),
  },
  // The upper half of a 64-bit element stays 0, as the buffer came.
  [DataType.TYPE_UINT64]: {
    name: 'UINT64',
    bytes: 8,
    write: (v, o, u) => v.setUint32(o, smallInteger(u), true),
  },
  [DataType.TYPE_INT64]: {
    name: 'INT64',
    bytes: 8,
    write: (v, o, u) => v.setUint32(o, smallInteger(u), true),
  },
  [DataType.TYPE_FP16]: { name: 'FP16', bytes: 2, write: (v, o, u) => v.setUint16(o, fp16Bits(u), true) },
  [DataType.TYPE_BF16]: {
    name: 'BF16',
    bytes: 2,
    write: (v, o, u) => v.setUint16(o, fp32Bits(u) >>> 16, true),
  },
  [DataType.TYPE_FP32]: { name: 'FP32', bytes: 4, write: (v, o, u) => v.setUint32(o, fp32Bits(u), true) },
  [DataType.TYPE_FP64]: { name: 'FP64', bytes: 8, write: (v, o, u) => v.setFloat64(o, u, true) },
}

/** Triton's wire name of a type; null for one that has no tensors (TYPE_INVALID, or newer than this program). */
export function datatypeName(type: DataType): string | null {
  return type === DataType.TYPE_STRING ? 'BYTES' : (elementTypes[type]?.name ?? null)
}

/** `elements` values of a type as raw tensor bytes, random from `uniform` (numbers in [0, 1)) or zero. */
export function tensorData(
  type: DataType,
  elements: number,
  settings: InputSettings,
  uniform: () => number,
): Uint8Array {
  if (type === DataType.TYPE_STRING) return stringData(elements, settings, uniform)
  const element = elementTypes[type]
  if (element === undefined) throw new RangeError(`data type ${type} has no tensors`)
  const data = new Uint8Array(elements * element.bytes)
  if (settings.data === 'zero') return data
  const view = new DataView(data.buffer)
  for (let offset = 0; offset < data.length; offset += element.bytes) element.write(view, offset, uniform())
  return data
}

function stringData(elements: number, settings: InputSettings, uniform: () => number): Uint8Array {
  const parts: Buffer[] = []
  for (let index = 0; index < elements; index++) {
    const text = Buffer.from(settings.stringData ?? makeString(settings, uniform))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    parts.push(length, text)
  }
  return Buffer.concat(parts)
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** Lower-case letters; with `zero` data the empty string, perf_analyzer's zero of a string. */
function makeString({ data, stringLength }: InputSettings, uniform: () => number): string {
  if (data === 'zero') return ''
  let text = ''
  for (let index = 0; index < stringLength; index++) text += letters[Math.floor(uniform() * letters.length)]
  return text
}

const scratch = new DataView(new ArrayBuffer(4))

/** Bits of a number in [0, 1) as IEEE 754 single; rounded down below 1, flushed to 0 where it would be denormal. */
function fp32Bits(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const one = 0x3f80_0000
  if (bits >= one) return one - 1
  return bits < 0x0080_0000 ? 0 : bits
}

/** Bits of a number in [0, 1) as IEEE 754 half: exponent re-biased from 127 to 15, mantissa cut to 10 bits. */
function fp16Bits(value: number): number {
  const bits = fp32Bits(value)
  const exponent = (bits >>> 23) - 127 + 15
  return exponent < 1 ? 0 : (exponent << 10) | ((bits & 0x7f_ffff) >>> 13)
}
