import { expect, test } from 'vitest'
import { applyConfiguration, configurationOf, differences } from './configuration.ts'
import { firstGroupOnCpu, groupJson, isOnCpu } from './instance-groups.ts'
import { parseModelConfig } from './parse.ts'

const model = (groups: string) => parseModelConfig(`max_batch_size: 8 ${groups}`, 'm/config.pbtxt')
const own = { maxBatchSize: 8, dynamicBatching: false }

test('a single group gets its count from the configuration, several keep theirs', () => {
  const applied = (instanceCount: number, groups: Record<string, string | number>[]) =>
    applyConfiguration(model('instance_group { kind: KIND_GPU gpus: 0 count: 4 }'), {
      ...own,
      committed: false,
      instanceCount,
      fields: { instance_group: groups },
    })
  const onCpu = applied(3, [{ kind: 'KIND_CPU' }])
  expect(onCpu.instanceGroup.map(groupJson)).toEqual([{ kind: 'KIND_CPU', count: 3 }])
  const both = applied(3, [
    { kind: 'KIND_CPU', count: 2 },
    { kind: 'KIND_MODEL', count: 1 },
  ])
  expect(both.instanceGroup.map(groupJson)).toEqual([
    { kind: 'KIND_CPU', count: 2 },
    { kind: 'KIND_MODEL', count: 1 },
  ])
  expect(configurationOf(both, false).instanceCount).toBe(3)
})

test.each([
  [
    'what the server fills in',
    [{ kind: 'KIND_GPU' }],
    'name: "m_0" kind: KIND_GPU count: 2 gpus: [0, 1]',
    true,
  ],
  ['a kind that is left to the server', [{ kind: 'KIND_AUTO' }], 'name: "m_0" kind: KIND_CPU count: 2', true],
  ['another kind', [{ kind: 'KIND_GPU' }], 'kind: KIND_CPU count: 2', false],
  ['other GPUs', [{ kind: 'KIND_GPU', gpus: [1] }], 'kind: KIND_GPU count: 2 gpus: [0, 1]', false],
  ['another count', [{ kind: 'KIND_CPU' }], 'kind: KIND_CPU count: 1', false],
  ['a lost setting', [{ kind: 'KIND_CPU', rate_limiter: { priority: 2 } }], 'kind: KIND_CPU count: 2', false],
])('read back: %s', (_, groups, resolved, isSame) => {
  const wanted = { ...own, instanceCount: 2, fields: { instance_group: groups } }
  const found = differences(wanted, model(`instance_group { ${resolved} }`))
  expect(found.length === 0, found.join()).toBe(isSame)
})

test('read back: several groups by their place', () => {
  const groups = [{ kind: 'KIND_CPU' }, { kind: 'KIND_MODEL', count: 2 }]
  const wanted = { ...own, instanceCount: 3, fields: { instance_group: groups } }
  const [cpu, other] = [
    'instance_group { kind: KIND_CPU count: 1 }',
    'instance_group { kind: KIND_MODEL count: 2 }',
  ]
  expect(differences(wanted, model(`${cpu} ${other}`))).toEqual([])
  expect(differences(wanted, model(`${other} ${cpu}`))).toHaveLength(1)
  expect(differences(wanted, model('instance_group { kind: KIND_CPU count: 3 }'))).toHaveLength(1)
})

test('on the CPU a group keeps all but what is of GPUs', () => {
  const config = model(
    'instance_group { kind: KIND_GPU gpus: [0] count: 2 profile: "p" rate_limiter { priority: 2 } } instance_group { }',
  )
  expect(firstGroupOnCpu(config)).toEqual({ kind: 'KIND_CPU', rate_limiter: { priority: 2 } })
  expect(firstGroupOnCpu(model(''))).toEqual({ kind: 'KIND_CPU' })
  expect([config, model(''), model('instance_group { kind: KIND_CPU }')].map(isOnCpu)).toEqual([
    false,
    false,
    true,
  ])
})
