import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../config/load-config.ts'
import {
  checkComposingModels,
  neededModels,
  unneededComposingModels,
  withCalledModels,
  withoutNeedlessSearches,
} from './calls.ts'
import { closureHash, modelClosure, readModelRepository } from './repository.ts'

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

test('a parameter of config.pbtxt that names a model is a call, whatever the backend', async () => {
  const parameter = (value: string) =>
    `backend: "custom"\nparameters { key: "target" value: { string_value: ${JSON.stringify(value)} } }\n`
  const files = {
    'one/config.pbtxt': parameter('called'),
    'one/1/.gitkeep': '',
    'list/config.pbtxt': parameter('["called", "deep.v2"]'),
    'list/1/.gitkeep': '',
    'part/config.pbtxt': parameter('called-not, /opt/deep.v2x'),
    'part/1/.gitkeep': '',
    'called/1/model.py': 'pass',
    'deep.v2/1/model.py': 'pass',
  }
  expect(await needed(files, 'one')).toEqual(['called', 'one'])
  expect(await needed({}, 'list')).toEqual(['called', 'deep.v2', 'list'])
  expect(await needed({}, 'part')).toEqual(['part'])
})

test('a source that is too large to be searched may call anything', async () => {
  const files = { 'big/1/model.py': 'pass #'.padEnd(2 ** 20 + 1, 'x'), 'called/1/model.py': 'pass' }
  expect(await needed(files, 'big')).toBeNull()
  expect(await needed({}, 'called')).toEqual(['called'])
})

test('models that the configuration names belong to those whose code calls them', async () => {
  const call = (name: string) => `pb_utils.InferenceRequest(model_name=${name})`
  await needed({
    'top/config.pbtxt': ensemble,
    'top/1/.gitkeep': '',
    'caller/1/model.py': call('"called"'),
    'called/1/model.py': `${call('"caller"')} # round in circles`,
    'hidden/1/model.py': 'pass',
    'blind/1/model.py': call('self.target'),
    'other/1/model.py': 'pass',
  })
  const read = await readModelRepository(root)
  const calledBy = async (models: string[], named: string[]) => {
    const { models: all } = await withCalledModels(read, models, named)
    return Object.fromEntries(
      [...all].flatMap(([name, { called }]) => (called.length > 0 ? [[name, called]] : [])),
    )
  }
  expect(await calledBy(['top', 'other'], ['called'])).toEqual({ top: ['called'] })
  // Code that puts a name together may call any; a name that stands nowhere goes to whoever calls.
  expect(await calledBy(['blind', 'other'], ['called', 'other'])).toEqual({ blind: ['called', 'other'] })
  expect(await calledBy(['top', 'other'], ['called', 'hidden'])).toEqual({ top: ['called', 'hidden'] })
  expect(await calledBy(['other'], ['called'])).toEqual({})
  // `caller` is a step of `top`, and code that it needs calls it too. What another repository has is not here.
  expect(await calledBy(['top'], ['caller', 'elsewhere'])).toEqual({ top: ['caller'] })
  expect(await calledBy(['caller'], [])).toEqual({})

  const needing = await withCalledModels(read, ['top'], ['called'])
  const names = namedAs({ bls_composing_models: ['called', 'other'], ensemble_composing_models: ['caller'] })
  expect(unneededComposingModels(needing, ['top'], names)).toEqual([
    'bls_composing_models.other: no effect: no gated model needs it',
  ])

  const changed = await withCalledModels(read, ['caller', 'called'], ['caller', 'called'])
  expect(modelClosure(changed, 'caller')).toEqual(['called', 'caller'])
  expect(closureHash(changed, 'caller')).not.toBe(closureHash(read, 'caller'))
})

const namedAs = (places: Record<string, string[]>) =>
  Object.entries(places).flatMap(([place, names]) => names.map((name) => ({ key: `${place}.${name}`, name })))

test('a composing model that the repository does not have is told with what was meant', async () => {
  await needed({ 'called/1/model.py': 'pass', 'step/1/model.py': 'pass' })
  const repository = await readModelRepository(root)
  const named = namedAs({ bls_composing_models: ['called', 'caled'], ensemble_composing_models: ['steps'] })
  const file = 'gate.yml'
  expect(() => checkComposingModels(repository, { composingModelsNamed: named, file })).toThrow(
    expect.objectContaining({
      code: 'config',
      problems: [
        expect.objectContaining({ key: 'bls_composing_models.caled', remedy: 'Did you mean "called"?' }),
        expect.objectContaining({ key: 'ensemble_composing_models.steps', remedy: 'Did you mean "step"?' }),
      ],
    }),
  )
  const known = namedAs({ bls_composing_models: ['called'], cpu_only_composing_models: ['step'] })
  expect(checkComposingModels(repository, { composingModelsNamed: known, file: null })).toBeUndefined()
  expect(unneededComposingModels(repository, ['called', 'step'], known)).toEqual([
    'bls_composing_models.called: no effect: no gated model needs it',
    'cpu_only_composing_models.step: no effect: no gated model needs it',
  ])
})

test('lists of composing models let those be swept that need one of them', async () => {
  const files = {
    'top/config.pbtxt': ensemble,
    'top/1/.gitkeep': '',
    'caller/1/model.py': 'pass',
    'x/1/model.py': 'pass',
  }
  await needed(files)
  const repository = await readModelRepository(root)
  const modes = (lists: string) => {
    const own = 'profile_models: { x: , top: , own: { model_config_parameters: { max_batch_size: 4 } } }'
    const config = readConfig(`run_config_search_disable: true\n${own}\n${lists}`, 'gate.yml', {})
    const { settingsFor } = withoutNeedlessSearches(config, repository)
    return ['x', 'top', 'own'].map((name) => settingsFor(name).search.mode)
  }
  const listed = (step: string) =>
    `ensemble_composing_models: { ${step}: { model_config_parameters: { max_batch_size: 4 } } }`
  expect(modes('')).toEqual(['off', 'off', 'manual'])
  expect(modes(listed('caller'))).toEqual(['off', 'manual', 'manual'])
  // A model is not its own composing model.
  expect(modes(listed('x'))).toEqual(['off', 'off', 'manual'])
})
