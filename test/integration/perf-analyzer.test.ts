import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Load } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond, type World } from '../../src/domain/world.ts'
import { readInputs } from '../../src/load/read-inputs.ts'
import { crossCheck } from '../../src/perf-analyzer/cross-check.ts'
import { inputDataJson } from '../../src/perf-analyzer/input-data.ts'
import { runLevel } from '../../src/perf-analyzer/run.ts'
import { measureRunning, type RunningInput } from '../../src/profile/measure-running.ts'
import { connectTriton, type TritonClient } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer, type TritonServer } from '../../src/triton/server.ts'
import { addOneAfter, embeddedLauncher, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { findPerfAnalyzer } from '../support/perf-analyzer.ts'
import { writeDecoupledModel, writeSequenceModel } from '../support/stateful-models.ts'

const path = findPerfAnalyzer()
const model = 'add_one'
const settings = { path: path ?? '', timeoutNs: 60 * nsPerSecond }

/** A model of BYTES; the text is its own answer, 5 ms later. */
const echoText = addOneAfter(5).replace('"Y", x + 1', '"Y", x')
const textConfig = `
backend: "python"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_STRING, dims: [2] }]
output [{ name: "Y", data_type: TYPE_STRING, dims: [2] }]
instance_group [{ count: 1, kind: KIND_CPU }]
dynamic_batching { }
`
/** An ensemble: one composing model, twice in a row. */
const addTwo = `
platform: "ensemble"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
ensemble_scheduling { step [
  { model_name: "add_one", model_version: -1, input_map { key: "X" value: "X" }, output_map { key: "Y" value: "between" } },
  { model_name: "add_one", model_version: -1, input_map { key: "X" value: "between" }, output_map { key: "Y" value: "Y" } }
] }
`

const concurrency = (count: number): Load => ({ mode: 'concurrency', concurrency: count })

describe.skipIf(path === null)('the real perf_analyzer', () => {
  let world: World
  let repository: string
  let server: TritonServer
  let client: TritonClient

  beforeAll(async () => {
    world = testWorld()
    repository = mkdtempSync(join(tmpdir(), 'tpg-pa-'))
    // Slow enough that the server is the bottleneck: so the windows of perf_analyzer agree.
    writePythonModel(repository, model, { python: addOneAfter(5) })
    writePythonModel(repository, 'echo_text', { python: echoText, config: textConfig })
    writeSequenceModel(repository, 'sum', 'direct { }')
    writeDecoupledModel(repository, 'repeat', 1)
    mkdirSync(join(repository, 'add_two', '1'), { recursive: true })
    writeFileSync(join(repository, 'add_two', 'config.pbtxt'), addTwo)
    server = await startServer(world, await embeddedLauncher(world), { repository })
    client = connectTriton(server.grpc)
    for (const name of [model, 'echo_text', 'sum', 'repeat', 'add_two'])
      await loadModel(world, server, client, name, { timeoutNs: 60 * nsPerSecond })
  })
  afterAll(async () => {
    client.close()
    await server.stop()
    rmSync(repository, { recursive: true })
  })

  const level = (load: Load, change: { readonly anyStability?: boolean } = {}) => ({
    model,
    grpc: server.grpc,
    load,
    inputData: inputDataJson([[{ name: 'X', shape: [4], data: new Uint8Array(16) }]]),
    windowNs: 300 * nsPerMs,
    anyStability: true,
    flags: {},
    ...change,
  })

  test.each<Load>([
    concurrency(1),
    concurrency(4),
    { ...concurrency(2), batchSize: 4 },
    { mode: 'requestRate', requestRate: 60, distribution: 'poisson' },
  ])('under %o its raw data give the figures of its report', async (load) => {
    const outcome = await runLevel(world, settings, level(load))
    if (outcome.status !== 'measured') throw new Error(outcome.reason)
    expect(outcome.profile.windows).toHaveLength(3)
    expect(outcome.profile.windows[0]?.latenciesNs[0]).toBeGreaterThan(5 * nsPerMs)
    expect(crossCheck(load, outcome.row, outcome.profile)).toEqual([])
  })

  async function running(
    load: Load,
    configText: readonly string[] = [],
    name = model,
  ): Promise<RunningInput> {
    const config = await loadConfig({
      file: null,
      overrides: {
        tritonUrl: `grpc://${server.grpc.host}:${server.grpc.port}`,
        engine: 'perf_analyzer',
        perfAnalyzerPath: path ?? '',
      },
    })
    const { input, requests, counts } = config.settingsFor(name)
    const settingsFor = (each: string) => ({
      ...config.settingsFor(each),
      perfAnalyzerFlags: Object.fromEntries(configText.map((flag) => flag.split('='))),
    })
    return {
      triton: config.triton,
      model: name,
      loads: [load],
      until: { kind: 'duration', durationNs: nsPerSecond },
      ask: { input: await readInputs(input), requests },
      counts,
      seed: 1,
      maxFailureRatio: 0.001,
      runnerClass: null,
      engine: { ...config, settingsFor },
      save: () => {},
    }
  }

  test('as the engine it measures what the server has counted', async () => {
    const measurements = await measureRunning(
      world,
      await running(concurrency(2), ['stability-percentage=200']),
    )
    expect(measurements.environment.engine).toMatch(/^perf_analyzer \S/)
    const [scenario] = measurements.models[0]?.scenarios ?? []
    expect(scenario?.repetitions.map(({ voidReasons }) => voidReasons)).toEqual([[]])
    expect(scenario?.metrics.latencyP50Ns?.value).toBeGreaterThan(5 * nsPerMs)
    expect(scenario?.metrics.serverComputeInferNs?.value).toBeGreaterThan(5 * nsPerMs)
    expect(scenario?.warnings).toEqual([])
  })

  test.each<[string, Load]>([
    ['echo_text', concurrency(1)],
    ['sum', concurrency(2)],
    ['sum', { mode: 'requestRate', requestRate: 50 }],
    ['repeat', concurrency(2)],
    ['add_two', concurrency(1)],
  ])(
    '%s under %o: BYTES, sequences, streams and ensembles are measured as by the gate’s own load',
    async (name, load) => {
      const input = await running(load, ['stability-percentage=200'], name)
      const measurements = await measureRunning(world, input)
      const [scenario] = measurements.models[0]?.scenarios ?? []
      expect(scenario?.repetitions.map(({ voidReasons }) => voidReasons)).toEqual([[]])
      expect(scenario?.metrics.latencyP50Ns?.value).toBeGreaterThan(0)
      expect(scenario?.metrics.serverComputeInferNs?.value).toBeGreaterThan(0)
    },
  )

  test('windows that do not agree are no measurement, in its own words', async () => {
    const flags = ['stability-percentage=0.0001', 'max-trials=3']
    const measurements = await measureRunning(world, await running(concurrency(2), flags))
    const [scenario] = measurements.models[0]?.scenarios ?? []
    expect(scenario?.status).toBe('failed')
    expect(scenario?.error).toContain('perf_analyzer_unstable: concurrency 2')
    expect(scenario?.error).toContain('Failed to obtain stable measurement')
  })

  test('a request that Triton refuses fails the scenario in Triton’s words', async () => {
    const measurements = await measureRunning(world, await running({ ...concurrency(1), batchSize: 64 }))
    const [scenario] = measurements.models[0]?.scenarios ?? []
    expect(scenario?.status).toBe('failed')
    expect(scenario?.error).toContain('batch-size must be <= 8')
  })

  test('a run that takes too long is ended and said', async () => {
    const short = { ...settings, timeoutNs: 300 * nsPerMs }
    const outcome = await runLevel(world, short, level(concurrency(1)))
    expect(outcome).toMatchObject({ status: 'timedOut' })
  })

  test('a signal ends it', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 300)
    await expect(runLevel(testWorld(stop.signal), settings, level(concurrency(1)))).rejects.toMatchObject({
      code: 'interrupted',
    })
  })

  test('a flag that it does not know is said as such', async () => {
    const run = runLevel(world, settings, { ...level(concurrency(1)), flags: { 'no-such-flag': 1 } })
    await expect(run).rejects.toThrow(/perf_analyzer ended with 99: .*no-such-flag/)
  })
})
