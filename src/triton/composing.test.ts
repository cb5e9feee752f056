import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { composingParts } from './composing.ts'

function config(name: string, steps: readonly string[], decoupled = false): ModelConfig {
  return create(ModelConfigSchema, {
    name,
    modelTransactionPolicy: { decoupled },
    ...(steps.length === 0
      ? {}
      : {
          schedulingChoice: {
            case: 'ensembleScheduling',
            value: { step: steps.map((modelName) => ({ modelName })) },
          },
        }),
  })
}

function partsOf(configs: readonly ModelConfig[], name: string, called: readonly string[] = []) {
  const modelConfig = async (wanted: string) => {
    const found = configs.find((each) => each.name === wanted)
    if (found === undefined) throw new Error(`no ${wanted}`)
    return found
  }
  const [first] = configs.filter((each) => each.name === name)
  if (first === undefined) throw new Error(`no ${name}`)
  return composingParts({ modelConfig }, first, called)
}

test('steps in their order, those of an ensemble among them too, each with how often it is asked', async () => {
  const configs = [
    config('top', ['a', 'inner', 'a']),
    config('inner', ['b', 'a']),
    config('a', []),
    config('b', []),
  ]
  expect(await partsOf(configs, 'top')).toEqual([
    { model: 'a', via: 'step', perRequest: 3 },
    { model: 'inner', via: 'step', perRequest: 1 },
    { model: 'b', via: 'step', perRequest: 1 },
  ])
  expect(await partsOf(configs, 'a')).toEqual([])
})

test('how often code calls a model cannot be known, nor how often one runs behind a decoupled one', async () => {
  const configs = [
    config('top', ['a', 'b']),
    config('a', []),
    config('b', []),
    config('inner', ['b']),
    config('c', []),
  ]
  expect(await partsOf(configs, 'top', ['inner', 'c'])).toEqual([
    { model: 'a', via: 'step', perRequest: 1 },
    { model: 'b', via: 'step', perRequest: null },
    { model: 'inner', via: 'call', perRequest: null },
    { model: 'c', via: 'call', perRequest: null },
  ])
  const streamed = [config('top', ['a', 'b']), config('a', [], true), config('b', [])]
  expect((await partsOf(streamed, 'top')).map(({ perRequest }) => perRequest)).toEqual([null, null])
})

test('in any nesting, a model is asked as often as there are ways to it', async () => {
  // Model 0 is the top; each has steps with higher numbers only, so that there is no cycle.
  const nesting = fc
    .array(fc.array(fc.nat(6), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
    .map((all) =>
      all.map((steps, index) => steps.map((step) => index + 1 + step).filter((to) => to < all.length)),
    )
  await fc.assert(
    fc.asyncProperty(nesting, async (all) => {
      const configs = all.map((steps, index) => config(String(index), steps.map(String)))
      const ways = (from: number, to: number): number =>
        from === to ? 1 : (all[from] ?? []).reduce((sum, step) => sum + ways(step, to), 0)
      const parts = await partsOf(configs, '0')
      const expected = all
        .map((_, index) => [String(index), ways(0, index)] as const)
        .filter(([name, count]) => name !== '0' && count > 0)
      expect(new Map(parts.map(({ model, perRequest }) => [model, perRequest]))).toEqual(new Map(expected))
    }),
  )
})
