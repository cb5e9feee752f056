// Whatever servers do, nothing is left of them: no process, file descriptor, port, shared memory or folder.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TritonSettings } from '../../src/config/config.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { processIdentity } from '../../src/system/process-identity.ts'
import { processTree } from '../../src/system/process-tree.ts'
import { connectTriton } from '../../src/triton/client.ts'
import { ensureEmbeddedTriton } from '../../src/triton/embedded.ts'
import { type Launcher, resolveTriton } from '../../src/triton/launcher.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer } from '../../src/triton/server.ts'
import { processesNaming } from '../support/cli.ts'
import {
  embeddedLauncher,
  embeddedSettings,
  testWorld,
  writePythonModel,
} from '../support/embedded-triton.ts'
import { firstLine } from '../support/first-line.ts'
import { until } from '../support/until.ts'

let world: World
let embedded: Launcher
let folder: string
let repository: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-leftovers-'))
  repository = join(folder, 'models')
  mkdirSync(join(folder, 'tmp'))
  world = { ...testWorld(), env: { ...process.env, RUNNER_TEMP: join(folder, 'tmp') } }
  embedded = await embeddedLauncher(world)
  writePythonModel(repository, 'add_one')
})
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * The embedded server as a local one, with a Python that writes byte code as any other does (the embedded
 * installation's own is told not to).
 */
const localSettings = (): Promise<TritonSettings> => (madeSettings ??= makeLocalSettings())
let madeSettings: Promise<TritonSettings> | undefined

async function makeLocalSettings(): Promise<TritonSettings> {
  const triton = await ensureEmbeddedTriton(world)
  const version = join('lib', `python${triton.pythonVersion}`, 'site-packages')
  const environment = join(folder, 'env')
  mkdirSync(join(environment, 'bin'), { recursive: true })
  mkdirSync(join(environment, version), { recursive: true })
  symlinkSync(triton.python, join(environment, 'bin', 'python3'))
  const own = dirname(dirname(triton.python))
  writeFileSync(join(environment, 'pyvenv.cfg'), readFileSync(join(own, 'pyvenv.cfg')))
  for (const name of readdirSync(triton.sitePackages).filter((entry) => !entry.endsWith('.pth')))
    symlinkSync(join(triton.sitePackages, name), join(environment, version, name))
  const { PATH = '', LD_LIBRARY_PATH = '' } = triton.environment
  return {
    ...embeddedSettings,
    mode: 'local',
    serverPath: triton.binary,
    serverFlags: { 'backend-directory': triton.backendDirectory },
    serverEnvironment: { PATH: `${join(environment, 'bin')}:${PATH}`, LD_LIBRARY_PATH },
  }
}

const regionsOf = (owner: string) =>
  readdirSync('/dev/shm').filter((name) => name.startsWith(`triton-perf-gate.${owner}.`))
const temporary = () => readdirSync(join(folder, 'tmp'))
const filesOf = (root: string) => readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()

async function cycle(
  launcher: Launcher,
  model: string | null,
  during: () => void = () => {},
  from = repository,
): Promise<number> {
  const server = await startServer(world, launcher, { repository: from })
  if (model !== null) {
    const client = connectTriton(server.grpc)
    await loadModel(world, server, client, model, { timeoutNs: 60 * nsPerSecond })
    client.close()
  }
  during()
  await server.stop()
  return server.grpc.port
}

test('local: byte code goes to a copy of links; nothing is written to the repository, and the copy goes, too', async () => {
  const before = filesOf(repository)
  let written: string[] = []
  await cycle(await resolveTriton(world, await localSettings()), 'add_one', () => {
    written = filesOf(join(folder, 'tmp')).filter((file) => file.endsWith('.pyc'))
  })
  // The server's Python does write it: else this test would show nothing.
  expect(written).toHaveLength(1)
  expect(filesOf(repository)).toEqual(before)
  expect(temporary()).toEqual([])
})

// The python backend hands these paths to a shell, unquoted; without a locale it knows ASCII only.
test.each(['embedded', 'local'] as const)(
  '%s: a python model loads from a folder with blanks, quotes and more in its path, and nothing is left',
  async (mode) => {
    const odd = join(folder, `it's "my" päth; $HOME & (co) * ${mode}`)
    const oddTemporary = join(odd, 'tmp')
    mkdirSync(oddTemporary, { recursive: true })
    writePythonModel(join(odd, 'models'), 'add_one')
    const own = { ...world, env: { ...world.env, RUNNER_TEMP: oddTemporary } }
    const settings = mode === 'local' ? await localSettings() : embeddedSettings
    const launcher = await resolveTriton(own, { ...settings, mode })
    const leftIn = () =>
      [oddTemporary, tmpdir()].flatMap((each) =>
        readdirSync(each).filter((name) => name.startsWith(`triton-perf-gate-models.${processIdentity()}.`)),
      )
    let during: string[] = []
    await cycle(
      launcher,
      'add_one',
      () => {
        during = leftIn()
      },
      join(odd, 'models'),
    )
    // One holds the link; a local server has its copy of links beside it.
    expect(during).toHaveLength(mode === 'local' ? 2 : 1)
    expect(leftIn()).toEqual([])
  },
)

test('the regions of a server are known by their owner; of a dead one they go, others stay', async () => {
  let during: string[] = []
  await cycle(embedded, 'add_one', () => {
    during = regionsOf(processIdentity())
  })
  expect(during).toHaveLength(1)
  expect(regionsOf(processIdentity())).toEqual([])

  const script = new URL('../support/triton-holder.ts', import.meta.url).pathname
  const program = spawn(process.execPath, [script, repository], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = await firstLine(program.stdout)
  const pids = JSON.parse(output) as number[]
  const owner = processIdentity(program.pid)
  // Outright, so that neither the gate nor the server can clean up.
  program.kill('SIGKILL')
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await once(program, 'exit')
  await until(() => processesNaming(repository).length === 0)
  expect(regionsOf(owner)).toHaveLength(1)

  const stranger = '/dev/shm/triton-perf-gate.elsewhere-00000000-1.1.1.1.x'
  const living = `/dev/shm/triton-perf-gate.${processIdentity()}.1.x`
  const twins = [owner, processIdentity()].map((each) =>
    join(folder, 'tmp', `triton-perf-gate-models.${each}.x`),
  )
  for (const file of [stranger, living]) writeFileSync(file, '')
  for (const twin of twins) mkdirSync(twin)
  await resolveTriton(world, { ...embeddedSettings, mode: 'local', serverPath: process.execPath })
  expect(regionsOf(owner)).toEqual([])
  expect(readdirSync('/dev/shm')).toEqual(
    expect.arrayContaining([stranger, living].map((file) => file.replace('/dev/shm/', ''))),
  )
  expect(temporary()).toEqual([`triton-perf-gate-models.${processIdentity()}.x`])
  for (const file of [stranger, living]) rmSync(file)
  rmSync(twins[1] ?? '', { recursive: true })
})

/** Ports of any address on which somebody listens (proc(5): state 0A). */
function listeningPorts(): number[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, port] = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A /.exec(line) ?? []
      return port === undefined ? [] : [Number.parseInt(port, 16)]
    })
}

const openFiles = () => readdirSync('/proc/self/fd').length

test('50 starts and stops leave nothing', async () => {
  // The first one opens what stays open for good.
  await cycle(embedded, 'add_one')
  const children = processTree(process.pid)
  const files = openFiles()
  const ports: number[] = []
  // Five at a time, one of them with a model: a start takes a tenth of a second, a load and its end three.
  for (let round = 0; round < 10; round += 1) {
    const cycles = Array.from({ length: 5 }, (_, index) => cycle(embedded, index === 0 ? 'add_one' : null))
    ports.push(...(await Promise.all(cycles)))
  }
  expect(ports).toHaveLength(50)
  await until(() => processesNaming(repository).length === 0 && openFiles() <= files)
  expect(processTree(process.pid).toSorted()).toEqual(children.toSorted())
  const listening = listeningPorts()
  expect(ports.filter((port) => listening.includes(port))).toEqual([])
  expect(regionsOf(processIdentity())).toEqual([])
  expect(temporary()).toEqual([])
})
