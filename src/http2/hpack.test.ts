import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Field, HpackDecoder, HpackEncoder } from './hpack.ts'

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

function decode(decoder: HpackDecoder, block: Buffer): Field[] {
  return decoder.decode(block, 0, block.length)
}

test('reads the responses of RFC 7541, appendix C.6: Huffman codes, and a table that overflows', () => {
  const decoder = new HpackDecoder(256)
  const first = bytesOf(
    `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
     97c8 e9ae 82ae 43d3`,
  )
  const second = bytesOf('4883 640e ffc1 c0bf')
  const third = bytesOf(
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
     cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  )
  const common: Field[] = [
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ]
  expect(decode(decoder, first)).toEqual([[':status', '302'], ...common])
  expect(decode(decoder, second)).toEqual([[':status', '307'], ...common])
  expect(decode(decoder, third)).toEqual([
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ])
})

test('writes the requests of RFC 7541, appendix C.3', () => {
  const encoder = new HpackEncoder()
  const common: Field[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ]
  expect(encoder.encode(common)).toEqual(bytesOf('8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d'))
  expect(encoder.encode([...common, ['cache-control', 'no-cache']])).toEqual(
    bytesOf('8286 84be 5808 6e6f 2d63 6163 6865'),
  )
})

const text = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength })
    .map((codes) => Buffer.from(codes).toString('latin1'))
const block = fc.array(fc.tuple(text(12), text(300)), { maxLength: 6 })

test('what one end writes the other reads, whatever is in the table or does not fit into it', () => {
  fc.assert(
    fc.property(
      fc.array(block, { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(7), { maxLength: 20 }),
      fc.option(fc.nat(20)),
      (blocks, order, limitedAt) => {
        const encoder = new HpackEncoder()
        const decoder = new HpackDecoder()
        order.forEach((each, index) => {
          if (index === limitedAt) encoder.setLimit(100)
          const fields = blocks[each % blocks.length] ?? []
          expect(decode(decoder, encoder.encode(fields))).toEqual(fields)
        })
      },
    ),
  )
})

test('the fields that all requests share are a byte each from the second one on', () => {
  const encoder = new HpackEncoder()
  const fields: Field[] = [
    [':method', 'POST'],
    [':path', '/service/Method'],
    ['authorization', 'Bearer x'],
  ]
  expect(encoder.encode(fields).length).toBeGreaterThan(20)
  expect(encoder.encode(fields)).toHaveLength(3)
})

test('bytes that are no header block are a RangeError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decode(new HpackDecoder(), Buffer.from(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
  for (const hex of [
    '80', // index 0
    'be', // an empty table
    'ff ffff ffff ffff', // an integer without end
    '88 20', // a table whose size changes too late
    '0084 ffff ffff 00', // the end of a string as one of its letters
    '20 40 0161 0162 be', // a field that a table of no bytes cannot have kept
    '3f e2 1f', // a table that was not agreed on
    '0085 61', // a string that is cut off
    '0081 ff 00', // padding of eight ones
    '0081 1e 00', // padding of zeros
  ])
    expect(() => decode(new HpackDecoder(), bytesOf(hex)), hex).toThrow(RangeError)
})
