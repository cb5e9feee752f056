// The docker launcher against a real Docker engine that the test starts, with the embedded Triton as the image.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TritonSettings } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/load-config.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { processIdentity } from '../../src/system/process-identity.ts'
import { memoryOfTree } from '../../src/system/process-tree.ts'
import { resolveTriton } from '../../src/triton/launcher.ts'
import { freePorts } from '../../src/triton/ports.ts'
import { startServer } from '../../src/triton/server.ts'
import { type DockerEngine, docker, startDocker, tritonImage } from '../support/docker.ts'
import { addOne, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { firstLine } from '../support/first-line.ts'
import { until } from '../support/until.ts'

/** As NVIDIA names it: the engine finds it without asking a registry. */
const image = 'nvcr.io/nvidia/tritonserver:24.10-py3'
const root = mkdtempSync(join(tmpdir(), 'tpg-docker-test-'))
const repository = join(root, 'models')

let engine: DockerEngine
let unavailable: string | null = null
let world: World
let settings: TritonSettings

beforeAll(async () => {
  const started = await startDocker()
  if ('unavailable' in started) {
    unavailable = started.unavailable
    // Aloud, since the reporter does not print why it skips.
    process.stderr.write(`SKIPPED, no ${unavailable}\n`)
    return
  }
  engine = started
  process.env.DOCKER_HOST = engine.host
  world = testWorld()
  settings = await tritonImage(world, (...args) => docker(engine.host, ...args), image)
  writePythonModel(repository, 'add_one')
})
afterAll(async () => {
  rmSync(root, { recursive: true })
  if (unavailable !== null) return
  delete process.env.DOCKER_HOST
  await engine.stop()
})
beforeEach((ctx) => {
  if (unavailable !== null) ctx.skip(unavailable)
})

const containers = () => docker(engine.host, 'ps', '--all', '--format', '{{.Names}} {{.State}}')
/** None runs any more; the engine takes a moment to remove what has ended. */
async function untilGone(): Promise<void> {
  expect(containers()).not.toContain(' running')
  await until(() => containers() === '')
}

test('a server in a container: starts, loads, infers, is read by its own pids, and is gone when it stops', async () => {
  const launcher = await resolveTriton(world, settings)
  expect(launcher.source).toContain(`${image} (sha256:`)
  const server = await startServer(world, launcher, { repository })
  expect(server).toMatchObject({ mode: 'docker', version: '2.51.0' })
  expect(containers()).toMatch(/^triton-perf-gate-\S+ running$/)

  expect(await addOne(world, server, [1, 2, 3, 4])).toEqual([2, 3, 4, 5])

  // The pids are the container's, not those of the docker client.
  const commands = server.pids().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  expect(commands.some((command) => command.includes('--model-repository=/models'))).toBe(true)
  expect(commands.some((command) => command.includes('triton_python_backend_stub'))).toBe(true)
  expect(commands.some((command) => command.includes('--shm-size'))).toBe(false)
  expect(memoryOfTree(server.pids())).toBeGreaterThan(10_000_000)

  await server.stop()
  await untilGone()
})

test('a user of its own, unknown to the image: the server and its python stubs run as that user', async () => {
  const launcher = await resolveTriton(world, { ...settings, dockerUser: '12345:12345' })
  const server = await startServer(world, launcher, { repository })
  expect(await addOne(world, server, [1, 2, 3, 4])).toEqual([2, 3, 4, 5])
  const users = server
    .pids()
    .map((pid) => /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  expect(users.length).toBeGreaterThan(1)
  expect(new Set(users)).toEqual(new Set(['12345']))
  await server.stop()
  await untilGone()
})

test('the gate measures in containers and leaves none behind', async () => {
  const yaml = 'concurrency: 1\ngate: { repetitions: 2, warmup_seconds: 0.2, measurement_seconds: 0.5 }\n'
  const config = readConfig(yaml, 'triton-perf-gate.yml', { runConfigSearchMode: 'off' })
  const result = await runGate(world, {
    config: { ...config, triton: settings },
    modelRepository: repository,
    mode: 'baseline',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory: join(root, 'out'),
    resume: null,
    commit: null,
    runId: null,
  })
  expect(result.environment.triton).toMatchObject({ mode: 'docker', version: '2.51.0', network: 'host' })
  const metrics = result.models[0]?.scenarios[0]?.metrics
  expect(metrics?.inferPerSec?.value).toBeGreaterThan(0)
  expect(metrics?.serverComputeInferNs?.value).toBeGreaterThan(0)
  expect(metrics?.serverMemoryBytes?.value).toBeGreaterThan(10_000_000)
  expect(result.verdict.outcome).toBe('pass')
  await untilGone()
})

test("a network of the container's own: published to 127.0.0.1 only", async (ctx) => {
  if (engine.bridge !== true) {
    process.stderr.write(`SKIPPED, ${engine.bridge}\n`)
    ctx.skip(engine.bridge)
  }
  const launcher = await resolveTriton(world, { ...settings, dockerNetwork: 'bridge' })
  expect(launcher.network).toBe('bridge')
  const server = await startServer(world, launcher, { repository })
  expect(await addOne(world, server, [1, 2, 3, 4])).toEqual([2, 3, 4, 5])

  const port = server.grpc.port.toString(16).toUpperCase().padStart(4, '0')
  const listening = `${readFileSync('/proc/net/tcp', 'utf8')}${readFileSync('/proc/net/tcp6', 'utf8')}`
    .split('\n')
    .flatMap((line) => new RegExp(`^ *\\d+: ([0-9A-F]+):${port} \\S+ 0A `).exec(line)?.[1] ?? [])
  expect(listening).toEqual(['0100007F'])

  await server.stop()
  await untilGone()
})

test('a port that is taken meanwhile is no failure', async () => {
  const holder = createServer()
  holder.listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const taken = (holder.address() as { port: number }).port
  const tried: number[] = []
  const server = await startServer(world, await resolveTriton(world, settings), {
    repository,
    pickPorts: async () => {
      const ports = await freePorts()
      const grpc = tried.length === 0 ? taken : ports.grpc
      tried.push(grpc)
      return { ...ports, grpc }
    },
  })
  expect(tried).toEqual([taken, server.grpc.port])
  expect(containers().split('\n')).toHaveLength(1)
  await server.stop()
  holder.close()
  await untilGone()
})

test('an image that does not exist is named', async () => {
  const error = resolveTriton(world, { ...settings, image: 'localhost:1/no/such:image' })
  await expect(error).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringContaining('the image localhost:1/no/such:image could not be pulled: '),
    hint: expect.stringContaining('docker login'),
  })
})

test('a container that cannot start says why and leaves nothing', async () => {
  const wrong = { ...settings, dockerArgs: [...settings.dockerArgs, '--workdir=relative'] }
  const error = startServer(world, await resolveTriton(world, wrong), { repository })
  await expect(error).rejects.toMatchObject({ code: 'server', hint: expect.stringContaining('relative') })
  await untilGone()
})

test('the next start removes what a dead owner left, and nothing of one that lives', async () => {
  const create = (name: string, owner: string) =>
    docker(
      engine.host,
      'create',
      `--name=${name}`,
      `--label=triton-perf-gate.owner=${owner}`,
      image,
      'tritonserver',
    )
  create('left', processIdentity().replace(/\d+$/, '1'))
  create('alive', processIdentity())
  await resolveTriton(world, settings)
  expect(containers()).toBe('alive created')
  docker(engine.host, 'rm', 'alive')
})

test('after SIGKILL of the gate the server ends, and no container is left after the next start', async () => {
  const script = new URL('../support/docker-holder.ts', import.meta.url).pathname
  const args = [script, repository, JSON.stringify(settings)]
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = await firstLine(program.stdout)
  const pids = JSON.parse(output) as number[]
  expect(pids.length).toBeGreaterThan(0)
  program.kill('SIGKILL')
  await once(program, 'exit')
  await resolveTriton(world, settings)
  await untilGone()
  expect(memoryOfTree(pids)).toBeNull()
})

test('no engine: said with what to look at', async () => {
  const elsewhere = { DOCKER_HOST: 'unix:///nowhere' }
  const away: World = {
    ...world,
    run: (command, args, options = {}) => world.run(command, args, { ...options, env: elsewhere }),
  }
  await expect(resolveTriton(away, settings)).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringContaining('docker does not work'),
    hint: expect.stringContaining('DOCKER_HOST'),
  })
})
