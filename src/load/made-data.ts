import type { InputSettings, InputSource } from '../config/config.ts'
import type { Random } from '../stats/random.ts'
import type { Datatype, FixedType } from './datatypes.ts'
import { serializeStrings } from './values.ts'

type Range = Pick<Extract<InputSource, { kind: 'range' }>, 'min' | 'max'>

/**
 * What elements are where nothing is said of them. Floats lie from 0 to 1, what a normalised input looks like: never
 * NaN, infinite or denormal, which some kernels compute many times slower. UINT8 is a pixel, 0 to 255. Other integers
 * stay in 0 to 127: as an index or token id that is inside nearly any vocabulary, where a random 32-bit number would
 * be outside all.
 */
function defaultRange(type: FixedType): Range {
  if (type.name === 'UINT8') return { min: 0, max: 255 }
  return { min: 0, max: type.kind === 'integer' ? 127 : 1 }
}

/** Random elements of a type as tensor bytes: integers with both ends, floats from `min` on, rounded up to `max` at most. */
export function randomData(type: FixedType, elements: number, range: Range, random: Random): Uint8Array {
  const data = new Uint8Array(elements * type.bytes)
  const view = new DataView(data.buffer)
  const { min, max } = range
  for (let offset = 0; offset < data.length; offset += type.bytes) {
    type.write(view, offset, drawn(type, min, max, random))
  }
  return data
}

function drawn(type: FixedType, min: number, max: number, random: Random): number {
  const uniform = random.uniform()
  if (type.kind !== 'float') return Math.min(max, min + Math.floor(uniform * (max - min + 1)))
  // By halves: the difference of the ends may be beyond the largest double.
  const value = Math.min(max, min * (1 - uniform) + max * uniform)
  return Math.abs(value) < smallestNormal(type) ? 0 : value
}

/** 2^−14, 2^−126, 2^−1022. */
function smallestNormal({ name }: FixedType): number {
  if (name === 'FP16') return 2 ** -14
  return name === 'FP64' ? 2 ** -1022 : 2 ** -126
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** Data for an input of which nothing is said but `random` or `zero`. The zero of a string is the empty one, as in perf_analyzer. */
export function madeData(
  type: Datatype,
  elements: number,
  settings: InputSettings,
  random: Random,
): Uint8Array {
  if (type.kind !== 'bytes') {
    return settings.data === 'zero'
      ? new Uint8Array(elements * type.bytes)
      : randomData(type, elements, defaultRange(type), random)
  }
  const text = (): string => {
    if (settings.stringData !== null) return settings.stringData
    if (settings.data === 'zero') return ''
    return Array.from({ length: settings.stringLength }, () => letters[random.integer(letters.length)]).join(
      '',
    )
  }
  return serializeStrings(Array.from({ length: elements }, () => Buffer.from(text())))
}
