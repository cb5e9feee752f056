import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { readProfileExport } from './profile-export.ts'

const folder = mkdtempSync(join(tmpdir(), 'tpg-export-'))
const file = join(folder, 'export.json')
afterAll(() => rmSync(folder, { recursive: true }))

const base = 1_795_777_074_602_823_835n

test('wherever the file is cut into pieces, the same stamps are found', () => {
  const requests = Array.from(
    { length: 30 },
    (_, index) =>
      `{"timestamp":${base + BigInt(index)},"request_inputs":{"T":["é\\""]},"response_timestamps":[${base + 5n},${base + BigInt(1000 + index * 7)}],"response_outputs":[{}]}`,
  )
  const text = `{"experiments":[{"requests":[${requests.join(',')}],"window_boundaries":[${base},${base + 5000n}]}]}`
  writeFileSync(file, text)
  const whole = readProfileExport(file)
  expect(whole.windows[0]?.latenciesNs).toHaveLength(30)
  expect(whole.windows[0]?.latenciesNs[0]).toBe(1000)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), (chunkBytes) => {
      expect(readProfileExport(file, chunkBytes)).toEqual(whole)
    }),
    { numRuns: 60 },
  )
})
