import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { equals } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { modelConfigs } from '../../test/support/model-configs.ts'
import { ModelConfigSchema } from '../proto/model_config_pb.js'
import { applyConfiguration, configurationOf } from './configuration.ts'
import { parseModelConfig } from './parse.ts'
import { patchModelConfigText } from './patch.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tpg-patch-'))
  execFileSync('git', ['init', '-q', root])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const base = { committed: false, instanceCount: 5, maxBatchSize: 2 }
const wanted = [
  { ...base, dynamicBatching: false },
  { ...base, dynamicBatching: true, preferredBatchSizes: [1, 2], maxQueueDelayMicroseconds: 300 },
  { ...base, instanceCount: 1, maxBatchSize: 512, dynamicBatching: true },
]

test('there are at least fifty files, all different', () => {
  expect(new Set(modelConfigs.map(([, text]) => text)).size).toBeGreaterThanOrEqual(50)
})

test.each(modelConfigs)('%s: there and back, with every comment in its place', (name, text) => {
  const file = `${name.replace(/\W+/g, '_')}/config.pbtxt`
  const path = join(root, 'models', file)
  mkdirSync(dirname(path), { recursive: true })
  const git = (patch: string, ...options: string[]) =>
    execFileSync('git', ['apply', '--whitespace=nowarn', ...options, '-'], { cwd: root, input: patch })
  const config = parseModelConfig(text, file)
  for (const configuration of wanted) {
    const target = applyConfiguration(config, configuration)
    const { newText, faithful, patch } = patchModelConfigText(text, file, target, 'models')
    expect(faithful, newText).toBe(true)
    const read = parseModelConfig(newText, file)
    expect(equals(ModelConfigSchema, read, target)).toBe(true)
    expect(configurationOf(read, false)).toMatchObject({ ...configuration, committed: false })

    writeFileSync(path, text)
    git(patch)
    expect(readFileSync(path, 'utf8')).toBe(newText)
    git(patch, '--reverse')
    expect(readFileSync(path, 'utf8')).toBe(text)

    const untouched = text.split('\n').filter((line) => /^\s*(#|name|parameters|input|output)/.test(line))
    for (const line of untouched) expect(newText.split('\n')).toContain(line)
  }
})
