// Every datatype, and system shared memory, on the real server: models that answer with what they were sent.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InputSettings } from '../../src/config/config.ts'
import { defaultRequests } from '../../src/config/defaults.ts'
import type { Load } from '../../src/domain/load.ts'
import { nsPerMs, nsPerSecond, type World } from '../../src/domain/world.ts'
import { type LoadGenerator, openLoadGenerator } from '../../src/load/generator.ts'
import { makeSteps } from '../../src/load/inputs.ts'
import { encodeInferRequest } from '../../src/load/request.ts'
import { createRegion, removeStaleRegions } from '../../src/load/shared-memory.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { attachModel, type LiveServer, openServer } from '../../src/profile/side.ts'
import { processIdentity } from '../../src/system/process-identity.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { embeddedLauncher, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { infer } from '../support/tensors.ts'

const datatypes = 'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 STRING BF16'.split(
  ' ',
)

/** One model with an input and an output of every type: a python process for each would take a second each. */
const tensors = (direction: 'input' | 'output', letter: string, types: readonly string[], dims: string) =>
  `${direction} [${types.map((type) => `{ name: "${letter}_${type}", data_type: TYPE_${type}, dims: ${dims} }`).join(', ')}]`
const echo = `
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        def answer(request):
            out = []
            for tensor in request.inputs():
                name = "Y" + tensor.name()[1:]
                if tensor.name() == "X_BF16":
                    # numpy has no such type: the bytes go through DLPack.
                    out.append(pb_utils.Tensor.from_dlpack(name, tensor))
                else:
                    out.append(pb_utils.Tensor(name, tensor.as_numpy()))
            return pb_utils.InferenceResponse(out)

        return [answer(request) for request in requests]
`
/** Sends back what it was sent, and every fifth time something else. */
const unsteady = echo
  .replace('def execute', 'calls = 0\n\n    def execute')
  .replace('for tensor in request.inputs():', 'self.calls += 1\n            for tensor in request.inputs():')
  .replace('tensor.as_numpy()))', 'tensor.as_numpy()[..., ::-1 if self.calls % 5 == 0 else 1].copy()))')

const large = 150 * 1024

let world: World
let repository: string
let live: LiveServer
let generator: LoadGenerator

beforeAll(async () => {
  world = testWorld()
  repository = mkdtempSync(join(tmpdir(), 'tpg-inputs-'))
  const config = (types: readonly string[], dims: string) =>
    `backend: "python"\nmax_batch_size: 4\n${tensors('input', 'X', types, dims)}\n${tensors('output', 'Y', types, dims)}\ninstance_group [{ count: 1, kind: KIND_CPU }]`
  writePythonModel(repository, 'echo', { python: echo, config: config(datatypes, '[3]') })
  writePythonModel(repository, 'unsteady', { python: unsteady, config: config(['FP32', 'STRING'], '[3]') })
  writePythonModel(repository, 'large', { python: echo, config: config(['FP32'], `[${large}]`) })
  live = await openServer(
    { world, launcher: await embeddedLauncher(world), serverLog: () => () => {} },
    'candidate',
    repository,
  )
  generator = await openLoadGenerator(world)
  for (const model of ['echo', 'large', 'unsteady']) {
    await loadModel(world, live.server, live.client, model, { timeoutNs: 60 * nsPerSecond })
  }
})
afterAll(async () => {
  await generator.close()
  await live.close()
  rmSync(repository, { recursive: true })
})

test('every datatype: the bytes that are sent come back, for two inferences in one request', async () => {
  const config = await live.client.modelConfig('echo')
  for (const data of ['random', 'zero'] as const) {
    const [{ inputs }] = makeSteps(config, madeInputs({ data }), 2, 1)
    expect(inputs).toHaveLength(datatypes.length)
    const outputs = await infer(live.client, 'echo', inputs)
    for (const input of inputs) {
      const output = outputs.get(`Y${input.name.slice(1)}`)
      expect([input.name, output?.toString('hex')]).toEqual([
        input.name,
        Buffer.from(input.data).toString('hex'),
      ])
    }
  }
})

const regions = () => readdirSync('/dev/shm').filter((name) => name.startsWith('triton-perf-gate-shm.'))
const ours = () => regions().filter((name) => name.includes(`${processIdentity()}.`))
const load: Load = { mode: 'concurrency', concurrency: 2 }

async function attach(model: string, changes: Partial<InputSettings>, side: 'candidate' | 'reference') {
  const config = await live.client.modelConfig(model)
  return attachModel(
    { generator, requestDeadlineNs: 10 * nsPerSecond },
    { ...live, side },
    config,
    configurationOf(config, true),
    { input: madeInputs(changes), requests: defaultRequests },
  )
}

test('shared memory: answers of every type stand in their slots, and nothing of ours is left behind', async () => {
  const foreign = createRegion(await live.client.modelConfig('echo'), [], 1, 1)
  writeFileSync(foreign.path, Buffer.alloc(64))
  await live.client.registerSystemSharedMemory('foreign', `/${foreign.name}`, 64)

  const attached = await attach('echo', { sharedMemory: { outputBytes: 4096 } }, 'candidate')
  const window = await generator.run(await attached.target(load), load, {
    leadInNs: 0,
    durationNs: 300 * nsPerMs,
    // Of eight different requests.
    minRequests: 12,
    maxDurationNs: 60 * nsPerSecond,
  })
  expect(window.failures).toEqual({})
  expect(window.completed).toBeGreaterThan(8)

  const config = await live.client.modelConfig('echo')
  const steps = makeSteps(config, madeInputs(), 1)
  const [name = ''] = ours().filter((each) => each !== foreign.name)
  const memory = readFileSync(join('/dev/shm', name))
  // The layout is a function of the model and its data: a second region tells where the first one's slots are.
  const twin = createRegion(config, steps, 1, 4096)
  for (const [index, { inputs }] of steps.entries()) {
    for (const output of twin.requests[index]?.outputs ?? []) {
      const offset = output.sharedMemory?.offset ?? Number.NaN
      const sent = Buffer.from(
        inputs.find((input) => input.name.slice(1) === output.name.slice(1))?.data ?? [],
      )
      expect(memory.subarray(offset, offset + sent.length).equals(sent)).toBe(true)
    }
  }
  twin.remove()
  await attached.detach()
  expect(await live.client.systemSharedMemory()).toEqual(['foreign'])
  expect(ours()).toEqual([foreign.name])
  await live.client.unregisterSystemSharedMemory('foreign')
  foreign.remove()
})

test('an output that does not fit its slot is a failed request with the size it needs', async () => {
  const attached = await attach('echo', { sharedMemory: { outputBytes: 8 } }, 'candidate')
  const window = await generator.run(await attached.target(load), load, {
    leadInNs: 0,
    durationNs: 100 * nsPerMs,
  })
  await attached.detach()
  expect(window.completed).toBe(0)
  expect(window.firstFailure).toMatch(/shared memory size.*Y_STRING/)
})

test('answers in shared memory are compared: those that are wrong are counted, and none that is right', async () => {
  const config = await live.client.modelConfig('unsteady')
  // One step: the first answer to it is right, so that `first` knows as much as `given`.
  const steps = makeSteps(config, madeInputs(), 1, 1)
  const expected = steps.map(({ inputs }) => {
    const sent = inputs.find(({ name }) => name === 'X_FP32')
    return { inputs, expectedOutputs: sent === undefined ? null : [{ ...sent, name: 'Y_FP32' }] }
  })
  const region = createRegion(config, steps, 1, 64)
  await live.client.registerSystemSharedMemory(region.name, `/${region.name}`, region.byteSize)
  const declared = { outputs: [], areOfFixedSize: false }
  const given = { kind: 'given', outputs: expected.map(({ expectedOutputs }) => expectedOutputs) } as const
  const one: Load = { mode: 'concurrency', concurrency: 1 }
  try {
    for (const bytes of [given, { kind: 'first' } as const]) {
      const id = `unsteady/${bytes.kind}`
      await generator.open({
        id,
        ...live.server.grpc,
        frames: region.requests.map(encodeInferRequest),
        connections: 1,
        deadlineNs: 10 * nsPerSecond,
        check: { declared, bytes, shared: region.outputs },
      })
      const window = await generator.run(id, one, { leadInNs: 0, durationNs: 0, requestCount: 50 })
      generator.closeTarget(id)
      expect(window.firstFailure).toMatch(/output 'Y_(FP32|STRING)' differs at byte \d+ of/)
      expect(window.failures).toEqual({ wrong_output: 10 })
    }
  } finally {
    await live.client.unregisterSystemSharedMemory(region.name)
    region.remove()
  }
})

test('with 600 KiB in and out, shared memory answers more requests than the wire', async () => {
  const [wire, shared] = await Promise.all([
    attach('large', {}, 'candidate'),
    attach('large', { sharedMemory: { outputBytes: 1 } }, 'reference'),
  ])
  const targets = [await wire.target(load), await shared.target(load)] as const
  const completed = [0, 0]
  for (let round = 0; round < 6; round++) {
    for (const [side, target] of targets.entries()) {
      const window = await generator.run(target, load, { leadInNs: 50 * nsPerMs, durationNs: 300 * nsPerMs })
      expect(window.failures).toEqual({})
      completed[side] = (completed[side] ?? 0) + window.completed
    }
  }
  await wire.detach()
  await shared.detach()
  process.stderr.write(`600 KiB: ${completed[0]} requests over the wire, ${completed[1]} by shared memory\n`)
  expect(completed[1]).toBeGreaterThan(completed[0] ?? Number.POSITIVE_INFINITY)
})

test('a region whose owner is gone is removed; those of living processes stay', () => {
  const dead = `triton-perf-gate-shm.${processIdentity().replace(/\.\d+$/, '.1')}.1`
  const alive = `triton-perf-gate-shm.${processIdentity()}.999`
  for (const name of [dead, alive]) writeFileSync(join('/dev/shm', name), 'x')
  expect(removeStaleRegions()).toBeGreaterThanOrEqual(1)
  expect(regions()).toContain(alive)
  expect(regions()).not.toContain(dead)
  rmSync(join('/dev/shm', alive))
})
