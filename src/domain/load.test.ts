import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Load, loadKey, loadKeyLabel, loadLabel } from './load.ts'

const batch = fc.oneof(fc.constant({}), fc.record({ batchSize: fc.integer({ min: 1, max: 64 }) }))
const loads: fc.Arbitrary<Load> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 1024 }), batch)
    .map(([concurrency, rest]): Load => ({ mode: 'concurrency', concurrency, ...rest })),
  fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.constantFrom('constant', 'poisson'), batch).map(
    ([tenths, distribution, rest]): Load => ({
      mode: 'requestRate',
      requestRate: tenths / 10,
      distribution,
      ...rest,
    }),
  ),
)

test('a key reads as the load it stands for', () => {
  fc.assert(
    fc.property(loads, (load) => {
      expect(loadKeyLabel(loadKey(load))).toBe(loadLabel(load))
    }),
  )
})

test('what is no key stays as it is', () => {
  for (const text of ['', 'concurrency=', 'c8', '<b>']) expect(loadKeyLabel(text)).toBe(text)
})
