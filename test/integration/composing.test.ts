// The sweep varies the models that an ensemble or code needs, on a real server.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/load-config.ts'
import type { Configuration } from '../../src/domain/configuration.ts'
import { type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { readInputs } from '../../src/load/read-inputs.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { Bench } from '../../src/profile/bench.ts'
import type { ProfileContext } from '../../src/profile/context.ts'
import { withCalledModels } from '../../src/repository/calls.ts'
import { readModelRepository } from '../../src/repository/repository.ts'
import { embeddedLauncher, embeddedSettings, testWorld } from '../support/embedded-triton.ts'
import { writeCaller, writePipeline } from '../support/pipeline-models.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-composing-'))
afterAll(() => rmSync(root, { recursive: true }))
const models = join(root, 'models')

const alone = { instanceCount: 1, maxBatchSize: 8, dynamicBatching: false }

const settings = (model: string, measurements: number, more = '') => `
profile_models: { ${model}: { parameters: { concurrency: 4 } } }
run_config_search_max_instance_count: 4
run_config_search_min_model_batch_size: 8
run_config_search_max_model_batch_size: 8
run_config_search_min_concurrency: 4
run_config_search_max_concurrency: 8
${more}
gate:
  repetitions: 2
  warmup_seconds: 0.1
  measurement_seconds: 0.3
  search_max_measurements: ${measurements}
`

async function gate(
  output: string,
  text: string,
  resume: Measurements | null = null,
  world: World = testWorld(),
) {
  const result = await runGate(world, {
    config: { ...readConfig(text, 'gate.yml', { timeBudgetNs: 120e9 }), triton: embeddedSettings },
    modelRepository: models,
    mode: 'baseline',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory: join(root, output),
    resume,
    commit: null,
    runId: null,
  })
  return result.models[0]
}

const measured = (output: string): Measurements =>
  measurementsSchema.parse(JSON.parse(readFileSync(join(root, output, 'measurements.json'), 'utf8')))

beforeAll(() => {
  mkdirSync(models)
  // Two steps, of which the second takes nearly all the time and is alone.
  writePipeline(models, 'pipeline', { first: { sleepMs: 1 }, slow: { sleepMs: 24 } })
  writeCaller(models, 'caller', 'slow', 4)
})

test('the planted bottleneck of an ensemble is found, by a sweep that is stopped and gone on with, and its patch applies', async () => {
  const before = readdirSync(models, { recursive: true }).toSorted()
  const abort = new AbortController()
  const world = testWorld(abort.signal)
  const stopping: World = {
    ...world,
    progress: (message) => {
      if (message.includes('sweep 1:')) abort.abort()
      world.progress(message)
    },
  }
  await expect(gate('out', settings('pipeline', 4), null, stopping)).rejects.toThrow('interrupted')
  const left = measured('out')
  expect(left.models[0]?.sweep?.points).toHaveLength(1)
  const model = await gate('out', settings('pipeline', 4), left)
  const points = measured('out').models[0]?.sweep?.points ?? []
  expect(points.slice(0, 1)).toEqual(left.models[0]?.sweep?.points)

  expect(model?.best, JSON.stringify(model?.search)).not.toBeNull()
  const { configuration, gain, patch } = model?.best ?? {}
  expect(configuration?.others?.slow?.instanceCount ?? 1).toBeGreaterThan(1)
  expect(gain).toBeGreaterThan(0.5)
  // Nothing is written beside the user's files.
  expect(readdirSync(models, { recursive: true }).toSorted()).toEqual(before)

  const patched = join(root, 'patched')
  cpSync(models, patched, { recursive: true })
  execFileSync('git', ['init', '-q', patched])
  execFileSync('git', ['apply', '-'], { cwd: patched, input: patch ?? '' })
  const { models: after } = await readModelRepository(patched)
  expect(after.get('slow')?.configText).toContain('# as many as the old machine had cores')
  for (const name of ['first', 'slow']) {
    const config = after.get(name)?.config
    const wanted = configuration?.others?.[name] ?? alone
    expect(config && configurationOf(config, false), name).toMatchObject(wanted)
  }
})

test('what code calls is varied with the model that calls it', async () => {
  const model = await gate('called', settings('caller', 3, 'bls_composing_models: slow'))
  const { configuration, gain, patch } = model?.best ?? {}
  expect(configuration?.others?.slow, model?.best?.explanation).toBeDefined()
  expect(gain).toBeGreaterThan(0.5)
  expect(patch).toContain('slow/config.pbtxt')
})

describe('one server', () => {
  test('has exactly the combination that is asked for, whatever was loaded before', async () => {
    const world = testWorld()
    const launcher = await embeddedLauncher(world)
    const repository = await readModelRepository(models)
    const model = repository.models.get('pipeline')
    if (model?.config == null) throw new Error('no model')
    // Where GPU memory counts, what is replaced goes before what replaces it comes.
    const gpu = { watchServer: () => Promise.resolve(undefined) }
    const context = await contextOf(world, launcher, gpu)
    const bench = new Bench(context, { repository, model, running: null, servers: 8 })
    const committed = configurationOf(model.config, true)
    const fields = (instanceCount: number, maxBatchSize = 8, dynamicBatching = false) => ({
      instanceCount,
      maxBatchSize,
      dynamicBatching,
    })
    const combinations: Configuration[] = [
      // The very first load is an override: the python backend has written nothing yet.
      { ...committed, committed: false, others: { slow: fields(2) } },
      { ...committed, committed: false, others: { slow: fields(2), first: fields(3, 8, true) } },
      // Smaller than what the loaded ensemble takes.
      { ...committed, committed: false, maxBatchSize: 2, others: { slow: fields(1, 2) } },
      committed,
    ]
    try {
      for (const [index, configuration] of combinations.entries()) {
        const { model: live, loadNs } = await bench.load(configuration, combinations[index - 1] ?? null)
        if (typeof live === 'string') throw new Error(live)
        expect(loadNs).not.toBeNull()
        const { client } = live.live
        for (const name of ['first', 'slow']) {
          const wanted = configuration.others?.[name] ?? fields(1)
          expect(configurationOf(await client.modelConfig(name), false), name).toMatchObject(wanted)
        }
        expect((await client.modelConfig('pipeline')).maxBatchSize).toBe(configuration.maxBatchSize)
        expect(await client.modelReady('pipeline')).toBe(true)
        // What did not change is not loaded again: its statistics go on.
        expect((await bench.load(configuration, null)).loadNs).toBeNull()
      }
      const refused = { ...committed, committed: false, others: { slow: fields(1, 4) } }
      // The ensemble would take more than its step.
      expect((await bench.load(refused, committed)).model).toMatch(/pipeline|ensemble/)
      const { model: again } = await bench.load(committed, null)
      expect(typeof again).not.toBe('string')
    } finally {
      await bench.close()
    }
  })

  test('keeps what does not change: a caller stays loaded while what it calls is changed', async () => {
    const world = testWorld()
    const launcher = await embeddedLauncher(world)
    const repository = await withCalledModels(await readModelRepository(models), ['caller'], ['slow'])
    const model = repository.models.get('caller')
    if (model?.config == null) throw new Error('no model')
    const bench = new Bench(await contextOf(world, launcher), {
      repository,
      model,
      running: null,
      servers: 8,
    })
    const committed = configurationOf(model.config, true)
    try {
      const first = await bench.load(committed, null)
      if (typeof first.model === 'string') throw new Error(first.model)
      const others = { slow: { instanceCount: 2, maxBatchSize: 8, dynamicBatching: false } }
      const second = await bench.load({ ...committed, committed: false, others }, committed)
      if (typeof second.model === 'string') throw new Error(second.model)
      expect(second.model.configuration.others).toEqual(others)
      expect(second.model.target).toBe(first.model.target)
      const { client } = second.model.live
      expect(configurationOf(await client.modelConfig('slow'), false)).toMatchObject(others.slow)
      const instances = async () => configurationOf(await client.modelConfig('caller'), false).instanceCount
      expect(await instances()).toBe(4)
      const fewer = { ...committed, committed: false, instanceCount: 3 }
      await bench.load(fewer, { ...committed, committed: false, others })
      expect(await instances()).toBe(3)
      // An override stays until another one comes: a plain load would bring nothing back.
      await bench.load(committed, fewer)
      expect(await instances()).toBe(4)
    } finally {
      await bench.close()
    }
  })
})

/** Only what loading asks of it; anything else would be a defect of the test. */
async function contextOf(
  world: World,
  launcher: ProfileContext['launcher'],
  gpu: { readonly watchServer: () => Promise<undefined> } | null = null,
): Promise<ProfileContext> {
  const config = readConfig('', 'gate.yml', {})
  const input = await readInputs(config.settingsFor('').input)
  return {
    world,
    launcher,
    config,
    gpu,
    loadTimeoutNs: 60e9,
    requestDeadlineNs: 5e9,
    serverLog: () => () => {},
    inputs: new Map(['pipeline', 'caller'].map((name) => [name, input])),
  } as unknown as ProfileContext
}
