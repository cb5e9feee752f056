import { expect, test, vi } from 'vitest'
import { codeKey, hashOfCode } from './code-key.ts'

test('it is the same each time', () => {
  const key = codeKey('reference')
  expect(key).toMatch(/^[0-9a-f]{16}$/)
  expect(codeKey('reference')).toBe(key)
})

test('a level that is a little other is another key', async () => {
  const key = codeKey('reference')
  vi.resetModules()
  vi.doMock('../../src/stats/looks.ts', async (original) => {
    const looks = await original<typeof import('../../src/stats/looks.ts')>()
    return { ...looks, interimLevels: () => ({ fail: 0.002, pass: 0.012 }) }
  })
  const other = await import('./code-key.ts')
  expect(other.codeKey('reference')).not.toBe(key)
  vi.doUnmock('../../src/stats/looks.ts')
})

test('what the history alone decides is no part of the key of comparisons with a reference', async () => {
  const keys = (['reference', 'baseline'] as const).map(codeKey)
  vi.resetModules()
  vi.doMock('../../src/stats/change-points.ts', async (original) => {
    const points = await original<typeof import('../../src/stats/change-points.ts')>()
    return { ...points, segment: (values: readonly number[]) => points.segment(values.slice(0, 5)) }
  })
  const other = await import('./code-key.ts')
  expect(other.codeKey('reference')).toBe(keys[0])
  expect(other.codeKey('baseline')).not.toBe(keys[1])
  vi.doUnmock('../../src/stats/change-points.ts')
})

test('the hash of code is of what runs', () => {
  expect(hashOfCode(['test/calibration/noise.ts'])).toMatch(/^[0-9a-f]{8}$/)
  expect(hashOfCode(['test/calibration/noise.ts'])).not.toBe(hashOfCode(['test/calibration/rivals.ts']))
})
