import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { readConfig } from '../config/load-config.ts'
import type { LoadGenerator } from '../load/generator.ts'
import { engineName, openEngine } from './engine.ts'

const world = fakeWorld({}, () => ({ stderr: 'Perf Analyzer Version 2.60.0 (commit 1)' }))
const generator = {} as LoadGenerator
const open = (gate: string) => openEngine(world, generator, readConfig(`gate: { ${gate} }\n`, 'gate.yml', {}))

test('perf_analyzer is named with its version', async () => {
  expect(engineName(await open('engine: perf_analyzer'))).toBe('perf_analyzer 2.60.0 (commit 1)')
  expect(engineName(await open('check_outputs: first'))).toBeNull()
})

test('answers that it would have to compare are refused by name', async () => {
  await expect(open('engine: perf_analyzer, check_outputs: first')).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('gate.check_outputs: first'),
  })
})
