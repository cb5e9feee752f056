import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tool } from './tool.ts'

test('name and version are those of package.json', () => {
  expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject(tool)
})
