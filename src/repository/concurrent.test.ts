import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { parseModelConfig } from '../model-config/parse.ts'
import { checkConcurrentModels } from './concurrent.ts'
import type { ModelRepository, RepositoryModel } from './repository.ts'

function model(name: string, text: string, change: Partial<RepositoryModel> = {}): RepositoryModel {
  return {
    name,
    folder: `/models/${name}`,
    configPath: null,
    configText: text,
    config: parseModelConfig(text, name),
    versions: ['1'],
    dependencies: [],
    called: [],
    contentHash: name,
    ...change,
  }
}

const repository = (models: readonly RepositoryModel[]): ModelRepository => ({
  path: '/models',
  models: new Map(models.map((each) => [each.name, each])),
})

function problemsOf(models: readonly RepositoryModel[], names: readonly string[], concurrently = true) {
  const all = repository(models)
  try {
    checkConcurrentModels(
      { concurrently, file: 'gate.yml' },
      all,
      names.flatMap((name) => all.models.get(name) ?? []),
    )
  } catch (error) {
    if (error instanceof GateError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}

const plain = model('plain', 'max_batch_size: 8')
const stateful = model('stateful', 'sequence_batching { }')
const decoupled = model('decoupled', 'model_transaction_policy { decoupled: true }')

test('models that can be under load at once are let pass', () => {
  expect(problemsOf([plain, model('other', '')], ['plain', 'other'])).toEqual([])
})

test('stateful and decoupled ones are refused, all at once, only where it is asked for', () => {
  const names = ['plain', 'stateful', 'decoupled']
  expect(problemsOf([plain, stateful, decoupled], names)).toEqual([
    expect.stringMatching(/^stateful is stateful/),
    expect.stringMatching(/^decoupled is decoupled/),
  ])
  expect(problemsOf([plain, stateful, decoupled], names, false)).toEqual([])
})

test('a model that another of them asks is refused, however it does', () => {
  const ensemble = model('ensemble', '', { dependencies: ['plain'] })
  const caller = model('caller', '', { called: ['ensemble'] })
  expect(problemsOf([plain, ensemble], ['plain', 'ensemble'])).toEqual([
    expect.stringMatching(/^plain is also asked by ensemble/),
  ])
  expect(problemsOf([plain, ensemble, caller], ['plain', 'caller'])).toHaveLength(1)
  expect(problemsOf([plain, ensemble, caller], ['plain', 'other'])).toEqual([])
})
