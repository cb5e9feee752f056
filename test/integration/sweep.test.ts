// The sweep on a real server: what is loaded is what was asked for, whatever was loaded before, and its time is accounted for.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config/load-config.ts'
import { type Configuration, configurationKey } from '../../src/domain/configuration.ts'
import { measurementsSchema } from '../../src/domain/measurements.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { openLoadGenerator } from '../../src/load/generator.ts'
import { configurationOf, differences } from '../../src/model-config/configuration.ts'
import { Bench } from '../../src/profile/bench.ts'
import { readAllInputs } from '../../src/profile/inputs.ts'
import { readModelRepository } from '../../src/repository/repository.ts'
import { createRandom } from '../../src/stats/random.ts'
import {
  addOneAfter,
  embeddedLauncher,
  embeddedSettings,
  testWorld,
  writePythonModel,
} from '../support/embedded-triton.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-sweep-'))
afterAll(() => rmSync(root, { recursive: true }))
const path = join(root, 'models')
writePythonModel(path, 'paced', { python: addOneAfter(5) })
writePythonModel(path, 'moody', { python: answersUnless('"max_batch_size":4') })

const yaml = `
profile_models:
  paced:
    parameters: { concurrency: 1 }
    model_config_parameters: { instance_group: [{ count: [1, 2] }], max_batch_size: [4, 8] }
run_config_search_mode: brute
run_config_search_max_concurrency: 2
gate: { repetitions: 2, warmup_seconds: 0.1, measurement_seconds: 0.3 }
`
const configOf = (text: string) => ({
  ...readConfig(text, 'triton-perf-gate.yml', {}),
  triton: embeddedSettings,
})
const config = configOf(yaml)

/** A run in baseline mode: its only model, and how many servers it has started. */
async function swept(text: string) {
  const outputDirectory = mkdtempSync(join(root, 'output-'))
  await runGate(testWorld(), {
    config: configOf(text),
    modelRepository: path,
    mode: 'baseline',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory,
    resume: null,
    commit: null,
    runId: null,
  })
  const read = (name: string) => readFileSync(join(outputDirectory, name), 'utf8')
  const [model] = measurementsSchema.parse(JSON.parse(read('measurements.json'))).models
  return { model, serversStarted: read('server.log').match(/Started GRPCInferenceService/g)?.length }
}

/** A model that loads in any configuration, and fails all requests in one that has these words. */
function answersUnless(words: string): string {
  return `
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.fails = '${words}' in args["model_config"].replace(" ", "")

    def execute(self, requests):
        if self.fails:
            raise pb_utils.TritonModelException("out of memory")
        inputs = [pb_utils.get_input_tensor_by_name(request, "X").as_numpy() for request in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("Y", x + 1)]) for x in inputs]
`
}

async function benchOf(world: World, name: string) {
  const repository = await readModelRepository(path)
  const model = repository.models.get(name)
  if (model?.config == null) throw new Error('the model was written')
  const generator = await openLoadGenerator(world)
  const bench = new Bench(
    {
      world,
      launcher: await embeddedLauncher(world),
      generator,
      engine: { kind: 'builtin', generator },
      config,
      inputs: await readAllInputs(config, repository, [model]),
      random: createRandom(1),
      gpu: null,
      gpuMemoryTotalBytes: null,
      loadTimeoutNs: 60 * nsPerSecond,
      requestDeadlineNs: 5 * nsPerSecond,
      serverLog: () => () => {},
    },
    { repository, model, running: null, servers: 8 },
  )
  const close = async () => {
    await bench.close()
    await generator.close()
  }
  return { bench, committed: configurationOf(model.config, true), close }
}

test('a bench has the configuration that was asked for, whatever was loaded before', async () => {
  const { bench, committed, close } = await benchOf(testWorld(), 'paced')
  const other = (changes: Partial<Configuration>) => ({ ...committed, committed: false, ...changes })
  try {
    const load = async (configuration: Configuration, replaced: Configuration | null = null) => {
      const { model: loaded, ...took } = await bench.load(configuration, replaced)
      if (typeof loaded === 'string') throw new Error(loaded)
      const actual = configurationOf(await loaded.live.client.modelConfig('paced'), configuration.committed)
      expect(configurationKey(actual)).toBe(configurationKey(configuration))
      const client = loaded.live.client
      expect(await loaded.target({ mode: 'concurrency', concurrency: 1 })).toContain('paced')
      expect(await client.modelReady('paced')).toBe(true)
      return { ...took, live: loaded.live, server: loaded.live.server }
    }
    const [smaller, twice] = [other({ maxBatchSize: 4 }), other({ instanceCount: 2 })]
    const first = await load(committed)
    expect(first.startNs).toBeGreaterThan(0)
    // Over what is loaded, and back: an override does not stay.
    const over = await load(smaller, committed)
    expect(over).toMatchObject({ startNs: 0, server: first.server })
    expect(over.loadNs).toBeGreaterThan(0)
    expect(await load(committed, smaller)).toMatchObject({ startNs: 0, server: first.server })
    // Beside it, and back: nothing is loaded again.
    const beside = await load(twice)
    expect(beside.startNs).toBeGreaterThan(0)
    expect(beside.server).not.toBe(first.server)
    expect(await load(committed)).toMatchObject({ startNs: 0, loadNs: null, server: first.server })
    expect(await load(twice)).toMatchObject({ startNs: 0, loadNs: null, server: beside.server })
    // A server that died is replaced, and the others stay.
    process.kill(beside.server.pids()[0] ?? 0, 'SIGKILL')
    await beside.server.exited
    expect((await load(twice)).startNs).toBeGreaterThan(0)
    expect(await load(committed)).toMatchObject({ startNs: 0, loadNs: null, server: first.server })
    // One that does not answer leaves its server to the next, which needs no further one.
    const [failed, next] = [other({ instanceCount: 3 }), other({ instanceCount: 3, maxBatchSize: 4 })]
    const refusing = await load(failed)
    bench.discard(failed)
    expect(await load(next)).toMatchObject({ startNs: 0, server: refusing.server })
    // As on a user's server, too: that of the committed configuration. The others are gone by then.
    await bench.verify(twice)
    expect([first.server.hasExited(), refusing.server.hasExited()]).toEqual([false, true])
    expect(configurationOf(await first.live.client.modelConfig('paced'), false)).toMatchObject({
      instanceCount: 2,
    })
  } finally {
    await close()
  }
})

test('the committed configuration that a server makes something else of is not measured for it', async () => {
  const { bench, committed, close } = await benchOf(testWorld(), 'paced')
  try {
    // As the server of the gated loads would have completed it.
    const completed = { ...committed, preferredBatchSizes: [2] }
    expect((await bench.load(completed, null)).model).toMatch(/another configuration of the committed one/)
  } finally {
    await close()
  }
})

test('instance groups of any kind that a CPU has are loaded as they are asked for', async () => {
  const { bench, committed, close } = await benchOf(testWorld(), 'paced')
  const groups = [
    [{ kind: 'KIND_AUTO' }],
    [{ kind: 'KIND_MODEL' }],
    [
      { kind: 'KIND_CPU', count: 1 },
      { kind: 'KIND_MODEL', count: 1 },
    ],
  ]
  try {
    let replaced: Configuration | null = null
    for (const instance_group of groups) {
      const configuration = { ...committed, committed: false, instanceCount: 2, fields: { instance_group } }
      const { model: loaded } = await bench.load(configuration, replaced)
      if (typeof loaded === 'string') throw new Error(loaded)
      expect(differences(configuration, await loaded.live.client.modelConfig('paced'))).toEqual([])
      replaced = configuration
    }
    const fields = { instance_group: [{ kind: 'KIND_GPU' }] }
    expect((await bench.load({ ...committed, committed: false, fields }, replaced)).model).toMatch(/GPU/)
  } finally {
    await close()
  }
})

test('configurations that do not answer do not let the servers grow in number', async () => {
  const moody = yaml.replace('paced', 'moody').replace('max_concurrency: 2', 'max_concurrency: 1')
  const { model, serversStarted } = await swept(moody)
  const points = model?.sweep?.points ?? []
  expect(points.slice(0, 4).map(({ metrics }) => metrics !== null)).toEqual([true, false, false, true])
  // One that tells what it is, two of the gated loads, of which the last stays, and one beside that.
  expect(serversStarted).toBe(1 + 2 + 1)
})

test('a sweep begins on the server of the gated loads, and says where its time went', async () => {
  const { model, serversStarted } = await swept(yaml)
  const { wallNs, underLoadNs, phases, measurements } = model?.search ?? {}
  // Four configurations at two loads, then the winner, the committed one and the runner-up again.
  expect(measurements).toBeGreaterThan(8)
  const { startNs = -1, loadNs = 0, stopNs = 0, otherNs = 0 } = phases ?? {}
  expect(Math.min(startNs, loadNs, stopNs, otherNs)).toBeGreaterThan(0)
  expect(startNs + loadNs + stopNs + otherNs + (underLoadNs ?? 0)).toBeCloseTo(wallNs ?? 0, -1)
  const sent =
    model?.scenarios.filter(({ role }) => role === 'sweep').flatMap((each) => each.repetitions) ?? []
  const windowsNs = sent.reduce(
    (sum, { durationNs, warmUp }) => sum + durationNs + (warmUp?.durationNs ?? 0),
    0,
  )
  expect(underLoadNs).toBeGreaterThan(windowsNs)
  // One that tells what it is, one for each repetition, then one for each configuration but the first, for which the last of those is kept.
  expect(serversStarted).toBe(1 + 2 + 3)
})
