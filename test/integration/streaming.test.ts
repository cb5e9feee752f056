import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RequestSettings } from '../../src/config/config.ts'
import { defaultRequests } from '../../src/config/defaults.ts'
import type { Load } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import { connectionsFor, type LoadGenerator, type Window } from '../../src/load/generator.ts'
import { encodeInferRequest, type Tensor } from '../../src/load/request.ts'
import { sequencePlanOf, streamingOf } from '../../src/load/request-plan.ts'
import type { TritonClient } from '../../src/triton/client.ts'
import type { TritonServer } from '../../src/triton/server.ts'
import { statisticsDelta } from '../../src/triton/statistics.ts'
import { writePythonModel } from '../support/embedded-triton.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'
import { writeDecoupledModel, writeSequenceModel } from '../support/stateful-models.ts'
import { fp32, int32, readFp32 } from '../support/tensors.ts'
import { until } from '../support/until.ts'

const gapMs = 10
let loaded: LoadedServer
let server: TritonServer
let client: TritonClient
let generator: LoadGenerator

beforeAll(async () => {
  loaded = await openLoadedServer(['repeat', 'direct', 'oldest', 'plain'], (repository) => {
    writeDecoupledModel(repository, 'repeat', gapMs)
    writeSequenceModel(repository, 'direct', 'direct { }')
    writeSequenceModel(repository, 'oldest', 'oldest { max_candidate_sequences: 8 }')
    writePythonModel(repository, 'plain')
  })
  ;({ server, client, generator } = loaded)
})
afterAll(() => loaded.close())

interface Asked {
  readonly model: string
  readonly inputs: readonly (readonly Tensor[])[]
  readonly load: Load
  readonly requests?: RequestSettings
  readonly durationMs?: number
  /** False where the requests never reach the model's statistics. */
  readonly counted?: boolean
}

/** One window, and how many requests ModelStatistics counted over it: successful and failed. */
async function measure(asked: Asked): Promise<{ window: Window; succeeded: number; failed: number }> {
  const { model, inputs, load, requests = defaultRequests } = asked
  const config = await client.modelConfig(model)
  const streaming = streamingOf(config, requests)
  const sequences = sequencePlanOf(config, requests, load, null)
  const id = JSON.stringify([model, load, requests, inputs.length])
  await generator.open({
    id,
    ...server.grpc,
    frames: inputs.map((tensors) => encodeInferRequest({ model, inputs: tensors })),
    connections: connectionsFor(load),
    deadlineNs: 20 * nsPerSecond,
    ...(streaming === undefined ? {} : { streaming }),
    ...(sequences === undefined ? {} : { sequences }),
  })
  const before = await client.statistics(model)
  const durationNs = (asked.durationMs ?? 600) * nsPerMs
  // On a busy machine it takes longer until there is something to be seen.
  const enough = { minRequests: 25, maxDurationNs: 60 * nsPerSecond }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs, ...enough })
  generator.closeTarget(id)
  const read = async () => {
    const delta = statisticsDelta(before, await client.statistics(model), model)
    if (delta.status !== 'available') throw new Error(delta.reason)
    return { succeeded: delta.times.requestCount, failed: delta.times.failCount }
  }
  // Triton counts a request just after it has answered it.
  await until(async () => {
    if (asked.counted === false) return true
    const { succeeded, failed } = await read()
    return succeeded + failed >= window.issued
  })
  return { window, ...(await read()) }
}

const repeats = (count: number) => [int32('X', [1], [count])]
const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })

test('a decoupled model: every response is seen, first responses and gaps as they were made', async () => {
  const responses = 4
  const { window, succeeded } = await measure({
    model: 'repeat',
    inputs: [repeats(responses)],
    load: closed(2),
  })
  expect(window.failures).toEqual({})
  expect(succeeded).toBe(window.issued)
  expect(window.latenciesNs.length).toBe(window.issued)
  expect(window.responses?.firstNs).toHaveLength(window.issued)
  expect(window.responses?.gapsNs).toHaveLength(window.issued * (responses - 1))
  const least = (values: Float64Array | undefined) => values?.[0] ?? Number.NaN
  expect(least(window.responses?.firstNs)).toBeGreaterThan(gapMs * nsPerMs)
  // The server sleeps that long between two; on the way to here one may catch up with the one before.
  const median = window.responses?.gapsNs[Math.floor(window.responses.gapsNs.length / 2)]
  expect(median).toBeGreaterThan(0.8 * gapMs * nsPerMs)
  expect(least(window.latenciesNs)).toBeGreaterThan(responses * gapMs * nsPerMs)
})

test('requests that are answered with nothing, once or often mix, each counted once', async () => {
  const inputs = [repeats(0), repeats(1), repeats(3)]
  const { window, succeeded } = await measure({ model: 'repeat', inputs, load: closed(1) })
  expect(window.failures).toEqual({})
  expect(succeeded).toBe(window.issued)
  const ofKind = (kind: number) => Math.ceil((window.issued - kind) / 3)
  expect(window.responses?.firstNs).toHaveLength(ofKind(1) + ofKind(2))
  expect(window.responses?.gapsNs).toHaveLength(2 * ofKind(2))
})

test("an error of a decoupled model fails its request in the model's words", async () => {
  const inputs = [repeats(-1), repeats(1)]
  const { window } = await measure({ model: 'repeat', inputs, load: closed(1), durationMs: 200 })
  expect(window.failures).toEqual({ UNKNOWN: Math.ceil(window.issued / 2) })
  expect(window.firstFailure).toContain('fewer than none')
  expect(window.latenciesNs.length).toBe(Math.floor(window.issued / 2))
})

test('a request that Triton refuses before the model sees it ends at once', async () => {
  const inputs = [[int32('WRONG', [1], [1])]]
  const { window } = await measure({
    model: 'repeat',
    inputs,
    load: closed(2),
    durationMs: 100,
    counted: false,
  })
  expect(window.latenciesNs.length).toBe(0)
  expect(window.failures).toEqual({ UNKNOWN: window.issued })
  expect(window.issued).toBeGreaterThan(2)
})

test('an open loop on a decoupled model', async () => {
  const load: Load = { mode: 'requestRate', requestRate: 60, distribution: 'poisson' }
  const { window, succeeded } = await measure({ model: 'repeat', inputs: [repeats(2)], load })
  expect(window.failures).toEqual({})
  expect(succeeded).toBe(window.issued)
  expect(window.responses?.firstNs).toHaveLength(window.issued)
})

test('a model that is not decoupled, over streams', async () => {
  const x = [fp32('X', [1, 4], [1, 2, 3, 4])]
  const requests = { ...defaultRequests, streaming: true }
  const { window, succeeded } = await measure({ model: 'plain', inputs: [x], load: closed(8), requests })
  expect(window.failures).toEqual({})
  expect(succeeded).toBe(window.issued)
  expect(window.issued).toBeGreaterThan(20)
  expect(window.responses).toBeUndefined()
})

const one = [fp32('X', [1, 1], [1])]
const short: RequestSettings = {
  ...defaultRequests,
  sequences: { ...defaultRequests.sequences, length: 5 },
}

/** A whole sequence by itself; it is told how many others the model still holds. */
async function leftBehind(model: string): Promise<number | undefined> {
  const parameters = {
    sequence_id: { parameterChoice: { case: 'int64Param' as const, value: 999_999n } },
    sequence_start: { parameterChoice: { case: 'boolParam' as const, value: true } },
    sequence_end: { parameterChoice: { case: 'boolParam' as const, value: true } },
  }
  const { rawOutputContents } = await client.infer({
    modelName: model,
    parameters,
    inputs: one.map(({ name, datatype }) => ({ name, datatype, shape: [1n, 1n] })),
    rawInputContents: one.map(({ data }) => data),
  })
  return readFp32(Buffer.from(rawOutputContents[0] ?? []))[1]
}

const streamed: RequestSettings = { ...short, streaming: true }
const sequenceRuns: readonly (readonly [string, Load, RequestSettings])[] = [
  ['direct', closed(1), short],
  ['direct', closed(4), short],
  // More sequences than slots: the later ones wait for one.
  ['direct', closed(6), short],
  ['direct', closed(4), streamed],
  ['direct', { mode: 'requestRate', requestRate: 100 }, short],
  ['direct', { mode: 'requestRate', requestRate: 100 }, streamed],
  ['oldest', closed(6), short],
]

test.each(sequenceRuns)(
  'sequences on %s under %o are whole, and none is left behind (%o)',
  async (model, load, requests) => {
    const { window, succeeded, failed } = await measure({
      model,
      inputs: [one],
      load,
      requests,
      durationMs: 400,
    })
    expect(window.firstFailure).toBeNull()
    expect(failed).toBe(0)
    expect(succeeded).toBe(window.issued)
    expect(window.latenciesNs.length).toBeGreaterThan(10)
    expect(await leftBehind(model)).toBe(0)
  },
)
