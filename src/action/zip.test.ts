import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeZip } from '../../test/support/github/zip.ts'
import { readZipEntry } from './zip.ts'

const limit = 1000
const read = (zip: Buffer, maxEntries = 1) =>
  readZipEntry(zip, 'baseline.json', { maxBytes: limit, maxEntries }).toString()

test.each([true, false])('one file comes back as it went in (compressed: %s)', (compressed) => {
  expect(read(makeZip([{ name: 'baseline.json', content: '{"a":1}', compressed }]))).toBe('{"a":1}')
})

test.each([
  ['two files', [{ name: 'baseline.json' }, { name: 'x' }], /holds 2 entries, above the limit of 1/],
  ['no file', [], /holds nothing instead/],
  ['another file', [{ name: 'x.json' }], /holds "x\.json" instead/],
  ['a path that climbs out', [{ name: '../baseline.json' }], /holds the path "\.\.\/baseline\.json"/],
  ['a path that climbs out, spelled for Windows', [{ name: 'a\\..\\..\\baseline.json' }], /holds the path/],
  ['an absolute path', [{ name: '/baseline.json' }], /holds the path "\/baseline\.json"/],
  ['a path with a drive', [{ name: 'C:baseline.json' }], /holds the path/],
  ['a name that ends early for C', [{ name: 'baseline.json\0.exe' }], /holds the path/],
  [
    'a symbolic link',
    [{ name: 'baseline.json', content: '/etc/passwd', unixMode: 0o120777 }],
    /symbolic link/,
  ],
  ['a file above the limit', [{ name: 'baseline.json', content: 'x'.repeat(limit + 1) }], /above the limit/],
  // The directory lies about the size: only the inflation itself shows it.
  [
    'a bomb',
    [{ name: 'baseline.json', content: 'x'.repeat(100_000), claimedBytes: 10 }],
    /inflates beyond the limit of 1000/,
  ],
  [
    'a wrong size',
    [{ name: 'baseline.json', content: 'xyz', claimedBytes: 10 }],
    /says 10 bytes and holds 3/,
  ],
  ['an unknown compression', [{ name: 'baseline.json', content: 'x', method: 12 }], /unknown compression 12/],
])('refused: %s', (_, entries, reason) => {
  expect(() => read(makeZip(entries))).toThrow(reason)
})

test('of several files the one that is asked for; one bad neighbour spoils them all', () => {
  const good = [{ name: 'a' }, { name: 'baseline.json', content: '{}' }, { name: 'folder/b' }]
  expect(read(makeZip(good), 3)).toBe('{}')
  const bad = [{ name: '../x' }, { name: 'l', unixMode: 0o120777 }, { name: 'baseline.json' }]
  for (const neighbour of bad) expect(() => read(makeZip([...good, neighbour]), 4)).toThrow(/^holds/)
})

test('whatever is cut off or flipped, it is refused or the very content: nothing crashes otherwise', () => {
  const whole = makeZip([{ name: 'baseline.json', content: '{"kind":"baseline","models":[1,2,3]}' }])
  const damage = fc.record({ cut: fc.nat(whole.length - 1), at: fc.nat(whole.length - 1), byte: fc.nat(255) })
  let refused = 0
  fc.assert(
    fc.property(damage, ({ cut, at, byte }) => {
      const zip = Buffer.from(whole)
      zip[at] = byte
      try {
        expect(Buffer.byteLength(read(zip.subarray(0, zip.length - cut)))).toBeLessThanOrEqual(limit)
      } catch (error) {
        refused++
        expect(error).toBeInstanceOf(Error)
        expect((error as Error).message).toMatch(/^(holds|is|has|says|uses|inflates|does not)/)
      }
    }),
    { numRuns: 300 },
  )
  expect(refused).toBeGreaterThan(100)
})
