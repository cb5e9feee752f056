import { expect, test, vi } from 'vitest'
import { codeKey, hashOfCode } from './code-key.ts'

test('it is the same each time', () => {
  const key = codeKey()
  expect(key).toMatch(/^[0-9a-f]{16}$/)
  expect(codeKey()).toBe(key)
})

test('a level that is a little other is another key', async () => {
  const key = codeKey()
  vi.resetModules()
  vi.doMock('../../src/stats/looks.ts', async (original) => {
    const looks = await original<typeof import('../../src/stats/looks.ts')>()
    return { ...looks, interimLevels: () => ({ fail: 0.002, pass: 0.012 }) }
  })
  const other = await import('./code-key.ts')
  expect(other.codeKey()).not.toBe(key)
  vi.doUnmock('../../src/stats/looks.ts')
})

test('the hash of code is of what runs', () => {
  expect(hashOfCode(['test/calibration/noise.ts'])).toMatch(/^[0-9a-f]{8}$/)
  expect(hashOfCode(['test/calibration/noise.ts'])).not.toBe(hashOfCode(['test/calibration/rivals.ts']))
})
