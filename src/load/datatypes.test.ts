import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DataType } from '../proto/model_config_pb.js'
import { datatypeOf, type FixedType } from './datatypes.ts'
import { encodeValues } from './values.ts'

/** What each type's bytes are, taken from the formats' definitions and from Triton's own client library. */
const golden: readonly [keyof typeof DataType, readonly unknown[], string][] = [
  ['TYPE_BOOL', [true, false, 1, 0], '01000100'],
  ['TYPE_UINT8', [0, 255], '00ff'],
  ['TYPE_INT8', [-128, 127], '807f'],
  ['TYPE_UINT16', [65_535, 258], 'ffff0201'],
  ['TYPE_INT16', [-2, 258], 'feff0201'],
  ['TYPE_UINT32', [4_294_967_295], 'ffffffff'],
  ['TYPE_INT32', [-2_147_483_648, 1], '0000008001000000'],
  ['TYPE_UINT64', ['18446744073709551615'], 'ffffffffffffffff'],
  ['TYPE_INT64', ['-9223372036854775808', 1], '00000000000000800100000000000000'],
  ['TYPE_FP16', [1, -2, 65_504, 2 ** -24, 0.1, -0], '003c00c0ff7b0100662e0080'],
  ['TYPE_BF16', [1, -2, 3.140625, 0.1, -0], '803f00c04940cd3d0080'],
  ['TYPE_FP32', [1, -0.5], '0000803f000000bf'],
  ['TYPE_FP64', [1, -0.5], '000000000000f03f000000000000e0bf'],
  ['TYPE_STRING', ['a', '', 'ß'], '0100000061' + '00000000' + '02000000c39f'],
]

function typeOf(name: keyof typeof DataType) {
  const type = datatypeOf(DataType[name])
  if (type === null) throw new Error(`no ${name}`)
  return type
}

test.each(golden)('%s: the bytes of %j', (name, values, hex) => {
  const data = encodeValues(typeOf(name), values)
  expect(Buffer.from(data as Uint8Array).toString('hex')).toBe(hex)
})

test('every datatype of Triton but the invalid one is known', () => {
  const unknown = Object.values(DataType).filter(
    (type) => typeof type === 'number' && datatypeOf(type) === null,
  )
  expect(unknown).toEqual([DataType.TYPE_INVALID])
})

/** Every finite value of a 16-bit float, by exponent and fraction. */
function table(fractionBits: number, bias: number): { bits: number; value: number }[] {
  const exponents = 2 ** (15 - fractionBits) - 1
  return Array.from({ length: exponents * 2 ** fractionBits }, (_, bits) => {
    const exponent = bits >> fractionBits
    const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits
    const value = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias)
    return { bits, value }
  })
}

test.each([
  ['TYPE_FP16', 10, 15],
  ['TYPE_BF16', 7, 127],
] as const)(
  '%s: every finite number comes back, and others go to the nearest, ties to even',
  (name, fraction, bias) => {
    const type = typeOf(name) as FixedType
    const written = (value: number) => {
      const view = new DataView(new ArrayBuffer(2))
      type.write(view, 0, value)
      return view.getUint16(0, true)
    }
    const numbers = table(fraction, bias)
    for (const { bits, value } of numbers) {
      expect(written(value)).toBe(bits)
      expect(written(-value)).toBe(bits | 0x8000)
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: numbers.length - 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (index, part) => {
          const [low, high] = numbers.slice(index, index + 2)
          if (low === undefined || high === undefined) throw new Error('beyond the table')
          const value = low.value + part * (high.value - low.value)
          const middle = (low.value + high.value) / 2
          const even = low.bits % 2 === 0 ? low.bits : high.bits
          expect(written(value)).toBe(value < middle ? low.bits : value > middle ? high.bits : even)
        },
      ),
    )
  },
)

test.each([
  ['TYPE_INT8', 128, '128 is beyond INT8, which goes from -128 to 127'],
  ['TYPE_UINT32', -1, '-1 is beyond UINT32'],
  ['TYPE_INT64', '9223372036854775808', 'is beyond INT64'],
  ['TYPE_INT64', 2 ** 60, 'has lost its last digits'],
  ['TYPE_INT32', 1.5, '1.5 is not an integer, as INT32 needs'],
  ['TYPE_INT32', '1', null],
  ['TYPE_INT32', 'one', '"one" is not a number'],
  ['TYPE_FP16', 65_505, 'is beyond FP16'],
  ['TYPE_FP32', 1e39, 'is beyond FP32'],
  ['TYPE_FP64', Number.POSITIVE_INFINITY, 'Infinity is not a finite number'],
  ['TYPE_FP32', null, 'null is not a number'],
  ['TYPE_BOOL', 2, '2 is not true, false, 1 or 0'],
  ['TYPE_STRING', 1, '1 is not a string'],
] as const)('%s of %s: %s', (name, value, message) => {
  const data = encodeValues(typeOf(name), [value])
  if (message === null) expect(data).toBeInstanceOf(Uint8Array)
  else expect(data).toMatch(`element 0: `)
  if (message !== null) expect(data).toContain(message)
})
