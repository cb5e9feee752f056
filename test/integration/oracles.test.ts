// Models whose answer is known beforehand: what is measured must be what they do.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Load, loadKey } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import { connectionsFor, type LoadGenerator, type Window } from '../../src/load/generator.ts'
import { makeSteps } from '../../src/load/inputs.ts'
import type { LoadTarget, WindowOptions } from '../../src/load/protocol.ts'
import { encodeInferRequest } from '../../src/load/request.ts'
import type { SequencePlan } from '../../src/load/sequences.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { memoryOfTree } from '../../src/system/process-tree.ts'
import type { TritonClient } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import type { TritonServer } from '../../src/triton/server.ts'
import { type ServerTimes, statisticsDelta } from '../../src/triton/statistics.ts'
import { writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'
import { writeNativeModel } from '../support/native/build.ts'

/** A model.py that runs `body` with `self.calls` counting from 1, then answers or, where it set `error`, fails. */
const python = (body: string) => `
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.calls = 0

    def execute(self, requests):
        responses = []
        for request in requests:
            self.calls += 1
            error = None
            ${body}
            y = pb_utils.Tensor("Y", np.zeros((1, 4), dtype=np.float32))
            responses.append(pb_utils.InferenceResponse([y], error))
        return responses
`

const config = (instances: number) => `
backend: "python"
max_batch_size: 1
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: ${instances}, kind: KIND_CPU }]
`

/**
 * Long against what a busy machine adds to each request: some milliseconds, forty when it is crowded. So there is less than half of what the
 * analysis says only where something is counted or paced wrongly; what no machine makes faster is bounded narrowly.
 */
const delayMs = 100
const serviceMs = 40
const pauseMs = 500
const stallMs = 500
const mebibyte = 2 ** 20
const pauseAt = (call: number) =>
  python(`time.sleep(${pauseMs / 1000} if self.calls == ${call} else ${serviceMs / 1000})`)

const models = {
  sleeps: { python: python(`time.sleep(${delayMs / 1000})`), config: config(1) },
  sleeps_in_3: { python: python(`time.sleep(${delayMs / 1000})`), config: config(3) },
  fails_each_10th: {
    python: python('if self.calls % 10 == 0: error = pb_utils.TritonError("the tenth")'),
    config: config(1),
  },
  // 1 in 100 stalls, from the first one on.
  stalls: {
    python: python(`time.sleep(${stallMs / 1000} if self.calls % 100 == 1 else 0.005)`),
    config: config(1),
  },
  grows: {
    python: python(`grown.append(b"x" * ${mebibyte})`).replace('class', 'grown = []\n\n\nclass'),
    config: config(1),
  },
  // 40 ms of service, and once a pause of 500 ms.
  pauses_in_open_loop: { python: pauseAt(60), config: config(1) },
  pauses_in_sequence: { python: pauseAt(60), config: `${config(1)}sequence_batching { }\n` },
  pauses_in_closed_loop: { python: pauseAt(60), config: config(1) },
} as const

/** Of one execution, in which the batch goes: what Triton and gRPC add is small against it. */
const nativeDelayUs = 20_000
const native = {
  native_in_2: { delayUs: nativeDelayUs, instances: 2, maxBatchSize: 1 },
  native_in_batches: { delayUs: nativeDelayUs, instances: 1, maxBatchSize: 4 },
} as const
let hasNative = true

let loaded: LoadedServer
let server: TritonServer
let client: TritonClient
let generator: LoadGenerator

beforeAll(async () => {
  loaded = await openLoadedServer(Object.keys(models), (repository) => {
    for (const [name, options] of Object.entries(models)) writePythonModel(repository, name, options)
    for (const [name, options] of Object.entries(native))
      hasNative &&= writeNativeModel(repository, name, options)
  })
  ;({ server, client, generator } = loaded)
})
afterAll(() => loaded.close())

async function run(
  model: keyof typeof models | keyof typeof native,
  load: Load,
  options: Partial<WindowOptions>,
  changes: Partial<LoadTarget> = {},
): Promise<Window> {
  const id = `${model}/${loadKey(load)}`
  await generator.open({
    id,
    ...server.grpc,
    frames: makeSteps(await client.modelConfig(model), madeInputs(), 1).map(({ inputs }) =>
      encodeInferRequest({ model, inputs }),
    ),
    connections: connectionsFor(load),
    deadlineNs: 10 * nsPerSecond,
    ...changes,
  })
  const window = await generator.run(id, load, { leadInNs: 100 * nsPerMs, durationNs: 0, ...options })
  generator.closeTarget(id)
  return window
}

const ms = (window: Window, p: number) => (quantile(window.latenciesNs, p) ?? Number.NaN) / nsPerMs
const p99Ms = (sorted: Float64Array | undefined) => (quantile(sorted ?? [], 0.99) ?? Number.NaN) / nsPerMs
const perSecond = (window: Window) => (window.completed * 1e9) / window.durationNs

test('a model that sleeps: its p50 is the delay, its throughput one in a delay', async () => {
  const window = await run('sleeps', { mode: 'concurrency', concurrency: 1 }, { durationNs: 3 * nsPerSecond })
  // Nothing is faster than the sleep; gRPC, the backend and a busy machine add to it.
  expect(ms(window, 0.01)).toBeGreaterThanOrEqual(delayMs)
  expect(ms(window, 0.5)).toBeLessThan(2 * delayMs)
  expect(perSecond(window)).toBeLessThanOrEqual(1000 / delayMs + 1)
  expect(perSecond(window)).toBeGreaterThan(0.5 * (1000 / delayMs))
})

test("instances / delay is the throughput under saturation, and by Little's law concurrency × delay / instances the latency", async () => {
  const load: Load = { mode: 'concurrency', concurrency: 6 }
  const window = await run('sleeps_in_3', load, { leadInNs: 0, requestCount: 66 })
  const capacity = (3 * 1000) / delayMs
  expect(perSecond(window)).toBeLessThanOrEqual(1.1 * capacity)
  // One instance would do a third of it.
  expect(perSecond(window)).toBeGreaterThan(0.5 * capacity)
  const meanMs = window.latenciesNs.reduce((sum, each) => sum + each, 0) / window.latenciesNs.length / nsPerMs
  // At last there are ever fewer.
  const outstanding = (meanMs * perSecond(window)) / 1000
  expect(outstanding).toBeGreaterThan(4.5)
  expect(outstanding).toBeLessThanOrEqual(6 + 1e-6)
  expect(outstanding * delayMs).toBeLessThanOrEqual(3 * meanMs)
})

test('failures are counted exactly, and kept out of the latencies', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const window = await run('fails_each_10th', load, { leadInNs: 0, requestCount: 205 })
  expect(window.failures).toEqual({ INTERNAL: 20 })
  expect(window.firstFailure).toContain('the tenth')
  expect(window.latenciesNs.length).toBe(185)
})

/*
 * p99 by nearest rank of n requests is the ⌈0.99·n⌉-th, so that n − ⌈0.99·n⌉ are slower. Of 301 requests that is 3, and 4 of them
 * stall: p99 is a stall. Of the next 399 it is 3, and 3 stall: p99 is the slowest of the others.
 */
test('stalls of 1 request in 100 are counted exactly, and are p99 just where more than 1 % of the requests are', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const stalled = ({ latenciesNs }: Window) => latenciesNs.filter((each) => each >= stallMs * nsPerMs).length
  const first = await run('stalls', load, { leadInNs: 0, requestCount: 301 })
  expect([first.latenciesNs.length, stalled(first)]).toEqual([301, 4])
  expect(ms(first, 0.99)).toBeGreaterThanOrEqual(stallMs)
  expect(ms(first, 0.99)).toBeLessThan(2 * stallMs)
  expect(ms(first, 0.95)).toBeLessThan(stallMs)
  const second = await run('stalls', load, { leadInNs: 0, requestCount: 399 })
  expect([second.latenciesNs.length, stalled(second)]).toEqual([399, 3])
  expect(ms(second, 0.99)).toBeLessThan(stallMs)
  expect(ms(second, 0.999)).toBeGreaterThanOrEqual(stallMs)
})

test('a model that keeps 1 MiB of each request: the memory of the process tree grows by as many', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  // What the first requests need besides.
  await run('grows', load, { leadInNs: 0, requestCount: 8 })
  const before = memoryOfTree(server.pids()) ?? Number.NaN
  await run('grows', load, { leadInNs: 0, requestCount: 64 })
  const grown = (memoryOfTree(server.pids()) ?? Number.NaN) - before
  expect(grown).toBeGreaterThan(60 * mebibyte)
  expect(grown).toBeLessThan(80 * mebibyte)
})

/** What the server counted while `body` ran. */
async function serverTimes(model: keyof typeof native, body: () => Promise<void>): Promise<ServerTimes> {
  const before = await client.statistics(model)
  await body()
  const delta = statisticsDelta(before, await client.statistics(model), model)
  if (delta.status !== 'available') throw new Error(delta.reason)
  return delta.times
}

test('a native backend with two instances: throughput 2 / delay, latency by Little’s law, compute time the delay', async (ctx) => {
  if (!hasNative) return ctx.skip('delay.c cannot be built')
  await loadModel(loaded.world, server, client, 'native_in_2', { timeoutNs: 60 * nsPerSecond })
  const delayNs = nativeDelayUs * 1000
  const times = await serverTimes('native_in_2', async () => {
    const load: Load = { mode: 'concurrency', concurrency: 4 }
    const window = await run('native_in_2', load, { durationNs: 2 * nsPerSecond })
    const capacity = 2e9 / delayNs
    expect(perSecond(window)).toBeLessThanOrEqual(1.03 * capacity)
    expect(perSecond(window)).toBeGreaterThan(0.5 * capacity)
    expect(ms(window, 0.5)).toBeGreaterThan(0.95 * 2 * (delayNs / nsPerMs))
    expect(ms(window, 0.5)).toBeLessThan(2 * 2 * (delayNs / nsPerMs))
  })
  expect(times.serverComputeInferNs).toBeGreaterThanOrEqual(delayNs)
  expect(times.serverComputeInferNs).toBeLessThan(2 * delayNs)
  // Two wait while two are served.
  expect(times.serverQueueNs).toBeGreaterThan(0.5 * delayNs)
  expect(times.serverQueueNs).toBeLessThan(2 * delayNs)
})

test('the same backend in batches of four: four times the throughput of one at a time, and batches of four are counted', async (ctx) => {
  if (!hasNative) return ctx.skip('delay.c cannot be built')
  await loadModel(loaded.world, server, client, 'native_in_batches', { timeoutNs: 60 * nsPerSecond })
  const times = await serverTimes('native_in_batches', async () => {
    const load: Load = { mode: 'concurrency', concurrency: 8 }
    const window = await run('native_in_batches', load, { durationNs: 2 * nsPerSecond })
    const capacity = 4e6 / nativeDelayUs
    expect(perSecond(window)).toBeLessThanOrEqual(1.05 * capacity)
    // One at a time would be a quarter of it.
    expect(perSecond(window)).toBeGreaterThan(0.5 * capacity)
  })
  expect(times.executedBatchSize).toBeGreaterThan(3)
  expect(times.executedBatchSize).toBeLessThanOrEqual(4)
})

/*
 * A queue with service time s, and arrivals every a > s. A request is served for P instead of s; the i-th behind it arrives
 * at i·a, is served after P + (i − 1)·s, and so takes P − i·(a − s). These are the slowest; of n requests, p99 by nearest
 * rank is the one with i = n − ⌈0.99·n⌉. With s = 40 ms at 80 % of capacity a = 50 ms; P = 500 ms and n = 160 give
 * i = 1 and 490 ms. Some (P − 100 ms) / (a − s) = 40 requests take more than 100 ms.
 */
test('open loop at 80 % of capacity: a pause of 500 ms is in p99 as the queue behind it says', async () => {
  const load: Load = { mode: 'requestRate', requestRate: (0.8 * 1000) / serviceMs }
  const window = await run('pauses_in_open_loop', load, { durationNs: 8 * nsPerSecond })
  const n = window.latenciesNs.length
  expect(n).toBe(160)
  const arrivalMs = 1000 / load.requestRate
  const analyticMs = pauseMs - (n - Math.ceil(0.99 * n)) * (arrivalMs - serviceMs)
  // What serving takes beyond the sleep makes the queue longer, never shorter.
  expect(ms(window, 0.99)).toBeGreaterThanOrEqual(analyticMs - 2)
  expect(ms(window, 0.99)).toBeLessThan(analyticMs + pauseMs)
  const waited = window.latenciesNs.filter((each) => each > 100 * nsPerMs).length
  expect(waited).toBeGreaterThanOrEqual((pauseMs - 100) / (arrivalMs - serviceMs) - 1)
  // The server had them all in time: what they waited for there is service time, and the lag is the instrument's own.
  expect(p99Ms(window.sends?.serviceNs)).toBeGreaterThanOrEqual(analyticMs - 50)
  expect(p99Ms(window.sends?.lagNs)).toBeLessThan(0.9 * pauseMs)
})

test('where requests wait for their turn here, as those of a sequence, p99 from the due time shows the pause and service time does not', async () => {
  const load: Load = { mode: 'requestRate', requestRate: (0.8 * 1000) / serviceMs }
  const sequences: SequencePlan = {
    idType: 'number',
    firstId: 1,
    ids: 1000,
    length: 1000,
    lengthVariation: 0,
    live: 1,
    serial: true,
    streams: null,
  }
  const window = await run('pauses_in_sequence', load, { durationNs: 8 * nsPerSecond }, { sequences })
  const n = window.latenciesNs.length
  expect(n).toBe(160)
  // The same queue, but it is here: one request alone meets the pause in the server.
  const behindMs = (n - Math.ceil(0.99 * n)) * (1000 / load.requestRate - serviceMs)
  expect(ms(window, 0.99)).toBeGreaterThanOrEqual(pauseMs - behindMs - 2)
  expect(p99Ms(window.sends?.lagNs)).toBeGreaterThanOrEqual(0.8 * pauseMs)
  expect(p99Ms(window.sends?.serviceNs)).toBeLessThan(0.9 * pauseMs)
})

test('a closed loop waits with it: one request of a hundred sees the same pause, and p99 does not', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const window = await run('pauses_in_closed_loop', load, { leadInNs: 0, requestCount: 150 })
  expect(window.latenciesNs.filter((each) => each >= 0.9 * pauseMs * nsPerMs).length).toBe(1)
  expect(ms(window, 0.99)).toBeLessThan(0.9 * pauseMs)
})
