import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { changesOf } from './changes.ts'
import { readModelRepository } from './repository.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tpg-changes-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const base: Record<string, string> = {
  'm/config.pbtxt': 'max_batch_size: 8\ninstance_group { count: 2 }\n',
  'm/1/model.py': `pb_utils.InferenceRequest(model_name='called')`,
  'm/labels.txt': 'a',
  'called/config.pbtxt': 'max_batch_size: 4\n',
  'called/1/model.py': 'pass',
  'top/config.pbtxt': 'platform: "ensemble"\nensemble_scheduling { step { model_name: "m" } }\n',
  'top/1/.gitkeep': '',
  'other/1/model.py': 'pass',
}

async function changes(edits: Record<string, string | null>, model = 'm') {
  const files = { ...base, ...edits }
  for (const [side, content] of Object.entries({ reference: base, candidate: files }))
    for (const [path, text] of Object.entries(content)) {
      if (text === null) continue
      mkdirSync(dirname(join(root, side, path)), { recursive: true })
      writeFileSync(join(root, side, path), text)
    }
  const [reference, candidate] = await Promise.all(
    ['reference', 'candidate'].map((side) => readModelRepository(join(root, side))),
  )
  if (reference === undefined || candidate === undefined) throw new Error('not read')
  const found = await changesOf(reference, candidate, model)
  return {
    models: found.models,
    fields: found.fields.map(({ model: of, field, before, after }) => `${of}: ${field} ${before} ${after}`),
    files: found.files.map(({ path, change }) => `${path} ${change}`),
  }
}

test('nothing, where nothing or only another model changed', async () => {
  expect(await changes({ 'other/1/model.py': 'pass # new' })).toEqual({
    models: ['called', 'm'],
    fields: [],
    files: [],
  })
})

test('a comment in config.pbtxt is no change, a field is; files are told apart from it', async () => {
  const found = await changes({
    'm/config.pbtxt': '# why\nmax_batch_size: 8\ninstance_group { count: 1 }\n',
    'm/1/model.py': `pb_utils.InferenceRequest(model_name='called') # 2`,
    'm/labels.txt': 'b',
    'm/2/model.py': 'pass',
  })
  expect(found.fields).toEqual(['m: instance_group[0].count 2 1'])
  expect(found.files).toEqual(['m/1/model.py changed', 'm/2/model.py added', 'm/labels.txt changed'])
})

test('of an ensemble: its steps, and what their code calls', async () => {
  const found = await changes(
    { 'called/config.pbtxt': 'max_batch_size: 2\n', 'called/1/model.py': 'pass # slow' },
    'top',
  )
  expect(found.models).toEqual(['called', 'm', 'top'])
  expect(found.fields).toEqual(['called: max_batch_size 4 2'])
  expect(found.files).toEqual(['called/1/model.py changed'])
})

test('a model that is new belongs to the files, with its configuration; a config.pbtxt that is new is one field', async () => {
  const found = await changes(
    {
      'top/config.pbtxt':
        'platform: "ensemble"\nensemble_scheduling { step { model_name: "m" } step { model_name: "new" } }\n',
      'new/config.pbtxt': 'max_batch_size: 8\n',
      'new/1/model.py': 'pass',
    },
    'top',
  )
  expect(found.fields).toEqual([expect.stringContaining('top: ensemble_scheduling.step ')])
  expect(found.files).toEqual(['new/1/model.py added'])

  const added = await changes({ 'other/config.pbtxt': 'max_batch_size: 8\n' }, 'other')
  expect(added.fields).toEqual(['other: config.pbtxt null a file'])
  expect(added.files).toEqual([])
})
