import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RequestSettings } from '../../src/config/config.ts'
import { defaultRequests } from '../../src/config/defaults.ts'
import { batchSizeOf, type Load } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond, type World } from '../../src/domain/world.ts'
import {
  connectionsFor,
  type LoadGenerator,
  openLoadGenerator,
  type Window,
} from '../../src/load/generator.ts'
import { makeSteps } from '../../src/load/inputs.ts'
import { readInputs } from '../../src/load/read-inputs.ts'
import { encodeInferRequest } from '../../src/load/request.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { measureWith } from '../../src/profile/engine.ts'
import { toRepetition } from '../../src/profile/sample.ts'
import { attachModel } from '../../src/profile/side.ts'
import { createRandom } from '../../src/stats/random.ts'
import type { TritonClient } from '../../src/triton/client.ts'
import { ensureEmbeddedTriton } from '../../src/triton/embedded.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import type { TritonServer } from '../../src/triton/server.ts'
import { type ServerTimes, statisticsDelta } from '../../src/triton/statistics.ts'
import { testWorld, vectorConfig, writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'
import { until } from '../support/until.ts'

const model = 'add_one'

/** Adds 1, and every fifth time 2. */
const wrongEveryFifth = `
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.requests = 0

    def answer(self, request):
        self.requests += 1
        x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
        return pb_utils.InferenceResponse([pb_utils.Tensor("Y", x + (2 if self.requests % 5 == 0 else 1))])

    def execute(self, requests):
        return [self.answer(request) for request in requests]
`

/** Of the wheel, which brings Triton's local response cache along. */
async function cacheDirectory(): Promise<string> {
  const { sitePackages } = await ensureEmbeddedTriton(testWorld())
  return join(sitePackages, 'pytriton/tritonserver/caches')
}

let world: World
let loaded: LoadedServer
let repository: string
let server: TritonServer
let client: TritonClient
let generator: LoadGenerator

beforeAll(async () => {
  loaded = await openLoadedServer(
    [model],
    (folder) => {
      writePythonModel(folder, model)
      writePythonModel(folder, 'unsteady', { python: wrongEveryFifth })
      writePythonModel(folder, 'cached', { config: `${vectorConfig}response_cache { enable: true }\n` })
    },
    {
      serverFlags: { 'cache-config': 'local,size=4194304', 'cache-directory': await cacheDirectory() },
    },
  )
  ;({ world, repository, server, client, generator } = loaded)
})
afterAll(() => loaded.close())

async function openTarget(id: string, load: Load, changes: { model?: string } = {}): Promise<string> {
  const steps = makeSteps(await client.modelConfig(model), madeInputs(), batchSizeOf(load))
  await generator.open({
    id,
    ...server.grpc,
    frames: steps.map(({ inputs }) => encodeInferRequest({ model, ...changes, inputs })),
    connections: connectionsFor(load),
    deadlineNs: 10 * nsPerSecond,
  })
  return id
}

/** The window, and what the server counted over it, once it has counted all of it. */
async function measure(load: Load, leadInNs: number): Promise<{ window: Window; times: ServerTimes }> {
  const target = await openTarget(JSON.stringify([load, leadInNs]), load)
  const before = await client.statistics(model)
  const enough = { minRequests: 25, maxDurationNs: 60 * nsPerSecond }
  const window = await generator.run(target, load, { leadInNs, durationNs: nsPerSecond, ...enough })
  generator.closeTarget(target)
  const read = async () => {
    const delta = statisticsDelta(before, await client.statistics(model), model)
    if (delta.status !== 'available') throw new Error(delta.reason)
    return delta.times
  }
  // Triton counts a request just after it has answered it.
  await until(async () => (await read()).requestCount >= window.issued)
  return { window, times: await read() }
}

const loads: readonly Load[] = [
  { mode: 'concurrency', concurrency: 1 },
  { mode: 'concurrency', concurrency: 4 },
  { mode: 'concurrency', concurrency: 8, batchSize: 2 },
  { mode: 'requestRate', requestRate: 60, distribution: 'poisson' },
]

test.each(loads)('under %o the client and ModelStatistics count the same requests', async (load) => {
  const { window, times } = await measure(load, 0)
  expect(window.failures).toEqual({})
  expect(window.issued).toBeGreaterThan(20)
  expect(times.requestCount).toBe(window.issued)
  expect(times.failCount).toBe(0)
  // Without a lead-in every request is in the sample, so its mean holds the server's whole time.
  expect(window.latenciesNs.length).toBe(window.issued)
  const meanNs = window.latenciesNs.reduce((sum, value) => sum + value, 0) / window.latenciesNs.length
  expect(meanNs).toBeGreaterThan(times.successNs ?? Number.POSITIVE_INFINITY)
  expect(times.executedBatchSize).toBeGreaterThanOrEqual(batchSizeOf(load))
  expect(window.client.cpuNsPerRequest).toBeGreaterThan(0)
})

test('two load threads share a load: each request is sent, and counted by Triton, once', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 5 }
  const wide = await openLoadGenerator(world, 2)
  try {
    const steps = makeSteps(await client.modelConfig(model), madeInputs(), 1)
    await wide.open({
      id: 'wide',
      ...server.grpc,
      frames: steps.map(({ inputs }) => encodeInferRequest({ model, inputs })),
      connections: connectionsFor(load),
      deadlineNs: 10 * nsPerSecond,
    })
    expect(await wide.widen(['wide'], load)).toBe(true)
    const before = await client.statistics(model)
    const window = await wide.run('wide', load, { leadInNs: 0, durationNs: 0, requestCount: 301 })
    expect(window.client.threads).toHaveLength(2)
    expect(window.client.connections).toBe(2)
    expect(window.failures).toEqual({})
    expect([window.issued, window.latenciesNs.length]).toEqual([301, 301])
    const read = async () => statisticsDelta(before, await client.statistics(model), model)
    await until(async () => {
      const delta = await read()
      return delta.status === 'available' && delta.times.requestCount === 301
    })
  } finally {
    await wide.close()
  }
})

test('the response cache: each of the requests is computed once, all others are hits', async () => {
  await loadModel(world, server, client, 'cached', { timeoutNs: 60 * nsPerSecond })
  const resolved = await client.modelConfig('cached')
  const live = { side: 'candidate', server, client, close: () => Promise.resolve() } as const
  const attached = attachModel(
    { generator, requestDeadlineNs: 10 * nsPerSecond },
    live,
    resolved,
    configurationOf(resolved, true),
    { input: madeInputs(), requests: defaultRequests },
  )
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const counted = { requestCount: 100, warmupRequestCount: 1 }
  const limits = {
    warmupNs: 0,
    maxWarmupNs: 0,
    measurementNs: 0,
    maxMeasurementNs: 0,
    blockNs: 0,
    ...counted,
  }
  const [sample] = await measureWith(
    { world, engine: { kind: 'builtin', generator }, random: createRandom(1), gpu: null },
    [attached],
    load,
    limits,
  )
  await attached.detach()
  if (sample === undefined) throw new Error('no sample')
  const { serverCounts, voidReasons } = toRepetition(sample, load, 0, null, 0.001)
  // A machine that is too busy says so, and nothing else is wrong.
  expect(voidReasons.filter((reason) => !reason.startsWith('client_saturated:'))).toEqual([])
  // Eight different requests, of which the warm-up has sent the first.
  const different = attached.inputSteps().length
  expect(serverCounts).toMatchObject({ sent: 100, failed: 0 })
  expect([serverCounts?.cacheMisses, serverCounts?.cacheHits]).toEqual([different - 1, 101 - different])
  expect(serverCounts?.cacheHitNs).toBeGreaterThan(0)
  // Triton counts an execution after its answer: on a busy machine that of the warm-up may come into the window.
  const [{ batchSize, executions } = { batchSize: 0, executions: 0 }, ...larger] = serverCounts?.batches ?? []
  expect({ batchSize, larger }).toEqual({ batchSize: 1, larger: [] })
  expect([different - 1, different]).toContain(executions)
})

test('lead-in and lead-out reach the server and stay out of the sample', async () => {
  const { window, times } = await measure({ mode: 'concurrency', concurrency: 4 }, 300 * nsPerMs)
  expect(times.requestCount).toBe(window.issued)
  expect(window.latenciesNs.length).toBeLessThan(window.issued)
  expect(Math.abs(window.completed - window.latenciesNs.length)).toBeLessThanOrEqual(4)
})

test("a request that Triton refuses is a failure in Triton's words", async () => {
  const load: Load = { mode: 'concurrency', concurrency: 2 }
  const target = await openTarget('unknown', load, { model: 'no_such_model' })
  const window = await generator.run(target, load, { leadInNs: 0, durationNs: 100 * nsPerMs })
  expect(window.latenciesNs.length).toBe(0)
  expect(window.failures).toEqual({ NOT_FOUND: window.issued })
  expect(window.firstFailure).toContain("unknown model: 'no_such_model'")
})

test('a fast wrong answer does not pass: as many failures as the model gave wrong answers', async () => {
  await loadModel(world, server, client, 'unsteady', { timeoutNs: 60 * nsPerSecond })
  const steps = [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]
  const write = (name: string, document: object) => {
    const file = join(repository, name)
    writeFileSync(file, JSON.stringify(document))
    return file
  }
  const data = steps.map((X) => ({ X }))
  const validated = write('validated.json', {
    data,
    validation_data: steps.map((X) => ({ Y: X.map((x) => x + 1) })),
  })
  const bare = write('bare.json', { data })
  const resolved = await client.modelConfig('unsteady')
  const live = { side: 'candidate', server, client, close: () => Promise.resolve() } as const
  const run = async (file: string, checkOutputs: RequestSettings['checkOutputs'], batchSize: number) => {
    const input = await readInputs({ ...madeInputs().settings, data: 'files', files: [file] })
    const requests = { ...defaultRequests, checkOutputs }
    const context = { generator, requestDeadlineNs: 10 * nsPerSecond }
    const opened = attachModel(context, live, resolved, configurationOf(resolved, true), { input, requests })
    const load: Load = { mode: 'concurrency', concurrency: 2, batchSize }
    const window = await generator.run(await opened.target(load), load, {
      leadInNs: 0,
      durationNs: 0,
      requestCount: 50,
    })
    await opened.detach()
    return window
  }
  for (const [file, checkOutputs, batchSize] of [
    [validated, 'given', 1],
    [validated, 'given', 2],
    [bare, 'first', 1],
  ] as const) {
    const window = await run(file, checkOutputs, batchSize)
    expect(window.failures).toEqual({ wrong_output: 10 })
    expect(window.latenciesNs).toHaveLength(40)
    expect(window.firstFailure).toContain(`output 'Y' differs at byte`)
  }
  expect((await run(validated, 'off', 1)).failures).toEqual({})
  expect((await run(bare, 'given', 1)).failures).toEqual({})
})
