import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { toJsonString } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GateError } from '../../src/domain/error.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { ModelConfigSchema } from '../../src/proto/model_config_pb.js'
import { memoryOfTree } from '../../src/system/process-tree.ts'
import { connectTriton, type TritonClient } from '../../src/triton/client.ts'
import type { Launcher } from '../../src/triton/launcher.ts'
import { loadModel, unloadModel } from '../../src/triton/load-model.ts'
import { freePorts } from '../../src/triton/ports.ts'
import { startServer, type TritonServer } from '../../src/triton/server.ts'
import { statisticsDelta } from '../../src/triton/statistics.ts'
import { embeddedLauncher, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { firstLine } from '../support/first-line.ts'
import { until } from '../support/until.ts'

const timeoutNs = 60 * nsPerSecond
let world: World
let launcher: Launcher
let repository: string
let server: TritonServer
let client: TritonClient
const log: string[] = []

beforeAll(async () => {
  world = testWorld()
  launcher = await embeddedLauncher(world)
  repository = mkdtempSync(join(tmpdir(), 'tpg-triton-'))
  writePythonModel(repository, 'add_one')
  writePythonModel(repository, 'broken_code', { python: 'raise ValueError("the weights are missing")\n' })
  writePythonModel(repository, 'broken_config', { config: 'backend: "python"\nnonsense: 3\n' })
  server = await startServer(world, launcher, { repository, onLog: (line) => log.push(line) })
  client = connectTriton(server.grpc)
})
afterAll(async () => {
  client.close()
  await server.stop()
  rmSync(repository, { recursive: true })
})

/** X = 1, 2, 3, 4 for each of `batch` rows. */
function request(model: string, batch = 1) {
  const row = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)
  return {
    modelName: model,
    inputs: [{ name: 'X', datatype: 'FP32', shape: [BigInt(batch), 4n] }],
    rawInputContents: [Buffer.concat(Array.from({ length: batch }, () => row))],
  }
}

async function failureOf(action: Promise<unknown>): Promise<GateError> {
  const error = await action.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof GateError)) throw new Error('expected a GateError', { cause: error })
  return error
}

test('the server says what it is, answers and can be read', async () => {
  expect(server).toMatchObject({
    mode: 'embedded',
    version: '2.51.0',
    grpc: { host: '127.0.0.1', tls: false },
  })
  expect(await client.serverLive()).toBe(true)
  expect(await (await fetch(server.metricsUrl ?? '')).text()).toContain('nv_cpu_utilization')
  expect(memoryOfTree(server.pids())).toBeGreaterThan(10_000_000)
  expect(log.join('\n')).toContain('Started GRPCInferenceService')
  expect(server.logTail(2)).toHaveLength(2)
})

test('a model is loaded, infers, is counted, and is unloaded', async () => {
  expect(await client.modelReady('add_one')).toBe(false)
  await loadModel(world, server, client, 'add_one', { timeoutNs })
  expect(await client.modelReady('add_one')).toBe(true)
  expect((await client.modelMetadata('add_one')).inputs[0]).toMatchObject({ name: 'X', datatype: 'FP32' })

  const before = await client.statistics('add_one')
  for (const batch of [1, 1, 4]) {
    const response = await client.infer(request('add_one', batch))
    const bytes = Uint8Array.from(response.rawOutputContents[0] ?? [])
    expect([...new Float32Array(bytes.buffer)].slice(0, 4)).toEqual([2, 3, 4, 5])
  }
  await until(async () => {
    const delta = statisticsDelta(before, await client.statistics('add_one'), 'add_one')
    return delta.status === 'available' && delta.times.requestCount === 3
  })
  const delta = statisticsDelta(before, await client.statistics('add_one'), 'add_one')
  if (delta.status !== 'available') throw new Error(delta.reason)
  const { times } = delta
  expect(times).toMatchObject({ executedBatchSize: 2, failCount: 0 })
  expect(times.successNs).toBeGreaterThan(times.serverComputeInferNs ?? Number.POSITIVE_INFINITY)

  await unloadModel(world, client, 'add_one', { timeoutNs })
  expect(await client.modelReady('add_one')).toBe(false)
  const reloaded = statisticsDelta(before, before, 'other')
  expect(reloaded.status).toBe('unavailable')
})

test('a configuration given with the load holds for it', async () => {
  await loadModel(world, server, client, 'add_one', { timeoutNs })
  const config = await client.modelConfig('add_one')
  await unloadModel(world, client, 'add_one', { timeoutNs })

  const [group] = config.instanceGroup
  if (group === undefined) throw new Error('no instance group')
  group.count = 2
  config.maxBatchSize = 2
  // Triton filled it in from the old batch size.
  if (config.schedulingChoice.case === 'dynamicBatching')
    config.schedulingChoice.value.preferredBatchSize = []
  const configJson = toJsonString(ModelConfigSchema, config, { useProtoFieldName: true })
  await loadModel(world, server, client, 'add_one', { configJson, timeoutNs })
  const resolved = await client.modelConfig('add_one')
  expect([resolved.maxBatchSize, resolved.instanceGroup[0]?.count]).toEqual([2, 2])
  expect((await failureOf(client.infer(request('add_one', 4)))).message).toContain('batch-size must be <= 2')
  await unloadModel(world, client, 'add_one', { timeoutNs })
})

test("a failing model gives the server's own reason, the server goes on", async () => {
  const code = await failureOf(loadModel(world, server, client, 'broken_code', { timeoutNs }))
  expect(code.code).toBe('model')
  expect(code.message).toContain('ValueError: the weights are missing')

  const config = await failureOf(loadModel(world, server, client, 'broken_config', { timeoutNs }))
  expect(config.message).toContain("Poll failed for model directory 'broken_config'")
  expect(config.message).toMatch(/2:\d+: .*no field named "nonsense"/)

  const absent = await failureOf(loadModel(world, server, client, 'absent', { timeoutNs }))
  expect(absent.message).toContain("failed to load 'absent'")
  expect(await client.serverReady()).toBe(true)
})

test('nothing is written to the model repository', () => {
  const files = readdirSync(repository, { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => file.includes('pycache') || file.endsWith('.pyc'))).toEqual([])
})

test('a port that is taken meanwhile is no failure', async () => {
  const holder = createServer()
  holder.listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const taken = (holder.address() as { port: number }).port
  const tried: number[] = []
  const second = await startServer(world, launcher, {
    repository,
    pickPorts: async () => {
      const ports = await freePorts()
      const grpc = tried.length === 0 ? taken : ports.grpc
      tried.push(grpc)
      return { ...ports, grpc }
    },
  })
  expect(tried).toEqual([taken, second.grpc.port])
  await second.stop()
  holder.close()
})

test('a server that cannot start says why', async () => {
  const wrong = await embeddedLauncher(world, { serverFlags: { 'no-such-flag': '1' } })
  const error = await failureOf(startServer(world, wrong, { repository }))
  expect(error).toMatchObject({ code: 'server', message: expect.stringContaining('ended with exit code 1') })
  expect(error.hint).toContain('no-such-flag')
})

/** The launcher with another stub: what the server starts for each instance of a model. */
function withStub(script: string): Launcher {
  if (launcher.kind !== 'process') throw new Error('the embedded launcher starts a process')
  const original = launcher.serverCommand
  const backends = join(repository, '..', `${basename(repository)}-backends`)
  return {
    ...launcher,
    serverCommand: (...where) => {
      const command = original(...where)
      const flag = command.args.findIndex((argument) => argument.startsWith('--backend-directory='))
      cpSync(command.args[flag]?.split('=')[1] ?? '', backends, { recursive: true })
      writeFileSync(join(backends, 'python', 'triton_python_backend_stub'), script)
      return {
        ...command,
        args: command.args.with(flag, `--backend-directory=${backends}`),
        cleanUp: async () => rmSync(backends, { recursive: true }),
      }
    },
  }
}

test.each([
  {
    stub: '#!/bin/sh\necho "stub: error while loading shared libraries: libpython3.so: no such file" >&2\nexit 127\n',
    says: 'error while loading shared libraries: libpython3.so',
  },
  {
    stub: '#!/bin/sh\necho "terminate called after throwing an instance of \'E\'" >&2\necho "  what():  stol" >&2\nexit 134\n',
    says: 'ended while it started, and the server waits on: stol',
    seconds: 40,
  },
  { stub: '#!/bin/sh\nexit 3\n', says: 'its process in the python backend ended', seconds: 40 },
  { stub: '#!/bin/sh\nexec sleep 600\n', says: 'no answer to RepositoryModelLoad within 4 s' },
])('a model whose process cannot start is no endless wait: $says', async ({ stub, says, seconds = 4 }) => {
  const lame = await startServer(world, withStub(stub), { repository })
  const lameClient = connectTriton(lame.grpc)
  const error = await failureOf(
    loadModel(world, lame, lameClient, 'add_one', { timeoutNs: seconds * nsPerSecond }),
  )
  lameClient.close()
  await lame.stop()
  expect(error.code).toBe('model')
  expect(error.message).toContain(says)
})

test.each(['SIGKILL', 'SIGINT'] as const)(
  'after %s of the program no server and no stub survives',
  async (signal) => {
    const script = new URL('../support/triton-holder.ts', import.meta.url).pathname
    const program = spawn(process.execPath, [script, repository], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = await firstLine(program.stdout)
    const pids = JSON.parse(output) as number[]
    expect(pids.length).toBeGreaterThan(1)
    program.kill(signal)
    await until(() => pids.every((pid) => memoryOfTree([pid]) === null))
  },
)
