import { mkdtempSync, rmSync } from 'node:fs'
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

const path = findPerfAnalyzer()
const model = 'add_one'
const settings = { path: path ?? '', timeoutNs: 60 * nsPerSecond }
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
    server = await startServer(world, await embeddedLauncher(world), { repository })
    client = connectTriton(server.grpc)
    await loadModel(world, server, client, model, { timeoutNs: 60 * nsPerSecond })
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

  async function running(load: Load, configText: readonly string[] = []): Promise<RunningInput> {
    const config = await loadConfig({
      file: null,
      overrides: {
        tritonUrl: `grpc://${server.grpc.host}:${server.grpc.port}`,
        engine: 'perf_analyzer',
        perfAnalyzerPath: path ?? '',
      },
    })
    const { input, requests, counts } = config.settingsFor(model)
    const settingsFor = (name: string) => ({
      ...config.settingsFor(name),
      perfAnalyzerFlags: Object.fromEntries(configText.map((flag) => flag.split('='))),
    })
    return {
      triton: config.triton,
      model,
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
