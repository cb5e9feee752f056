import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { equals } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ModelConfigSchema } from '../proto/model_config_pb.js'
import { applyConfiguration, configurationOf, illegal } from './configuration.ts'
import { firstGroupOnCpu } from './instance-groups.ts'
import { parseModelConfig } from './parse.ts'
import { patchModelConfigText } from './patch.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tpg-patch-'))
  execFileSync('git', ['init', '-q', root])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function gitApply(path: string, before: string, patch: string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, before)
  execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: root, input: patch })
  return readFileSync(file, 'utf8')
}

const commented = `# Text recognition, see README.
name: "rec"   # the folder's name
backend: "python"
max_batch_size: 8  # { not a bracket
input [ { name: "image" data_type: TYPE_FP32 dims: [ 3, 32, 100 ] } ]

# one per core
instance_group [
  {
    kind: KIND_CPU
    count: 2   # was 4
  }
]

# batch what waits
dynamic_batching {
  # sizes the kernel likes
  preferred_batch_size: [ 4, 8 ]
  preserve_ordering: true
}
parameters { key: "note" value: { string_value: "max_batch_size: 99 # no comment" } }
`

const layouts: Record<string, string> = {
  commented,
  'one line':
    'name: "m" backend: "python" max_batch_size: 4 instance_group [ { count: 1, kind: KIND_CPU } ] dynamic_batching { }',
  'nothing but a batch size': 'name: "m"\nmax_batch_size: 4\n',
  'angle brackets and separators':
    "name: 'm'; max_batch_size: 0x4; instance_group: < count: 2; kind: KIND_CPU >, dynamic_batching: < preferred_batch_size: 2, preferred_batch_size: 4; >;",
  'several groups in a list':
    'max_batch_size: 4\ninstance_group [\n  { kind: KIND_CPU },\n  { kind: KIND_GPU gpus: [ 0 ] count: 2 }\n]\n',
  'several groups, each a field':
    'max_batch_size: 4\ninstance_group { kind: KIND_CPU count: 1 }\ninstance_group {\n  kind: KIND_MODEL\n}\n# end',
  'groups in a list and behind it':
    'max_batch_size: 4\ninstance_group [ { count: 1 }, { count: 2 } ]\ninstance_group { kind: KIND_CPU }\n',
  'Windows lines, no last newline':
    'name: "m"\r\nmax_batch_size: 4\r\ndynamic_batching {\r\n  max_queue_delay_microseconds: 100\r\n}',
  'empty list and empty messages': 'max_batch_size: 4 instance_group [ ] dynamic_batching {}',
  'comment behind the last field': 'max_batch_size: 4 # four\n# the end',
}

test('changes a number and nothing else', () => {
  const config = parseModelConfig(commented, 'rec/config.pbtxt')
  const target = applyConfiguration(config, { ...configurationOf(config, false), instanceCount: 4 })
  const { newText, faithful, patch } = patchModelConfigText(
    commented,
    'rec/config.pbtxt',
    target,
    'my models',
  )
  expect(faithful).toBe(true)
  expect(newText).toBe(commented.replace('count: 2   # was 4', 'count: 4   # was 4'))
  expect(patch).toMatch(/^--- a\/my models\/rec\/config\.pbtxt\n\+\+\+ b\/my models\/rec\/config\.pbtxt\n@@ /)
  expect(gitApply('my models/rec/config.pbtxt', commented, patch)).toBe(newText)
})

test('adds in the layout that is there', () => {
  const config = parseModelConfig(commented, 'f')
  const { preferredBatchSizes: _, ...rest } = configurationOf(config, false)
  const target = applyConfiguration(config, { ...rest, maxQueueDelayMicroseconds: 200 })
  expect(patchModelConfigText(commented, 'f', target).newText).toBe(
    commented
      .replace('  preferred_batch_size: [ 4, 8 ]\n', '')
      .replace('preserve_ordering: true\n', 'preserve_ordering: true\n  max_queue_delay_microseconds: 200\n'),
  )
})

test('switches batching off and on', () => {
  const text = 'name: "m"\nmax_batch_size: 4\ndynamic_batching { } # why\noptimization { }\n'
  const config = parseModelConfig(text, 'f')
  const off = patchModelConfigText(
    text,
    'f',
    applyConfiguration(config, { ...configurationOf(config, false), dynamicBatching: false }),
  )
  expect(off.newText).toBe('name: "m"\nmax_batch_size: 4\noptimization { }\n')
  const without = parseModelConfig(off.newText, 'f')
  const on = patchModelConfigText(
    off.newText,
    'f',
    applyConfiguration(without, {
      ...configurationOf(without, false),
      dynamicBatching: true,
      preferredBatchSizes: [2, 4],
    }),
  )
  expect(on.newText).toBe(`${off.newText}dynamic_batching { preferred_batch_size: [ 2, 4 ] }\n`)
})

test('is empty where nothing changes', () => {
  expect(patchModelConfigText(commented, 'f', parseModelConfig(commented, 'f'))).toEqual({
    newText: commented,
    faithful: true,
    patch: '',
  })
})

test('writes the file anew, and says so, where a field with a comment in it has to change', () => {
  const target = parseModelConfig('name: "m" max_batch_size: 4 response_cache { enable: true }', 'f')
  const text = 'name: "m" # mine\nmax_batch_size: 2\nresponse_cache { # not yet\n  enable: false\n}\n'
  const { newText, faithful, patch } = patchModelConfigText(text, 'm/config.pbtxt', target)
  expect(faithful).toBe(false)
  expect(equals(ModelConfigSchema, parseModelConfig(newText, 'f'), target)).toBe(true)
  expect(gitApply('m/config.pbtxt', text, patch)).toBe(newText)
})

test.each(Object.entries(layouts))('any configuration, in the layout: %s', (_, text) => {
  const config = parseModelConfig(text, 'f')
  const configurations = fc.record({
    committed: fc.constant(false),
    instanceCount: fc.integer({ min: 1, max: 5 }),
    maxBatchSize: fc.integer({ min: 1, max: 16 }),
    dynamicBatching: fc.boolean(),
  })
  const settings = fc.record({
    preferredBatchSizes: fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 2 }),
    maxQueueDelayMicroseconds: fc.constantFrom(0, 100, 500),
  })
  fc.assert(
    fc.property(configurations, settings, (base, extra) => {
      const configuration = base.dynamicBatching ? { ...base, ...extra } : base
      fc.pre(illegal(config, configuration) === null)
      const target = applyConfiguration(config, configuration)
      const { newText, faithful } = patchModelConfigText(text, 'f', target)
      expect(faithful, newText).toBe(true)
      expect(equals(ModelConfigSchema, parseModelConfig(newText, 'f'), target)).toBe(true)
      for (const comment of text.match(/(?<=^|\n)#[^\n]*/g) ?? []) expect(newText).toContain(comment)
    }),
    { numRuns: 60 },
  )
})

const group = fc
  .record({
    count: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom('KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL'),
    gpus: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
  })
  .map(({ gpus, ...others }) => ({ ...others, ...(others.kind === 'KIND_GPU' ? { gpus } : {}) }))

test.each(Object.entries(layouts))('any instance groups, in the layout: %s', (_, text) => {
  const config = parseModelConfig(text, 'f')
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 3 }), (groups) => {
      const instanceCount = groups.reduce((sum, { count }) => sum + count, 0)
      const target = applyConfiguration(config, {
        ...configurationOf(config, false),
        instanceCount,
        fields: { instance_group: groups },
      })
      const { newText, faithful } = patchModelConfigText(text, 'f', target)
      expect(faithful, newText).toBe(true)
      expect(equals(ModelConfigSchema, parseModelConfig(newText, 'f'), target)).toBe(true)
      for (const comment of text.match(/(?<=^|\n)#[^\n]*/g) ?? []) expect(newText).toContain(comment)
    }),
    { numRuns: 60 },
  )
})

test('a model moves to the CPU by the fewest changes', () => {
  const text = `# one per GPU
instance_group [
  {
    count: 2 # enough
    kind: KIND_GPU
    gpus: [ 0, 1 ]
    rate_limiter { priority: 2 }
  }
]
`
  const config = parseModelConfig(text, 'f')
  const fields = { instance_group: [firstGroupOnCpu(config)] }
  const target = applyConfiguration(config, { ...configurationOf(config, false), instanceCount: 3, fields })
  expect(patchModelConfigText(text, 'f', target)).toMatchObject({
    faithful: true,
    newText: text
      .replace('count: 2', 'count: 3')
      .replace('KIND_GPU', 'KIND_CPU')
      .replace('    gpus: [ 0, 1 ]\n', ''),
  })
})

test.each(Object.entries(layouts))('git applies it: %s', (name, text) => {
  const config = parseModelConfig(text, 'f')
  const base = { committed: false, instanceCount: 3, maxBatchSize: 16 }
  for (const configuration of [
    { ...base, dynamicBatching: false },
    { ...base, dynamicBatching: true, preferredBatchSizes: [2, 16], maxQueueDelayMicroseconds: 100 },
  ]) {
    const path = `${name.replace(/\W+/g, '_')}/config.pbtxt`
    const { newText, patch } = patchModelConfigText(
      text,
      path,
      applyConfiguration(config, configuration),
      'models',
    )
    expect(gitApply(`models/${path}`, text, patch)).toBe(newText)
  }
})
