import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SharedOutputReader } from './shared-outputs.ts'

const folder = mkdtempSync(join(tmpdir(), 'tpg-shared-outputs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'region')
const text = (word: string) => Buffer.concat([Buffer.from([word.length, 0, 0, 0]), Buffer.from(word)])
// Two floats at 0 in a slot of 16 bytes, strings at 64 in one of 24.
const region = Buffer.alloc(88, 0xff)
region.writeFloatLE(1.5, 0)
region.writeFloatLE(-2, 4)
const words = Buffer.concat([text('a'), text('three')])
words.copy(region, 64)
writeFileSync(path, region)

const reader = new SharedOutputReader({
  path,
  slots: [
    [
      { name: 'Y', offset: 0, byteSize: 16, elementBytes: 4 },
      { name: 'S', offset: 64, byteSize: 24, elementBytes: null },
      { name: 'beyond', offset: 80, byteSize: 16, elementBytes: 4 },
    ],
  ],
})
afterAll(() => reader.close())
const read = reader.ofFrame(0)

test('so many bytes as the answered shape has elements; of strings as long as they are', () => {
  expect(read({ name: 'Y', shape: [1, 2] })).toEqual(region.subarray(0, 8))
  expect(read({ name: 'S', shape: [2] })).toEqual(words)
  expect(read({ name: 'S', shape: [1] })).toEqual(text('a'))
})

test('what is written later is read', () => {
  region.writeFloatLE(7, 0)
  writeFileSync(path, region)
  expect(read({ name: 'Y', shape: [1] })?.readFloatLE(0)).toBe(7)
})

test('an output without a slot has no bytes, nor has one of a frame that there is not', () => {
  expect(read({ name: 'Z', shape: [1] })).toBeNull()
  expect(reader.ofFrame(1)({ name: 'Y', shape: [1] })).toBeNull()
})

test('what cannot lie in the slot is no output', () => {
  expect(() => read({ name: 'Y', shape: [5] })).toThrow('20 bytes in a slot of 16')
  expect(() => read({ name: 'S', shape: [3] })).toThrow('end beyond their slot')
  expect(() => read({ name: 'beyond', shape: [4] })).toThrow('beyond the end of its region')
})

test('a region that is not there is said', () => {
  expect(() => new SharedOutputReader({ path: join(folder, 'none'), slots: [] })).toThrow('cannot be read')
})
