import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultRequests } from '../../src/config/defaults.ts'
import { asGateError, type GateError } from '../../src/domain/error.ts'
import type { Load } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond, type World } from '../../src/domain/world.ts'
import { openLoadGenerator } from '../../src/load/generator.ts'
import { measureWith } from '../../src/profile/engine.ts'
import { toRepetition } from '../../src/profile/sample.ts'
import { openModel } from '../../src/profile/side.ts'
import { withCalledModels } from '../../src/repository/calls.ts'
import { readModelRepository } from '../../src/repository/repository.ts'
import { createRandom } from '../../src/stats/random.ts'
import { connectTriton } from '../../src/triton/client.ts'
import type { Launcher } from '../../src/triton/launcher.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer } from '../../src/triton/server.ts'
import { addOneAfter, embeddedLauncher, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { copyExamples } from '../support/examples.ts'
import { madeInputs } from '../support/input-data.ts'
import { pictures, readPicture } from '../support/pictures.ts'
import { fp32, infer, int32, readFp32, readInt32, readTexts, uint8 } from '../support/tensors.ts'

const timeoutNs = 60 * nsPerSecond
let world: World
let launcher: Launcher
let examples: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  world = testWorld()
  launcher = await embeddedLauncher(world)
  examples = await serve()
  // The ensemble brings its three steps along.
  await examples.load('ocr')
  await examples.load('add_sub')
})
/** All at the end and at once: a server takes seconds to stop. */
afterAll(() => Promise.all(running.map((close) => close())))
const running: (() => Promise<void>)[] = []

/** A server on a copy of the examples, as committed or with a pull request applied. */
async function serve(pullRequest?: string) {
  const copy = copyExamples(pullRequest)
  const server = await startServer(world, launcher, { repository: copy.modelRepository })
  const client = connectTriton(server.grpc)
  running.push(async () => {
    client.close()
    await server.stop()
    copy.remove()
  })
  return {
    server,
    client,
    repository: copy.modelRepository,
    load: (model: string) => loadModel(world, server, client, model, { timeoutNs }),
  }
}

/** Network input of a 200 × 64 picture, as preprocess should make it: mean of 2 × 2 pixels, -1 to 1, channels first. */
function imageOf(pixels: Uint8Array): number[] {
  const at = (y: number, x: number, channel: number) => pixels[(y * 200 + x) * 3 + channel] ?? Number.NaN
  return Array.from({ length: 3 * 32 * 100 }, (_, index) => {
    const channel = Math.floor(index / 3200)
    const y = 2 * (Math.floor(index / 100) % 32)
    const x = 2 * (index % 100)
    const sum = at(y, x, channel) + at(y, x + 1, channel) + at(y + 1, x, channel) + at(y + 1, x + 1, channel)
    return sum / 4 / 127.5 - 1
  })
}

test.each(pictures)('ocr reads $words', async ({ file, words }) => {
  const { pixels } = readPicture(file)
  const outputs = await infer(examples.client, 'ocr', [uint8('picture', [1, 64, 200, 3], pixels)])
  expect(readTexts(outputs.get('text'))).toEqual([words])
  const [confidence] = readFp32(outputs.get('confidence'))
  expect(confidence).toBeGreaterThan(0.9)
  expect(confidence).toBeLessThanOrEqual(1)
})

test('ocr reads several pictures in one request, in order', async () => {
  const batch = Buffer.concat(pictures.map(({ file }) => readPicture(file).pixels))
  const outputs = await infer(examples.client, 'ocr', [
    uint8('picture', [pictures.length, 64, 200, 3], batch),
  ])
  expect(readTexts(outputs.get('text'))).toEqual(pictures.map(({ words }) => words))
})

test('requests that Triton batches get their own answers back', async () => {
  const answers = pictures.map(({ file }) =>
    infer(examples.client, 'ocr', [uint8('picture', [1, 64, 200, 3], readPicture(file).pixels)]),
  )
  const texts = (await Promise.all(answers)).flatMap((outputs) => readTexts(outputs.get('text')))
  expect(texts).toEqual(pictures.map(({ words }) => words))
})

test('preprocess shrinks as the network wants it', async () => {
  const { pixels } = readPicture('triton.png')
  const outputs = await infer(examples.client, 'preprocess', [uint8('picture', [1, 64, 200, 3], pixels)])
  const image = readFp32(outputs.get('image'))
  const expected = imageOf(pixels)
  expect(image).toHaveLength(expected.length)
  const worst = Math.max(...image.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))))
  expect(worst).toBeLessThan(1e-5)
})

test('text_recognition and decode, asked one by one, read the same', async () => {
  const { pixels } = readPicture('latency.png')
  const network = await infer(examples.client, 'text_recognition', [
    fp32('image', [1, 3, 32, 100], imageOf(pixels)),
  ])
  const indices = readInt32(network.get('indices'))
  const scores = readFp32(network.get('scores'))
  expect([indices.length, scores.length]).toEqual([25, 25])
  const outputs = await infer(examples.client, 'decode', [
    int32('indices', [1, 25], indices),
    fp32('scores', [1, 25], scores),
  ])
  expect(readTexts(outputs.get('text'))).toEqual(['LATENCY'])
})

test('decode gives an empty text without confidence for blanks, and refuses what is no character', async () => {
  const scores = fp32('scores', [1, 25], Array(25).fill(1))
  const blank = await infer(examples.client, 'decode', [int32('indices', [1, 25], Array(25).fill(0)), scores])
  expect(readTexts(blank.get('text'))).toEqual([''])
  expect(readFp32(blank.get('confidence'))).toEqual([0])

  const wrong = infer(examples.client, 'decode', [int32('indices', [1, 25], Array(25).fill(6625)), scores])
  await expect(wrong).rejects.toThrow('indices must be from 0 to 6624')
})

test('add_sub adds and subtracts', async () => {
  const outputs = await infer(examples.client, 'add_sub', [
    fp32('INPUT0', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
    fp32('INPUT1', [2, 4], [10, 20, 30, 40, 0.5, 0.25, -1, 0]),
  ])
  expect(readFp32(outputs.get('OUTPUT0'))).toEqual([11, 22, 33, 44, 5.5, 6.25, 6, 8])
  expect(readFp32(outputs.get('OUTPUT1'))).toEqual([-9, -18, -27, -36, 4.5, 5.75, 8, 8])
})

test('the server resolves what the examples say of text_recognition', async () => {
  const config = await examples.client.modelConfig('text_recognition')
  expect(config.maxBatchSize).toBe(8)
  expect(config.instanceGroup.map(({ count }) => count)).toEqual([2])
  expect(config.schedulingChoice).toMatchObject({
    case: 'dynamicBatching',
    value: { maxQueueDelayMicroseconds: 0n },
  })
})

test.each(['harmless', 'slower', 'slower-code', 'breaks-budget'])('%s changes no answer', async (name) => {
  const changed = await serve(name)
  await changed.load('text_recognition')
  const input = [fp32('image', [1, 3, 32, 100], imageOf(readPicture('baseline.png').pixels))]
  const before = await infer(examples.client, 'text_recognition', input)
  const after = await infer(changed.client, 'text_recognition', input)
  expect(readInt32(after.get('indices'))).toEqual(readInt32(before.get('indices')))
  expect(readInt32(after.get('indices')).some((index) => index !== 0)).toBe(true)
})

test("does-not-load gives the server's own reason", async () => {
  const changed = await serve('does-not-load')
  const error: GateError | null = await changed.load('text_recognition').then(() => null, asGateError)
  expect(error?.code).toBe('model')
  expect(error?.message).toContain('there is no file ch_PP-OCRv3_rec_infer.onnx')
})

/** Measures a model of the examples once, as a repetition does, with the statistics of the models behind it. */
async function measured(
  name: string,
  load: Load,
  called: readonly string[] = [],
  meanwhile: (isOver: () => boolean) => Promise<void> = async () => {},
) {
  const { server, client, repository: path } = examples
  const repository = await withCalledModels(await readModelRepository(path), [name], called)
  const model = repository.models.get(name)
  if (model === undefined) throw new Error(`there is no ${name}`)
  const generator = await openLoadGenerator(world)
  try {
    const live = await openModel(
      {
        world,
        launcher,
        generator,
        engine: { kind: 'builtin', generator },
        loadTimeoutNs: timeoutNs,
        requestDeadlineNs: timeoutNs,
        serverLog: () => () => {},
      },
      { side: 'candidate', server, client, close: async () => {} },
      model,
      { input: madeInputs(), requests: defaultRequests },
    )
    const settings = {
      warmupNs: 300 * nsPerMs,
      maxWarmupNs: 300 * nsPerMs,
      measurementNs: 1500 * nsPerMs,
      maxMeasurementNs: 3 * nsPerSecond,
      blockNs: 500 * nsPerMs,
    }
    let over = false
    const measuring = measureWith(
      { world, engine: { kind: 'builtin', generator }, random: createRandom(1), gpu: null },
      [live],
      load,
      settings,
    ).finally(() => {
      over = true
    })
    await Promise.all([measuring, meanwhile(() => over)])
    const [sample] = await measuring
    if (sample === undefined) throw new Error('not measured')
    await live.detach()
    const rows = new Map((sample.composing?.models ?? []).map((each) => [each.model, each]))
    return {
      repetition: toRepetition(sample, load, 0, null, 0),
      rows,
      warnings: sample.composing?.warnings ?? [],
    }
  } finally {
    await generator.close()
  }
}

test('each step of an ensemble is counted once for each request, and the steps’ queues are the ensemble’s', async () => {
  const { repetition, rows, warnings } = await measured('ocr', { mode: 'concurrency', concurrency: 6 })
  expect([repetition.voidReasons, warnings]).toEqual([[], []])
  expect([...rows.keys()]).toEqual(['preprocess', 'text_recognition', 'decode'])
  const sum = (part: 'serverQueueNs' | 'serverComputeInferNs') =>
    [...rows.values()].reduce((all, row) => all + (row[part] ?? Number.NaN), 0)
  for (const row of rows.values()) {
    expect(row).toMatchObject({ via: 'step', failCount: 0, cacheHitCount: 0 })
    expect(Math.abs((row.requestsPerRequest ?? 0) - 1)).toBeLessThan(0.05)
    expect(row.executedBatchSize).toBeGreaterThanOrEqual(1)
    expect(row.serverComputeInferNs).toBeGreaterThan(0)
  }
  // Triton sums the compute times of the steps itself, but not their queues.
  const { serverQueueNs, serverComputeInferNs } = repetition.metrics
  expect((serverComputeInferNs ?? 0) / sum('serverComputeInferNs')).toBeCloseTo(1, 1)
  expect(serverQueueNs).toBeGreaterThan(0.99 * sum('serverQueueNs'))
  expect(serverQueueNs).toBeLessThan(sum('serverQueueNs') + 5 * nsPerMs)
})

/** Asks add_one twice for each request. */
const twice = `
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        def answer(request):
            x = pb_utils.get_input_tensor_by_name(request, "X")
            for _ in range(2):
                call = pb_utils.InferenceRequest(model_name="add_one", requested_output_names=["Y"], inputs=[x])
                response = call.exec()
                if response.has_error():
                    raise pb_utils.TritonModelException(response.error().message())
            return pb_utils.InferenceResponse([pb_utils.get_output_tensor_by_name(response, "Y")])

        return [answer(request) for request in requests]
`

test('a model that code calls is loaded with it, and counted as often as it is called', async () => {
  writePythonModel(examples.repository, 'twice', { python: twice })
  writePythonModel(examples.repository, 'add_one', { python: addOneAfter(5) })
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const { repetition, rows, warnings } = await measured('twice', load, ['add_one'])
  expect([repetition.voidReasons, warnings]).toEqual([[], []])
  expect([...rows.keys()]).toEqual(['add_one'])
  const row = rows.get('add_one')
  expect(row).toMatchObject({ via: 'call', failCount: 0 })
  expect(Math.abs((row?.requestsPerRequest ?? 0) - 2)).toBeLessThan(0.05)
  expect(row?.serverComputeInferNs).toBeGreaterThan(5 * nsPerMs)
  // What it takes is part of its caller's time.
  expect(repetition.metrics.serverComputeInferNs).toBeGreaterThan(2 * (row?.serverComputeInferNs ?? 0))
})

test('others’ requests to a step are a warning', async () => {
  const image = [uint8('picture', [1, 64, 200, 3], readPicture('triton.png').pixels)]
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const { repetition, warnings } = await measured('ocr', load, [], async (isOver) => {
    while (!isOver()) await infer(examples.client, 'preprocess', image)
  })
  expect(repetition.status).toBe('valid')
  expect(warnings).toEqual([expect.stringContaining("composing model 'preprocess' was asked")])
})
