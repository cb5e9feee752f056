import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { embeddedSettings } from '../../test/support/embedded-triton.ts'
import { type Commands, fakeWorld } from '../../test/support/triton-world.ts'
import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { processIdentity } from '../system/process-identity.ts'
import { defaultUser } from './container-engine.ts'
import { resolveTriton } from './launcher.ts'
import { parseGrpcUrl } from './launcher-remote.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-launcher-'))
  writeFileSync(join(folder, 'tritonserver'), '#!/bin/sh\n')
  chmodSync(join(folder, 'tritonserver'), 0o755)
  writeFileSync(join(folder, 'no-program'), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

const settings = (own: Partial<TritonSettings>): TritonSettings => ({
  ...embeddedSettings,
  mode: 'auto',
  ...own,
})
const ports = { grpc: 21001, metrics: 21002 }
const digest = 'triton@sha256:0123'

/** Docker as it answers where it works and has the image. */
const docker =
  (more: Commands = () => undefined): Commands =>
  async (command, args, options) => {
    const special = await more(command, args, options)
    if (special !== undefined || command !== 'docker') return special
    return args[0] === 'image' ? { stdout: `["${digest}"] sha256:aa\n` } : {}
  }

async function dockerArguments(
  own: Partial<TritonSettings>,
  commands: Commands = docker(),
): Promise<readonly string[]> {
  const launcher = await resolveTriton(fakeWorld({}, commands), settings({ mode: 'docker', ...own }))
  if (launcher.kind !== 'process') throw new Error('docker is a process')
  return launcher.serverCommand('/repo', ports).args
}

test('auto: a URL, else tritonserver on PATH, else docker, else the way out', async () => {
  const url = 'grpc://gpu-host:9001'
  const withPath = { PATH: `/nowhere:${folder}` }
  expect(await resolveTriton(fakeWorld(withPath, docker()), settings({ url }))).toMatchObject({
    mode: 'remote',
    grpc: { host: 'gpu-host', port: 9001, tls: false },
  })
  expect(await resolveTriton(fakeWorld(withPath, docker()), settings({}))).toMatchObject({
    mode: 'local',
    source: join(folder, 'tritonserver'),
  })
  expect(await resolveTriton(fakeWorld({}, docker()), settings({}))).toMatchObject({
    mode: 'docker',
    source: digest,
  })
  await expect(
    resolveTriton(
      fakeWorld({}, () => undefined),
      settings({}),
    ),
  ).rejects.toMatchObject({
    code: 'environment',
    hint: expect.stringContaining('--triton embedded'),
    problems: [{}, {}, { message: expect.stringContaining('docker is not installed') }],
  })
})

test('local: the flags of the gate come after those of the user, so that they hold', async () => {
  const serverFlags = { 'log-verbose': '1', 'model-control-mode': 'none', 'disable-auto-complete-config': '' }
  const gpus = ['GPU-1', '0']
  const own = { mode: 'local', serverPath: join(folder, 'tritonserver'), serverFlags, gpus } as const
  const launcher = await resolveTriton(fakeWorld({}, docker()), settings(own))
  if (launcher.kind !== 'process') throw new Error('local is a process')
  const { args, env, cleanUp } = launcher.serverCommand(folder, ports)
  await cleanUp()
  expect(args.slice(0, 3)).toEqual([
    '--log-verbose=1',
    '--model-control-mode=none',
    '--disable-auto-complete-config',
  ])
  expect(args.findLast((flag) => flag.startsWith('--model-control-mode'))).toBe(
    '--model-control-mode=explicit',
  )
  expect(args).toContain('--grpc-address=127.0.0.1')
  expect(args).toContain('--metrics-port=21002')
  expect(env).toEqual({ CUDA_VISIBLE_DEVICES: 'GPU-1,0' })
})

test('local: a missing or not executable file', async () => {
  for (const serverPath of ['tritonserver', join(folder, 'no-program')]) {
    const resolving = resolveTriton(
      fakeWorld({ PATH: '/nowhere' }, docker()),
      settings({ mode: 'local', serverPath }),
    )
    await expect(resolving).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining(serverPath),
    })
  }
})

test('docker: one container with an owner, a read-only repository, the network of the host', async () => {
  const args = await dockerArguments({ dockerNetwork: 'host', serverEnvironment: { OMP_NUM_THREADS: '1' } })
  expect(args.slice(0, 3)).toEqual(['run', '--rm', '--init'])
  expect(args).toContain(`--label=triton-perf-gate.owner=${processIdentity()}`)
  expect(args).toContain('--network=host')
  expect(args).toContain('--mount=type=bind,"source=/repo",target=/models,readonly')
  expect(args.slice(args.indexOf('--env'), args.indexOf('--env') + 2)).toEqual(['--env', 'OMP_NUM_THREADS=1'])
  expect(args.slice(args.indexOf('triton:none')).slice(0, 3)).toEqual([
    'triton:none',
    'tritonserver',
    '--model-repository=/models',
  ])
  expect(args.join(' ')).not.toContain('--gpus')
})

test('docker: GPUs where there are any or some are asked for', async () => {
  const gpuMachine = docker((command) => (command === 'nvidia-smi' ? {} : undefined))
  expect(await dockerArguments({}, gpuMachine)).toContain('--gpus=all')
  expect(await dockerArguments({ gpus: ['0', 'GPU-2'] })).toContain('--gpus="device=0,GPU-2"')
  expect((await dockerArguments({ gpus: [] }, gpuMachine)).join(' ')).not.toContain('--gpus')
})

test('docker: in a network of its own the ports are published to this machine only', async () => {
  const args = await dockerArguments({ dockerNetwork: 'bridge' })
  expect(args.join(' ')).toContain('--publish 127.0.0.1:21001:21001 --publish 127.0.0.1:21002:21002')
  expect(args).toContain('--grpc-address=0.0.0.0')
  expect(args).not.toContain('--network=host')
})

test('docker: containers of dead owners are removed, others are not', async () => {
  const dead = processIdentity().replace(/\.\d+\.\d+$/, '.4194305.1')
  const list = `aaa ${dead}\nbbb ${processIdentity()}\nccc other-00000000-1.1.1\n`
  const commands = docker((_, args) => {
    if (args[0] === 'ps') return { stdout: 'aaa\nbbb\nccc\n' }
    return args[0] === 'inspect' && args.slice(-3).join() === 'aaa,bbb,ccc' ? { stdout: list } : undefined
  })
  const world = fakeWorld({}, commands)
  await resolveTriton(world, settings({ mode: 'docker' }))
  expect(world.ran.filter((line) => line.startsWith('docker rm'))).toEqual(['docker rm --force aaa'])
})

test('docker: an image that is missing is pulled; what goes wrong is said', async () => {
  let pulled = false
  const layer = (id: string, ...states: string[]) =>
    states.map((state) => `${id.repeat(12)}: ${state}\n`).join('')
  const layers = `${layer('a', 'Pulling fs layer')}${layer('b', 'Already exists')}${layer('a', 'Download complete', 'Pull complete')}`
  const absent = docker((_, args) => {
    if (args[0] === 'pull') {
      pulled = true
      return { stdout: layers }
    }
    return args[0] === 'image' && !pulled ? { exitCode: 1 } : undefined
  })
  const pulling = fakeWorld({}, absent)
  expect(await resolveTriton(pulling, settings({ mode: 'docker' }))).toMatchObject({ source: digest })
  expect(pulling.said).toEqual([
    'pulling triton:none',
    '  1 of 2 layers are there',
    '  2 of 2 layers are there',
  ])
  const refused = docker((_, args) => {
    if (args[0] === 'pull') return { exitCode: 1, stderr: 'Error: manifest unknown\n' }
    return args[0] === 'image' ? { exitCode: 1 } : undefined
  })
  await expect(resolveTriton(fakeWorld({}, refused), settings({ mode: 'docker' }))).rejects.toMatchObject({
    message: 'the image triton:none could not be pulled: Error: manifest unknown',
    hint: expect.stringContaining('no such tag'),
  })
  const stderr = 'permission denied while trying to connect to the Docker daemon socket\n'
  await expect(
    resolveTriton(
      fakeWorld({}, () => ({ exitCode: 1, stderr })),
      settings({ mode: 'docker' }),
    ),
  ).rejects.toMatchObject({ code: 'environment', hint: expect.stringContaining('group docker') })
})

test('docker: refusals of a registry come with what to do', async () => {
  const hintFor = async (image: string, stderr: string) => {
    const commands = docker((_, args) =>
      ['pull', 'image'].includes(args[0] ?? '') ? { exitCode: 1, stderr } : undefined,
    )
    const error = await resolveTriton(fakeWorld({}, commands), settings({ mode: 'docker', image })).catch(
      (reason: unknown) => reason,
    )
    return error instanceof GateError ? error.hint : String(error)
  }
  expect(await hintFor('nvcr.io/acme/triton:1', 'unauthorized: authentication required')).toContain(
    'docker login nvcr.io',
  )
  expect(await hintFor('acme/triton', 'pull access denied for acme/triton')).toContain(
    'docker login docker.io',
  )
  expect(await hintFor('r:5000/t', 'toomanyrequests: You have reached your pull rate limit')).toContain(
    'a mirror',
  )
  expect(await hintFor('r:5000/t', 'x509: certificate signed by unknown authority')).toContain('r:5000')
  expect(await hintFor('r:5000/t', 'write /var/lib: no space left on device')).toContain(
    'docker system prune',
  )
})

test('docker: a user of one’s own, with a place for caches', async () => {
  expect((await dockerArguments({ dockerUser: '7:8' })).join(' ')).toContain(
    '--user=7:8 --env=HOME=/tmp --env=USER=triton',
  )
})

test('docker: a repository that its user may not read is said before anything starts', async () => {
  const repository = mkdtempSync(join(folder, 'closed-'))
  const command = async (dockerUser: string) => {
    const launcher = await resolveTriton(fakeWorld({}, docker()), settings({ mode: 'docker', dockerUser }))
    if (launcher.kind !== 'process') throw new Error('docker is a process')
    return launcher.serverCommand(repository, ports)
  }
  const { uid, gid } = statSync(repository)
  const others = `${uid + 1}:${gid + 1}`
  await expect(command(others)).rejects.toMatchObject({
    code: 'environment',
    message: `the server's user ${others} may not read the model repository ${repository}`,
  })
  for (const allowed of [`${uid}`, '0', 'triton-server'])
    expect((await command(allowed)).args).toContain(`--user=${allowed}`)
  chmodSync(repository, 0o755)
  expect((await command(others)).args).toContain(`--user=${others}`)
})

test('podman: where only that works, with GPUs by its own device names and without the variables of a proxy', async () => {
  const commands: Commands = (command, args) => {
    if (command === 'nvidia-smi') return {}
    if (command !== 'podman') return undefined
    return args[0] === 'image' ? { stdout: `["${digest}"] aa\n` } : {}
  }
  const world = fakeWorld({}, commands)
  const launcher = await resolveTriton(world, settings({ containerEngine: 'auto' }))
  if (launcher.kind !== 'process') throw new Error('podman is a process')
  expect(launcher).toMatchObject({ mode: 'docker', source: `${digest}, podman`, containerEngine: 'podman' })
  const { command, args, cleanUp } = launcher.serverCommand('/repo', ports)
  expect(command).toBe('podman')
  expect(args).toContain('--device=nvidia.com/gpu=all')
  expect(args).toContain('--http-proxy=false')
  expect(args.join(' ')).not.toContain('--gpus')
  await cleanUp()
  expect(world.ran.at(-1)).toMatch(/^podman rm --force triton-perf-gate-/)
  const some = await resolveTriton(
    fakeWorld({}, commands),
    settings({ mode: 'docker', containerEngine: 'podman', gpus: ['0', 'GPU-2'] }),
  )
  if (some.kind !== 'process') throw new Error('podman is a process')
  expect(some.serverCommand('/repo', ports).args.join(' ')).toContain(
    '--device=nvidia.com/gpu=0 --device=nvidia.com/gpu=GPU-2',
  )
})

test('podman in the name of docker gets what podman understands', async () => {
  const gpuMachine = docker((command, args) => {
    if (command === 'nvidia-smi') return {}
    return args[0] === '--version' ? { stdout: 'podman version 4.3.1\n' } : undefined
  })
  const args = await dockerArguments({}, gpuMachine)
  expect(args).toContain('--device=nvidia.com/gpu=all')
})

test('an engine that is named and missing is not replaced', async () => {
  const resolving = resolveTriton(
    fakeWorld({}, docker()),
    settings({ mode: 'docker', containerEngine: 'podman' }),
  )
  await expect(resolving).rejects.toMatchObject({
    code: 'environment',
    message: 'podman is not installed (no such command)',
  })
})

test('the user of the server: the gate’s own, but the image’s for root and where the engine renumbers', async () => {
  const own = { uid: 1001, gid: 121 }
  const user = (isPodman: boolean, stdout: string, ids = own) =>
    defaultUser(
      fakeWorld({}, () => ({ stdout })),
      { command: isPodman ? 'podman' : 'docker', isPodman },
      ids,
    )
  expect(await user(false, '["name=seccomp,profile=default","name=cgroupns"]\n')).toBe('1001:121')
  expect(await user(false, '["name=seccomp,profile=default","name=rootless"]\n')).toBeNull()
  expect(await user(false, '["name=userns"]\n')).toBeNull()
  expect(await user(true, 'false\n')).toBe('1001:121')
  expect(await user(true, 'true\n')).toBeNull()
  expect(await user(false, '[]\n', { uid: 0, gid: 0 })).toBeNull()
})

test('addresses of remote servers', () => {
  expect(parseGrpcUrl('host:8001')).toEqual({ host: 'host', port: 8001, tls: false })
  expect(parseGrpcUrl('grpcs://host')).toEqual({ host: 'host', port: 8001, tls: true })
  expect(parseGrpcUrl('grpc://[::1]:9000')).toEqual({ host: '[::1]', port: 9000, tls: false })
  for (const wrong of ['http://host:8000', 'grpc://', 'grpc://host/path', 'grpc://u@host', 'ho st:1']) {
    expect(() => parseGrpcUrl(wrong)).toThrow('is not the address')
  }
})

test("docker: a pid of another machine's numbering is not taken for the server", async () => {
  // Of this very process: it lives, and is no server.
  const world = fakeWorld(
    {},
    docker((_, [verb]) => (verb === 'inspect' ? { stdout: `${process.pid}\n` } : undefined)),
  )
  const launcher = await resolveTriton(world, settings({ mode: 'docker' }))
  if (launcher.kind !== 'process') throw new Error('docker is a process')
  expect(await launcher.serverCommand('/repo', ports).rootPid(1)).toBe(0)
  expect(world.said.at(-1)).toContain("the container's processes are not visible from here")
})
