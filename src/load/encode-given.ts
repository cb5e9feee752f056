import type { Problem } from '../domain/error.ts'
import type { Datatype } from './datatypes.ts'
import type { GivenTensor } from './given-data.ts'
import { countStrings, encodeValues, serializeStrings } from './values.ts'

/** A tensor of one inference: without the batch dimension. */
export interface RowTensor {
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** What the model says of a tensor. */
export interface TensorSpec {
  readonly name: string
  readonly datatype: Datatype
  /** −1 is any size. */
  readonly dims: readonly number[]
  /** From `perf_analyzer_flags.shape`. */
  readonly givenShape: readonly number[] | null
}

/** A tensor of a file in the model's datatype and shape; null, and a problem, where it is not that. */
export function encodeGiven(spec: TensorSpec, given: GivenTensor, problems: Problem[]): RowTensor | null {
  const tell = (message: string, remedy: string) => {
    problems.push({ file: given.file, key: given.key, message: `${spec.name}: ${message}`, remedy })
    return null
  }
  const { datatype } = spec
  const expected = `${datatype.name} [${(given.shape ?? spec.givenShape ?? spec.dims).join(', ')}]`
  const data = bytesOf(datatype, given)
  if (typeof data === 'string') return tell(data, `The model takes ${expected} here.`)
  const elements = datatype.kind === 'bytes' ? countStrings(data) : data.length / datatype.bytes
  if (elements === null) {
    return tell(
      'the bytes are no strings, each with its length in 4 bytes before it',
      'Encode them so, or give them as a list.',
    )
  }
  const shape = shapeFor(spec, given.shape, elements)
  if (typeof shape === 'string')
    return tell(shape, 'Correct it, or set the shape; both are without the batch dimension.')
  const wanted = product(shape)
  if (elements !== wanted) {
    const size = (count: number) =>
      datatype.kind === 'bytes' || given.content.kind === 'values'
        ? `${count} elements`
        : `${count * datatype.bytes} bytes`
    return tell(
      `has ${size(elements)}, ${expected} needs ${size(wanted)}`,
      'Give the data of one inference (batch 1), in the datatype of the model.',
    )
  }
  const wrong = invalidElement(datatype, data)
  if (wrong !== null) return tell(wrong, `Is this ${datatype.name}, little-endian?`)
  return { shape, data }
}

/**
 * The shape that goes with the elements: the tensor's own, else that of `perf_analyzer_flags.shape`, else the model's
 * dims, of which one may be dynamic if the elements are counted. In words what is wrong where there is none.
 */
export function shapeFor(
  { dims, givenShape }: Pick<TensorSpec, 'dims' | 'givenShape'>,
  own: readonly number[] | null,
  elements: number | null,
): readonly number[] | string {
  const shape = own ?? givenShape
  if (shape !== null) {
    const fits =
      shape.length === dims.length &&
      shape.every((size, axis) => size > 0 && (dims[axis] === -1 || dims[axis] === size))
    return fits ? shape : `shape [${shape.join(', ')}] does not fit dims [${dims.join(', ')}]`
  }
  const dynamic = dims.filter((size) => size === -1).length
  if (dynamic === 0) return dims
  const rest = product(dims.filter((size) => size !== -1))
  if (dynamic === 1 && elements !== null && elements > 0 && elements % rest === 0)
    return dims.map((size) => (size === -1 ? elements / rest : size))
  return `dims [${dims.join(', ')}] are dynamic and no shape is given`
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1)
}

function bytesOf(datatype: Datatype, { content }: GivenTensor): Uint8Array | string {
  if (content.kind === 'values') return encodeValues(datatype, content.values)
  if (datatype.kind !== 'bytes') return content.bytes
  return content.kind === 'raw' ? content.bytes : serializeStrings(linesOf(content.bytes))
}

/** As perf_analyzer: whatever stands between line feeds; the last line may end without one. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  let start = 0
  while (start < bytes.length) {
    const end = bytes.indexOf(0x0a, start)
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end))
    start = end < 0 ? bytes.length : end + 1
  }
  return lines
}

/** What cannot stand in raw data of a type: other booleans than 0 and 1, NaN, infinities. */
function invalidElement(datatype: Datatype, data: Uint8Array): string | null {
  if (datatype.kind === 'bool') {
    const index = data.findIndex((byte) => byte > 1)
    return index < 0 ? null : `element ${index} is ${data[index]}, neither 0 nor 1`
  }
  if (datatype.kind !== 'float') return null
  const mask = { FP16: 0x7c00, BF16: 0x7f80, FP32: 0x7f80_0000 }[datatype.name] ?? 0x7ff0_0000
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  // The exponent, all ones in what is not finite, is in the last two or four bytes of each element.
  const width = Math.min(4, datatype.bytes)
  for (let offset = datatype.bytes - width; offset < data.length; offset += datatype.bytes) {
    const bits = width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true)
    if ((bits & mask) === mask) return `element ${Math.floor(offset / datatype.bytes)} is not a finite number`
  }
  return null
}
