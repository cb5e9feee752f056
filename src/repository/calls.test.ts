import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { neededModels } from './calls.ts'
import { readModelRepository } from './repository.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tpg-calls-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function needed(files: Record<string, string>, ...names: string[]) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const found = await neededModels(await readModelRepository(root), names)
  return found === null ? null : [...found].sort()
}

const ensemble = 'platform: "ensemble"\nensemble_scheduling { step [ { model_name: "caller" } ] }\n'

test('steps of an ensemble, and calls of Python code, through each other', async () => {
  const files = {
    'top/config.pbtxt': ensemble,
    'top/1/.gitkeep': '',
    'caller/1/model.py': `pb_utils.InferenceRequest(model_name='called', inputs=[])`,
    'called/1/model.py': 'pass',
    'called/1/helper.py': '"deep"',
    'deep/1/model.py': 'pass # "deep"',
    'other/1/model.py': 'pass',
  }
  expect(await needed(files, 'top')).toEqual(['called', 'caller', 'deep', 'top'])
  expect(await needed({}, 'other')).toEqual(['other'])
})

test('a call whose target is no written name may go anywhere', async () => {
  const files = {
    'caller/1/model.py': 'pb_utils.InferenceRequest(model_name=self.target)',
    'called/1/model.py': 'pass',
  }
  expect(await needed(files, 'caller')).toBeNull()
  expect(await needed({}, 'called')).toEqual(['called'])
})
