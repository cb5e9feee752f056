import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Load, loadKey, loadKeyLabel, loadLabel, loadSchema, ownLoad, together } from './load.ts'

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

const names = ['add_sub', 'slow.v2', 'a-b']
const sets = fc
  .array(loads, { minLength: 2, maxLength: 3 })
  .map((own) => own.map((load, index) => ({ model: names[index] ?? '', load })))

test('so does one with other models beside it, which tells it from the load alone', () => {
  fc.assert(
    fc.property(sets, (set) => {
      for (const [index, load] of together(set).entries()) {
        expect(loadSchema.parse(JSON.parse(JSON.stringify(load)))).toEqual(load)
        expect(load.beside?.map(({ model }) => model)).toEqual(
          set.filter((_, other) => other !== index).map(({ model }) => model),
        )
        expect(loadKeyLabel(loadKey(load))).toBe(loadLabel(load))
        expect(loadKey(load)).not.toBe(loadKey(ownLoad(load)))
        expect(ownLoad(load)).toEqual(set[index]?.load)
      }
    }),
  )
})

test('in words, the others stand behind it', () => {
  const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
  const [first] = together([
    { model: 'a', load: closed(8) },
    { model: 'b', load: { mode: 'requestRate', requestRate: 20 } },
    { model: 'c', load: closed(1) },
  ])
  if (first === undefined) throw new Error('no load')
  expect(loadLabel(first)).toBe('concurrency 8 beside b (20 requests/s) and c (concurrency 1)')
  expect(loadKey(first)).toBe('concurrency=8;beside b@requestRate=20;beside c@concurrency=1')
  expect(together([{ model: 'a', load: first }])).toEqual([closed(8)])
})

test('what is no key stays as it is', () => {
  for (const text of ['', 'concurrency=', 'c8', '<b>']) expect(loadKeyLabel(text)).toBe(text)
})
