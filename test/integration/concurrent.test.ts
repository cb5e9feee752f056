// Models that are under load at the same time on one server: the load itself, and the gate on it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultRequests } from '../../src/config/defaults.ts'
import { readConfig } from '../../src/config/load-config.ts'
import { type Load, together } from '../../src/domain/load.ts'
import { measurementsSchema } from '../../src/domain/measurements.ts'
import { nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import type { GateRequest } from '../../src/gate-request.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { measureTogether } from '../../src/profile/repetition.ts'
import { toRepetition } from '../../src/profile/sample.ts'
import { attachModel } from '../../src/profile/side.ts'
import { createRandom } from '../../src/stats/random.ts'
import { addOneAfter, embeddedSettings, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-concurrent-'))
const folder = (name: string) => join(root, name)
const names = ['quick', 'slow'] as const

let loaded: LoadedServer
beforeAll(async () => {
  loaded = await openLoadedServer([...names], (repository) => {
    writePythonModel(repository, 'quick', { python: addOneAfter(2) })
    writePythonModel(repository, 'slow', { python: addOneAfter(30) })
  })
})
afterAll(async () => {
  await loaded.close()
  rmSync(root, { recursive: true })
})

/** The two models at these loads at once, for a second. */
async function measure(own: readonly [Load, Load]) {
  const { world, client, server, generator } = loaded
  const loads = together(names.map((model, index) => ({ model, load: own[index] ?? own[0] })))
  const side = await Promise.all(
    loads.map(async (load, lane) => {
      const resolved = await client.modelConfig(names[lane] ?? '')
      const live = { side: 'candidate' as const, server, client, close: () => Promise.resolve() }
      const ask = { input: madeInputs(), requests: defaultRequests, lane }
      const context = { generator, requestDeadlineNs: 10 * nsPerSecond }
      return { model: attachModel(context, live, resolved, configurationOf(resolved, true), ask), load }
    }),
  )
  const settings = {
    warmupNs: 200 * nsPerMs,
    maxWarmupNs: 200 * nsPerMs,
    measurementNs: nsPerSecond,
    maxMeasurementNs: nsPerSecond,
    blockNs: nsPerSecond / 4,
  }
  const samples = (
    await measureTogether({ world, generator, random: createRandom(1), gpu: null }, [side], settings)
  ).flat()
  for (const { model } of side) await model.detach()
  return samples.map((sample, index) => {
    const load = loads[index] ?? own[0]
    return { sample, repetition: toRepetition(sample, load, 0, null, 0.01) }
  })
}

test.each([
  [
    'closed loops',
    [
      { mode: 'concurrency', concurrency: 4 },
      { mode: 'concurrency', concurrency: 2 },
    ],
  ],
  [
    'an open loop beside a closed one',
    [
      { mode: 'requestRate', requestRate: 60 },
      { mode: 'concurrency', concurrency: 1 },
    ],
  ],
] satisfies [string, [Load, Load]][])(
  '%s: blocks of both models at the same time, and as many requests as the server counts for each',
  async (_, loads) => {
    const measured = await measure(loads)
    for (const { sample, repetition } of measured) {
      const { server } = sample
      if (server.status !== 'available') throw new Error(server.reason)
      const issued = sample.windows.reduce((sum, window) => sum + window.issued, 0)
      expect(server.times.requestCount + server.times.failCount).toBe(issued)
      expect(repetition.failures).toEqual({})
      expect(repetition.requests).toBeGreaterThan(10)
      expect(repetition.blocks.length).toBeGreaterThan(1)
      // A machine that is too busy says so, and nothing else is wrong.
      const own = repetition.voidReasons.filter((reason) => !/^(loads_apart|client_saturated):/.test(reason))
      expect(own).toEqual([])
    }
    const isApart = measured.some(({ repetition }) =>
      repetition.voidReasons.some((reason) => reason.startsWith('loads_apart: only')),
    )
    const [a = [], b = []] = measured.map(({ repetition }) => repetition.blocks)
    expect(a.length).toBe(b.length)
    for (const [index, block] of a.entries()) {
      const other = b[index]
      if (other === undefined) throw new Error('no such block')
      const start = Math.max(block.startNs, other.startNs)
      const end = Math.min(block.startNs + block.durationNs, other.startNs + other.durationNs)
      if (!isApart) expect(end - start).toBeGreaterThanOrEqual(0.95 * block.durationNs)
    }
  },
)

// What is told apart is a factor of five. The other model may fail by the machine's noise, but then not by its own files.
const yaml = `
run_config_profile_models_concurrently_enable: true
profile_models:
  quick: {parameters: {concurrency: 1}}
  slow: {parameters: {concurrency: [2]}}
run_config_search_disable: true
gate:
  repetitions: 4
  warmup_seconds: 0.2
  measurement_seconds: 0.5
  tolerance: { perf_latency_p99: 0.4, perf_throughput: 0.3 }
`

async function gate(candidate: string, change: Partial<GateRequest>, output: string, file = yaml) {
  const config = readConfig(file, 'triton-perf-gate.yml', {})
  const result = await runGate(testWorld(), {
    config: { ...config, triton: embeddedSettings },
    modelRepository: folder(candidate),
    mode: 'gate',
    baseline: { status: 'notRequested' },
    reference: { kind: 'repository', path: folder('main') },
    outputDirectory: folder(output),
    resume: null,
    commit: null,
    runId: null,
    ...change,
  })
  const text = readFileSync(join(folder(output), 'measurements.json'), 'utf8')
  return { result, measurements: measurementsSchema.parse(JSON.parse(text)) }
}

function writeModels(name: string, slow: string): void {
  writePythonModel(folder(name), 'quick', { python: addOneAfter(4) })
  writePythonModel(folder(name), 'slow', { python: slow })
}

test('a slowdown planted in one model fails the gate by its name; the other is not blamed', async () => {
  writeModels('main', addOneAfter(20))
  writeModels('slower', addOneAfter(100))
  const { result, measurements } = await gate('slower', {}, 'slower-out')
  expect(result.verdict).toMatchObject({ outcome: 'fail' })
  const [quick, slow] = result.models
  const failing = slow?.comparisons.filter(({ status }) => status === 'fail') ?? []
  // So few requests say little of a percentile on a busy machine: it may stay inconclusive, but it is longer.
  expect(failing.map(({ metric }) => metric)).toContain('inferPerSec')
  const latency = slow?.comparisons.find(({ metric, primary }) => primary && metric.startsWith('latencyP'))
  expect(latency?.status).not.toBe('pass')
  expect(latency?.changeRatio).toBeGreaterThan(2)
  for (const { cause, load } of failing) {
    expect(cause).toMatch(/^Its own files changed, and those of no other model beside it/)
    expect(load).toEqual({
      mode: 'concurrency',
      concurrency: 2,
      beside: [{ model: 'quick', load: { mode: 'concurrency', concurrency: 1 } }],
    })
  }
  for (const { cause } of quick?.comparisons.filter(({ status }) => status === 'fail') ?? [])
    expect(cause).toMatch(/^Not its own files, which did not change: it was measured beside slow/)
  expect(quick?.comparisons.filter(({ primary }) => primary).length).toBeGreaterThan(1)
  for (const model of measurements.models) {
    expect(model.sweep?.points).toEqual([])
    expect(model.scenarios.flatMap(({ repetitions }) => repetitions).length).toBeGreaterThanOrEqual(4)
  }
})

test('a model that no longer loads fails, and what was to be measured beside it says so', async () => {
  writeModels('main', addOneAfter(20))
  writeModels('broken', 'raise RuntimeError("no such thing")\n')
  const { result } = await gate('broken', {}, 'broken-out')
  expect(result.verdict.outcome).toBe('fail')
  expect(result.verdict.reasons.map(({ model, outcome }) => [model, outcome])).toEqual([
    ['quick', 'fail'],
    ['slow', 'fail'],
  ])
  expect(result.verdict.reasons[0]?.message).toMatch(
    /^quick works on .* but could not be measured here: slow, which is to be under load at the same time, failed: .*no such thing/,
  )
})

test('the sweep finds the best combination, and each model gets its part of it', async () => {
  const oneByOne = `
backend: "python"
max_batch_size: 0
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: 1, kind: KIND_CPU }]
`
  for (const [name, ms] of [
    ['quick', 15],
    ['slow', 40],
  ] as const)
    writePythonModel(folder('sweep'), name, { python: addOneAfter(ms), config: oneByOne })
  const file = `
run_config_profile_models_concurrently_enable: true
concurrency: 2
profile_models: {quick: {weighting: 3}, slow: {weighting: 2}}
latency_budget: 5000
run_config_search_max_instance_count: 2
run_config_search_min_concurrency: 2
run_config_search_max_concurrency: 2
gate: {repetitions: 2, warmup_seconds: 0.2, measurement_seconds: 0.3, search_max_measurements: 5}
`
  const request = { mode: 'baseline', reference: null } as const
  const { result, measurements } = await gate('sweep', request, 'sweep-out', file)
  // Twice the instances answer twice as much, whatever the machine: they sleep.
  for (const [index, { best, name }] of result.models.entries()) {
    expect(best).toMatchObject({ meetsConstraints: true, tie: false, load: { concurrency: 2 } })
    expect(best?.configuration).toMatchObject({ committed: false, instanceCount: 2 })
    expect(Object.keys(best?.configuration.others ?? {})).toEqual([names[1 - index]])
    expect(best?.gain).toBeGreaterThan(0.4)
    expect(best?.patch).toMatch(/^\+.*count: 2/m)
    expect(best?.patch).toContain(`${name}/config.pbtxt`)
  }
  expect(result.models[0]?.best?.explanation).toMatch(
    /quick \(weight 0\.6\): 2 instances, .*; slow \(weight 0\.4\): 2 instances, /,
  )
  // Both hold the limit as far as loads are tried, twice as much of it with twice the instances.
  for (const { capacity } of result.models) {
    const of = (name: string) => capacity?.rows.find((row) => row.of === name)
    expect(of('best')?.load).toMatchObject({ concurrency: 2, beside: [{ load: { concurrency: 2 } }] })
    expect(of('best')?.inferPerSec).toBeGreaterThan(1.4 * (of('committed')?.inferPerSec ?? Infinity))
    expect(of('best')?.brokenAt).toBeNull()
  }
  // Its time is told as that of one model is: by the clock.
  for (const { search } of measurements.models) {
    const { wallNs = 0, underLoadNs = 0, phases } = search ?? {}
    const { startNs = -1, loadNs = 0, stopNs = 0, otherNs = 0 } = phases ?? {}
    expect(Math.min(startNs, loadNs, stopNs, otherNs, underLoadNs)).toBeGreaterThan(0)
    expect(startNs + loadNs + stopNs + otherNs + underLoadNs).toBeCloseTo(wallNs, -1)
  }
  const lists = measurements.models.map(({ sweep }) => sweep?.points.map(({ metrics }) => metrics !== null))
  expect(lists[0]?.length).toBeGreaterThan(3)
  expect(lists[0]?.length).toBeLessThanOrEqual(10)
  expect(lists[1]).toEqual(lists[0])
})
