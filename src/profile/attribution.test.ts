import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { ModelPlan } from '../plan/plan.ts'
import { readModelRepository } from '../repository/repository.ts'
import { attribute } from './attribution.ts'
import type { ProfileContext } from './context.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-attribution-'))
afterAll(() => rmSync(root, { recursive: true }))

async function repository(name: string, config: string, code: string) {
  const path = join(root, name)
  mkdirSync(join(path, 'm', '1'), { recursive: true })
  writeFileSync(join(path, 'm', 'config.pbtxt'), `backend: "python" ${config}`)
  writeFileSync(join(path, 'm', '1', 'model.py'), code)
  return readModelRepository(path)
}

/** What is not worth measuring starts no server. */
async function rounds(name: string, config: string, code: string, isBlamed: boolean) {
  const input = {
    plan: { name: 'm' } as ModelPlan,
    candidate: await repository(name, config, code),
    reference: await repository(`${name}-before`, 'max_batch_size: 8', 'x = 1'),
    loads: [],
    timeNs: 1e9,
    maxServers: 9,
    blamesConfig: () => isBlamed,
  }
  const { origin, fields } = await attribute({ world: { nowNs: () => 0 } } as ProfileContext, input)
  return [origin, fields].map((round) => (round.status === 'skipped' ? round.why : 'measured'))
}

test('a round that is not measured says why', async () => {
  const single = ['only one of the two changed', 'no two fields of config.pbtxt changed']
  expect(await rounds('one', 'max_batch_size: 4', 'x = 1', true)).toEqual(single)
  expect(await rounds('code', 'max_batch_size: 8', 'x = 2', false)).toEqual(single)
  const two = 'max_batch_size: 4 instance_group { count: 2 }'
  expect(await rounds('innocent', two, 'x = 2', false)).toEqual([
    'there is no latency or throughput to be taken apart',
    'config.pbtxt is not the cause',
  ])
})
