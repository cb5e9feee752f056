import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader, makeFrame } from './frames.ts'

test('frames are put together however they are cut', () => {
  const frame = fc.record({
    type: fc.nat(255),
    flags: fc.nat(255),
    id: fc.nat(2 ** 31 - 1),
    payload: fc.oneof(fc.nat(40), fc.constantFrom(16_384, 16_000)).map((bytes) => Buffer.alloc(bytes, bytes)),
  })
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.array(fc.nat(20_000), { maxLength: 12 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(
          sent.map(({ type, flags, id, payload }) => makeFrame(type, flags, id, payload)),
        )
        const got: unknown[] = []
        const reader = new FrameReader(({ type, flags, streamId: id, bytes: read, start, end }) =>
          got.push({ type, flags, id, payload: Buffer.from(read.subarray(start, end)) }),
        )
        // The reader's chunks lie at the front of one buffer that is overwritten, as a socket's do.
        const chunk = Buffer.alloc(bytes.length)
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        places.slice(1).forEach((to, index) => {
          const count = bytes.copy(chunk, 0, places[index], to)
          reader.push(chunk, count)
        })
        expect(got).toEqual(sent)
      },
    ),
  )
})
