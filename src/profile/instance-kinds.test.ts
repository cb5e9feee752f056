import { expect, test } from 'vitest'
import type { VariedFields } from '../domain/configuration.ts'
import { configurationOf } from '../model-config/configuration.ts'
import { parseModelConfig } from '../model-config/parse.ts'
import { untriedWords, variantsOn } from './instance-kinds.ts'

const onCpu = { instance_group: [{ kind: 'KIND_CPU' }] }
const onGpu = { instance_group: [{ kind: 'KIND_GPU' }] }
const fields = (instanceCount: number, more: VariedFields['fields'] = undefined): VariedFields => ({
  instanceCount,
  maxBatchSize: 8,
  dynamicBatching: false,
  ...(more === undefined ? {} : { fields: more }),
})

function tried(groups: string, variants: readonly VariedFields[], cpuOnly: boolean, hasGpu = true) {
  const config = parseModelConfig(`max_batch_size: 8 ${groups}`, 'm')
  const { committed: _, ...own } = configurationOf(config, true)
  return variantsOn(config, own, variants, { cpuOnly, hasGpu })
}

test('on the CPU are all but the committed configuration, its own numbers too', () => {
  expect(tried('', [fields(2), fields(3)], true).variants).toEqual([
    fields(2, onCpu),
    fields(3, onCpu),
    fields(1, onCpu),
  ])
  expect(tried('', [fields(2)], false).variants).toEqual([fields(2)])
})

test('where the model is on the CPU already, nothing is to be said', () => {
  const groups = 'instance_group { kind: KIND_CPU }'
  expect(tried(groups, [fields(2)], true).variants).toEqual([fields(2)])
  expect(tried(groups, [fields(1, onCpu), fields(2, onCpu)], false).variants).toEqual([fields(2)])
})

test('a kind that is listed stands, and each of several groups without one moves', () => {
  const both = (kind: object) => ({
    instance_group: [
      { count: 1, ...kind },
      { count: 2, ...kind },
    ],
  })
  const listed = [fields(2, onGpu), fields(3, both({}))]
  expect(tried('instance_group { count: 9 }', listed, true).variants).toEqual([
    fields(2, onGpu),
    fields(3, both({ kind: 'KIND_CPU' })),
    fields(9, onCpu),
  ])
})

test('without a GPU nothing is tried on one, which is said', () => {
  const { variants, untried } = tried('', [fields(1, onGpu), fields(2, onGpu), fields(2)], false, false)
  expect(variants).toEqual([fields(2)])
  expect(untriedWords('m', untried)).toEqual([
    '2 configurations of m with KIND_GPU not tried, since there is no GPU',
  ])
  expect(untriedWords('m', 0)).toEqual([])
})

test('what only a group on GPUs may have does not go with it', () => {
  const listed = [fields(2, { instance_group: [{ count: 2, gpus: [0], profile: ['max'] }] })]
  expect(tried('', listed, true).variants[0]).toEqual(
    fields(2, { instance_group: [{ count: 2, kind: 'KIND_CPU' }] }),
  )
})
