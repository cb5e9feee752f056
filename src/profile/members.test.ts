import { expect, test } from 'vitest'
import { readConfig } from '../config/load-config.ts'
import { configurationOf } from '../model-config/configuration.ts'
import { parseModelConfig } from '../model-config/parse.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { floorWords } from './batch-floor.ts'
import { membersOf, ownSpace } from './members.ts'

const bare: Omit<RepositoryModel, 'name' | 'config' | 'dependencies'> = {
  folder: '',
  configPath: null,
  configText: null,
  versions: ['1'],
  called: [],
  contentHash: '',
}

/** A repository of models by name: their max_batch_size, and the steps of those that are ensembles. */
function repositoryOf(
  models: Readonly<Record<string, { readonly batch: number; readonly steps?: readonly string[] }>>,
): ModelRepository {
  const all = Object.entries(models).map(([name, { batch, steps = [] }]): [string, RepositoryModel] => {
    const step = steps.map((each) => `step { model_name: "${each}" }`).join(' ')
    const text = `max_batch_size: ${batch} ${steps.length === 0 ? '' : `ensemble_scheduling { ${step} }`}`
    const config = parseModelConfig(text, name)
    return [name, { ...bare, name, config, dependencies: steps }]
  })
  return { path: '', models: new Map(all) }
}

const shared = {
  a: { batch: 8 },
  b: { batch: 16 },
  inner: { batch: 8, steps: ['a'] },
  top: { batch: 4, steps: ['inner', 'b'] },
  beside: { batch: 8, steps: ['b'] },
  over: { batch: 4, steps: ['inner'] },
  apart: { batch: 8 },
}

function smallest(repository: ModelRepository, name: string) {
  const model = repository.models.get(name)
  if (model?.config == null) throw new Error(`no ${name}`)
  const { members } = membersOf(
    { repository, model, committed: configurationOf(model.config, true), hasGpu: false },
    readConfig('', 'gate.yml', {}),
    'quick',
    [{ mode: 'concurrency', concurrency: 1 }],
  )
  return Object.fromEntries(
    members.varied.map((member) => [
      member.name,
      Math.min(...member.variants.map((each) => each.maxBatchSize)),
    ]),
  )
}

test('no composing model is lowered below what an ensemble that is not measured with it takes', () => {
  // `over` stands on `inner`, and with it on `a`.
  expect(smallest(repositoryOf(shared), 'top')).toEqual({ a: 4, b: 8 })
  const { beside: _, over: __, ...alone } = shared
  expect(smallest(repositoryOf(alone), 'top')).toEqual({ a: 1, b: 1 })
})

test('where the answer lies on the least size that was tried, it is said why; elsewhere and where sizes are listed nothing', () => {
  const repository = repositoryOf(shared)
  const model = repository.models.get('top')
  if (model?.config == null) throw new Error('no top')
  const committed = configurationOf(model.config, true)
  const wordsOf = (
    batches: Readonly<Record<string, number>>,
    text = '',
    called: readonly string[] = [],
    mode: 'quick' | 'manual' = 'quick',
  ) => {
    const from = { ...model, called }
    const models = new Map([...repository.models, [model.name, from] as const])
    const searched = { repository: { ...repository, models }, model: from, committed, hasGpu: false }
    const { floors } = membersOf(searched, readConfig(text, 'gate.yml', {}), mode, [])
    const others = Object.fromEntries(
      Object.entries(batches).map(([name, maxBatchSize]) => [
        name,
        { instanceCount: 1, maxBatchSize, dynamicBatching: false },
      ]),
    )
    return floorWords(floors, from.name, { ...committed, committed: false, others })
  }
  expect(wordsOf({ a: 4, b: 8 })).toEqual([
    'max_batch_size of a was tried from 4 upwards only, since over, not measured here, may send it as many',
    'max_batch_size of b was tried from 8 upwards only, since beside, not measured here, may send it as many',
  ])
  // As committed, a has 8 and b 16.
  expect(wordsOf({})).toEqual([])
  const listed = 'ensemble_composing_models: { b: { model_config_parameters: { max_batch_size: [8] } } }'
  expect(wordsOf({ b: 8 }, listed)).toEqual([])
  expect(wordsOf({ a: 4 }, 'run_config_search_min_model_batch_size: 4')).toEqual([])
  // Of the model that needs them all that is tried is listed: no range began anywhere.
  expect(wordsOf({ a: 4, b: 8 }, '', [], 'manual')).toEqual([])
  expect(wordsOf({}, '', ['apart'])).toEqual([
    'max_batch_size of apart was tried from 8 upwards only, since what is sent to it is not known',
  ])
})

test('nor the gated model itself, where it is a step', () => {
  const repository = repositoryOf(shared)
  const settings = readConfig('', 'gate.yml', {}).settingsFor('')
  const least = (name: string) => {
    const model = repository.models.get(name)
    if (model?.config == null) throw new Error(`no ${name}`)
    const committed = configurationOf(model.config, true)
    const { space } = ownSpace({ repository, model, committed, hasGpu: false }, settings, true)
    return Math.min(...space.configurations.map(({ maxBatchSize }) => maxBatchSize))
  }
  expect([least('a'), least('b'), least('apart')]).toEqual([8, 8, 1])
})

test('on the CPU is the committed configuration tried too, where nothing else is listed', () => {
  const config =
    'profile_models: { apart: { cpu_only: true, model_config_parameters: { max_batch_size: [8] } } }'
  const repository = repositoryOf(shared)
  const model = repository.models.get('apart')
  if (model?.config == null) throw new Error('no apart')
  const committed = configurationOf(model.config, true)
  const of = (text: string, loadsAllowed = true) =>
    ownSpace(
      { repository, model, committed, hasGpu: true },
      readConfig(text, 'gate.yml', {}).settingsFor('apart'),
      loadsAllowed,
    ).space.configurations
  expect(of(config)).toEqual([
    committed,
    { ...committed, committed: false, fields: { instance_group: [{ kind: 'KIND_CPU' }] } },
  ])
  expect(of(config.replace('true', 'false'))).toEqual([committed])
  expect(of(config, false)).toEqual([committed])
})
