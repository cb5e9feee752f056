import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeLeftover } from './leftover.ts'

test('what may be removed goes, with all in it; of what may not, and of what is gone, nothing is heard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-leftover-'))
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a/b'), '')
  removeLeftover(folder)
  expect(existsSync(folder)).toBe(false)
  removeLeftover(folder)
  // Nobody may, root included.
  removeLeftover('/proc/version')
})
