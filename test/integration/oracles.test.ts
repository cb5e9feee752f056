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
import type { TritonClient } from '../../src/triton/client.ts'
import type { TritonServer } from '../../src/triton/server.ts'
import { writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'

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

/** Long against what a busy machine adds to each request: some milliseconds, ten and more when it is crowded. */
const delayMs = 100
const serviceMs = 40
const pauseMs = 500
const pauseAt = (call: number) =>
  python(`time.sleep(${pauseMs / 1000} if self.calls == ${call} else ${serviceMs / 1000})`)

const models = {
  sleeps: { python: python(`time.sleep(${delayMs / 1000})`), config: config(1) },
  sleeps_in_3: { python: python(`time.sleep(${delayMs / 1000})`), config: config(3) },
  fails_each_10th: {
    python: python('if self.calls % 10 == 0: error = pb_utils.TritonError("the tenth")'),
    config: config(1),
  },
  // 1 in 40 stalls by 200 ms: 2.5 %, so that p99 is among them and p95 is not.
  stalls: {
    python: python('time.sleep(0.2 if self.calls % 40 == 0 else 0.005)'),
    config: config(1),
  },
  // 40 ms of service, and once a pause of 500 ms.
  pauses_in_open_loop: { python: pauseAt(60), config: config(1) },
  pauses_in_sequence: { python: pauseAt(60), config: `${config(1)}sequence_batching { }\n` },
  pauses_in_closed_loop: { python: pauseAt(60), config: config(1) },
} as const

let loaded: LoadedServer
let server: TritonServer
let client: TritonClient
let generator: LoadGenerator

beforeAll(async () => {
  loaded = await openLoadedServer(Object.keys(models), (repository) => {
    for (const [name, options] of Object.entries(models)) writePythonModel(repository, name, options)
  })
  ;({ server, client, generator } = loaded)
})
afterAll(() => loaded.close())

async function run(
  model: keyof typeof models,
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
  expect(ms(window, 0.5)).toBeLessThan(1.4 * delayMs)
  expect(perSecond(window)).toBeLessThanOrEqual(1000 / delayMs + 1)
  expect(perSecond(window)).toBeGreaterThan(0.7 * (1000 / delayMs))
})

test("instances / delay is the throughput under saturation, and by Little's law concurrency × delay / instances the latency", async () => {
  const window = await run(
    'sleeps_in_3',
    { mode: 'concurrency', concurrency: 6 },
    { durationNs: 2 * nsPerSecond },
  )
  const capacity = (3 * 1000) / delayMs
  expect(perSecond(window)).toBeLessThanOrEqual(1.1 * capacity)
  expect(perSecond(window)).toBeGreaterThan(0.7 * capacity)
  const meanMs = window.latenciesNs.reduce((sum, each) => sum + each, 0) / window.latenciesNs.length / nsPerMs
  const outstanding = (meanMs * perSecond(window)) / 1000
  expect(outstanding).toBeGreaterThan(5)
  expect(outstanding).toBeLessThan(7)
})

test('failures are counted exactly, and kept out of the latencies', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const window = await run('fails_each_10th', load, { leadInNs: 0, requestCount: 205 })
  expect(window.failures).toEqual({ INTERNAL: 20 })
  expect(window.firstFailure).toContain('the tenth')
  expect(window.latenciesNs.length).toBe(185)
})

test('a stall of 1 request in 40 is p99 and not p95', async () => {
  const window = await run('stalls', { mode: 'concurrency', concurrency: 1 }, { durationNs: 5 * nsPerSecond })
  expect(window.latenciesNs.length).toBeGreaterThan(200)
  expect(ms(window, 0.99)).toBeGreaterThanOrEqual(200)
  expect(ms(window, 0.99)).toBeLessThan(400)
  expect(ms(window, 0.9)).toBeLessThan(100)
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
  expect(p99Ms(window.sends?.lagNs)).toBeLessThan(0.5 * pauseMs)
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
  expect(p99Ms(window.sends?.serviceNs)).toBeLessThan(0.5 * pauseMs)
})

test('a closed loop waits with it: one request of a hundred sees the same pause, and p99 does not', async () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const window = await run('pauses_in_closed_loop', load, { leadInNs: 0, requestCount: 150 })
  expect(window.latenciesNs.filter((each) => each >= 0.9 * pauseMs * nsPerMs).length).toBe(1)
  expect(ms(window, 0.99)).toBeLessThan(0.5 * pauseMs)
})
