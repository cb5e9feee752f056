import { DataType } from '../proto/model_config_pb.js'

/** A type whose elements all have the same size. */
export interface FixedType {
  readonly kind: 'bool' | 'integer' | 'float'
  /** Triton's name on the wire. */
  readonly name: string
  /** Of one element. */
  readonly bytes: number
  /** The least and the highest finite value. */
  readonly min: number | bigint
  readonly max: number | bigint
  /** Puts a value within these limits at `offset`, little-endian; floats are rounded to the nearest, ties to even. */
  readonly write: (view: DataView, offset: number, value: number | bigint) => void
}

/** Strings: each element is its length in 4 bytes, then its bytes. */
interface BytesType {
  readonly kind: 'bytes'
  readonly name: 'BYTES'
}

export type Datatype = FixedType | BytesType

const bytesType: BytesType = { kind: 'bytes', name: 'BYTES' }

function integer(name: string, bits: number, signed: boolean, write: FixedType['write']): FixedType {
  const min = signed ? -(2n ** BigInt(bits - 1)) : 0n
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n
  return { kind: 'integer', name, bytes: bits / 8, min, max, write }
}

function float(name: string, bytes: number, max: number, write: FixedType['write']): FixedType {
  return { kind: 'float', name, bytes, min: -max, max, write }
}

/** The largest finite values: (2 − 2^−p) · 2^e, with p bits of fraction and e the highest exponent. */
const maxFp16 = 65_504
const maxBf16 = (2 - 2 ** -7) * 2 ** 127
const maxFp32 = (2 - 2 ** -23) * 2 ** 127

const datatypes: Partial<Record<DataType, Datatype>> = {
  [DataType.TYPE_STRING]: bytesType,
  [DataType.TYPE_BOOL]: {
    kind: 'bool',
    name: 'BOOL',
    bytes: 1,
    min: 0,
    max: 1,
    write: (view, offset, value) => view.setUint8(offset, Number(value)),
  },
  [DataType.TYPE_UINT8]: integer('UINT8', 8, false, (v, o, x) => v.setUint8(o, Number(x))),
  [DataType.TYPE_UINT16]: integer('UINT16', 16, false, (v, o, x) => v.setUint16(o, Number(x), true)),
  [DataType.TYPE_UINT32]: integer('UINT32', 32, false, (v, o, x) => v.setUint32(o, Number(x), true)),
  [DataType.TYPE_UINT64]: integer('UINT64', 64, false, (v, o, x) => v.setBigUint64(o, BigInt(x), true)),
  [DataType.TYPE_INT8]: integer('INT8', 8, true, (v, o, x) => v.setInt8(o, Number(x))),
  [DataType.TYPE_INT16]: integer('INT16', 16, true, (v, o, x) => v.setInt16(o, Number(x), true)),
  [DataType.TYPE_INT32]: integer('INT32', 32, true, (v, o, x) => v.setInt32(o, Number(x), true)),
  [DataType.TYPE_INT64]: integer('INT64', 64, true, (v, o, x) => v.setBigInt64(o, BigInt(x), true)),
  [DataType.TYPE_FP16]: float('FP16', 2, maxFp16, (v, o, x) => v.setUint16(o, fp16Bits(Number(x)), true)),
  [DataType.TYPE_BF16]: float('BF16', 2, maxBf16, (v, o, x) => v.setUint16(o, bf16Bits(Number(x)), true)),
  [DataType.TYPE_FP32]: float('FP32', 4, maxFp32, (v, o, x) => v.setFloat32(o, Number(x), true)),
  [DataType.TYPE_FP64]: float('FP64', 8, Number.MAX_VALUE, (v, o, x) => v.setFloat64(o, Number(x), true)),
}

/** null for a type that has no tensors (TYPE_INVALID, or newer than this program). */
export function datatypeOf(type: DataType): Datatype | null {
  return datatypes[type] ?? null
}

/** IEEE 754 half precision. */
function fp16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  // In units of the last place at this size: below 2^-14 the numbers are denormal, all with the same unit.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  const steps = roundToEven(size / 2 ** (exponent - 10))
  // A fraction that is rounded up to the next power of two carries into the exponent by itself.
  return sign | (steps + (exponent + 14) * 0x400)
}

/** The upper half of a single. */
function bf16Bits(value: number): number {
  // Rounded once, from the double: through a single it would be twice.
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  const exponent = Math.max(-126, Math.floor(Math.log2(size)))
  const steps = roundToEven(size / 2 ** (exponent - 7))
  return sign | (steps + (exponent + 126) * 0x80)
}

function roundToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}
