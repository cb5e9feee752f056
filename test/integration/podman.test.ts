// The docker launcher with podman in docker's place, with the embedded Triton as the image.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TritonSettings } from '../../src/config/config.ts'
import type { World } from '../../src/domain/world.ts'
import { processIdentity } from '../../src/system/process-identity.ts'
import { resolveTriton } from '../../src/triton/launcher.ts'
import { startServer } from '../../src/triton/server.ts'
import { tritonImage } from '../support/docker.ts'
import { addOne, testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { type Podman, startPodman } from '../support/podman.ts'

const image = 'nvcr.io/nvidia/tritonserver:24.10-py3'
const root = mkdtempSync(join(tmpdir(), 'tpg-podman-test-'))
const repository = join(root, 'models')

let engine: Podman
let unavailable: string | null = null
let world: World
let settings: TritonSettings

beforeAll(async () => {
  const started = startPodman()
  if ('unavailable' in started) {
    unavailable = started.unavailable
    // Aloud, since the reporter does not print why it skips.
    process.stderr.write(`SKIPPED, no ${unavailable}\n`)
    return
  }
  engine = started
  world = testWorld()
  settings = { ...(await tritonImage(world, engine.podman, image)), containerEngine: 'podman' }
  writePythonModel(repository, 'add_one')
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
  if (unavailable === null) engine.stop()
})
beforeEach((ctx) => {
  if (unavailable !== null) ctx.skip(unavailable)
})

const containers = () => engine.podman('ps', '--all', '--format', '{{.Names}}')

test('a server in a container of podman: removes what a dead owner left, starts, infers, is read, and is gone', async () => {
  const create = (name: string, owner: string) =>
    engine.podman(
      'create',
      `--name=${name}`,
      `--label=triton-perf-gate.owner=${owner}`,
      image,
      'tritonserver',
    )
  create('left', processIdentity().replace(/\d+$/, '1'))
  create('alive', processIdentity())
  const launcher = await resolveTriton(world, { ...settings, dockerUser: '12345:12345' })
  expect(containers()).toBe('alive')
  expect(launcher).toMatchObject({ containerEngine: 'podman' })
  expect(launcher.source).toMatch(/^nvcr\.io\/nvidia\/tritonserver@sha256:[0-9a-f]{64}, podman$/)

  const server = await startServer(world, launcher, { repository })
  expect(server).toMatchObject({ mode: 'docker', version: '2.51.0' })
  expect(await addOne(world, server, [1, 2, 3, 4])).toEqual([2, 3, 4, 5])
  const commands = server.pids().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  expect(commands.some((command) => command.includes('triton_python_backend_stub'))).toBe(true)

  await server.stop()
  expect(containers()).toBe('alive')
})

test('an image that does not exist is named', async () => {
  const error = resolveTriton(world, { ...settings, image: 'localhost:1/no/such:image' })
  await expect(error).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringContaining('the image localhost:1/no/such:image could not be pulled: '),
    hint: expect.stringContaining('podman login'),
  })
})
