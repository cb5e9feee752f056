import { expect, test } from 'vitest'
import { codeKey, decidingFiles } from './code-key.ts'

test('the key holds what decides, and not what words, reads or writes', () => {
  const files = decidingFiles()
  expect(files).toEqual(
    expect.arrayContaining([
      'src/compare/against-baseline.ts',
      'src/compare/against-reference.ts',
      'src/compare/draft.ts',
      'src/compare/judge.ts',
      'src/compare/worse.ts',
      'src/stats/holm.ts',
      'src/stats/looks.ts',
      'src/stats/paired.ts',
      'src/stats/random.ts',
      'src/stats/robust.ts',
      'src/stats/special.ts',
      'test/calibration/noise.ts',
    ]),
  )
  for (const word of ['sentences', 'reasons', 'sign-flip', 'domain', 'config', '.test.']) {
    expect(files.filter((file) => file.includes(word))).toEqual([])
  }
})

test('it is the same each time', () => {
  expect(codeKey()).toMatch(/^[0-9a-f]{16}$/)
  expect(codeKey()).toBe(codeKey())
})
