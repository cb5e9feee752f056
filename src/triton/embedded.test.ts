import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Commands, type FakeWorld, fakeWorld } from '../../test/support/triton-world.ts'
import { describeError, GateError } from '../domain/error.ts'
import { processIdentity } from '../system/process-identity.ts'
import { cacheFolder, ensureEmbeddedTriton } from './embedded.ts'
import { installationPaths } from './embedded-install.ts'

let cache: string
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tpg-embedded-'))
})
afterEach(() => rmSync(cache, { recursive: true, force: true }))

interface Machine {
  uname?: string
  libc?: string
  /** Answers of the Pythons on PATH, by command. */
  pythons?: Record<string, object>
  venv?: Awaited<ReturnType<Commands>>
  pip?: Awaited<ReturnType<Commands>>
  env?: Record<string, string>
}

const python311 = {
  executable: '/py/bin/python3.11',
  version: '3.11',
  library: '/py/lib/libpython3.11.so.1.0',
  missing: [],
}

/** A machine where everything works but for what the test says. The fake pip lays out the wheels' files. */
function machine(options: Machine = {}): FakeWorld {
  const { uname = 'Linux x86_64', libc = 'glibc 2.36', pythons = { 'python3.11': python311 } } = options
  return fakeWorld({ TRITON_PERF_GATE_CACHE: cache, ...options.env }, (command, args, { env }) => {
    if (command === 'uname') return { stdout: `${uname}\n` }
    if (command === 'getconf') return libc === '' ? undefined : { stdout: `${libc}\n` }
    if (args.includes('venv')) return options.venv ?? {}
    if (args.includes('pip')) {
      if (options.pip === undefined) layOut(dirname(env?.TMPDIR ?? ''))
      return options.pip ?? { stdout: '  Downloading numpy-1.26.4-cp311.whl (18.3 MB)\n' }
    }
    if (args.at(-1)?.startsWith('import numpy')) return {}
    const answer = pythons[command]
    return answer === undefined ? undefined : { stdout: JSON.stringify(answer) }
  })
}

function layOut(root: string): void {
  const { triton, binary } = installationPaths(root, '3.11')
  const stub = join(triton, 'python_backend_stubs', '3.11', 'triton_python_backend_stub')
  for (const file of [binary, join(triton, 'backends', 'python', 'libtriton_python.so'), stub]) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '')
  }
}

async function failureOn(options: Machine): Promise<string> {
  const error = await ensureEmbeddedTriton(machine(options)).catch((reason: unknown) => reason)
  if (!(error instanceof GateError)) throw new Error('expected a GateError', { cause: error })
  expect(error.code).toBe('environment')
  return describeError(error)
}

test('installs once, with pinned hashes, and leaves nothing else in the cache', async () => {
  const world = machine()
  const triton = await ensureEmbeddedTriton(world)
  expect(triton).toMatchObject({ pythonVersion: '3.11', source: 'nvidia-pytriton wheel, Python 3.11' })
  expect(existsSync(triton.binary)).toBe(true)
  expect(readdirSync(join(triton.backendDirectory, 'python')).toSorted()).toEqual([
    'libtriton_python.so',
    'triton_python_backend_stub',
  ])
  expect(readdirSync(cache)).toHaveLength(1)
  const [, library = ''] = triton.environment.LD_LIBRARY_PATH?.split(':') ?? []
  expect(readlinkSync(join(library, 'libpython3.11.so.1.0'))).toBe('/py/lib/libpython3.11.so.1.0')

  const pip = world.ran.find((line) => line.includes('-m pip install')) ?? ''
  for (const flag of ['--require-hashes', '--only-binary :all:', '--no-deps', '--no-cache-dir']) {
    expect(pip).toContain(flag)
  }
  expect(world.said.join('\n')).toMatch(
    /112 MB to download.*\n.*downloading numpy-1.26.4-cp311.whl \(18.3 MB\)/,
  )

  const again = machine()
  expect(await ensureEmbeddedTriton(again)).toEqual(triton)
  expect(again.ran.filter((line) => line.includes('-m pip'))).toEqual([])
})

test('two at once install one after the other', async () => {
  const worlds = [machine(), machine()]
  await Promise.all(worlds.map((world) => ensureEmbeddedTriton(world)))
  expect(worlds.flatMap((world) => world.ran.filter((line) => line.includes('-m pip install')))).toHaveLength(
    1,
  )
  expect(worlds.flatMap((world) => world.said).join('\n')).toContain('another run is installing')
  expect(readdirSync(cache)).toHaveLength(1)
})

test('rubbish and the lock of a killed run are removed, those of a living one are not', async () => {
  const { binary } = await ensureEmbeddedTriton(machine())
  const [name = ''] = readdirSync(cache)
  const root = join(cache, name)
  expect(binary.startsWith(root)).toBe(true)
  rmSync(root, { recursive: true })
  const dead = processIdentity().replace(/\.\d+\.\d+$/, '.4194305.1')
  const elsewhere = 'other-00000000-1.1.1'
  mkdirSync(join(cache, `${name}.partial.${dead}`, 'env'), { recursive: true })
  mkdirSync(join(cache, `${name}.partial.${elsewhere}`))
  writeFileSync(`${root}.lock`, dead)
  await ensureEmbeddedTriton(machine())
  expect(readdirSync(cache).toSorted()).toEqual([name, `${name}.partial.${elsewhere}`])
})

test('an installation whose interpreter is gone, or of other pins, is made anew', async () => {
  const { binary, sitePackages } = await ensureEmbeddedTriton(machine())
  const complete = join(sitePackages, '..', '..', '..', '..', 'complete')
  const pins = readFileSync(complete, 'utf8')
  writeFileSync(complete, 'numpy==0\n')
  const world = machine()
  await ensureEmbeddedTriton(world)
  expect(world.ran.some((line) => line.includes('-m pip install'))).toBe(true)
  expect(readFileSync(complete, 'utf8')).toBe(pins)
  expect(existsSync(binary)).toBe(true)
})

test.each<[string, Machine, string[]]>([
  ['another system', { uname: 'Darwin arm64' }, ['not on Darwin arm64', '--triton docker']],
  ['an old glibc', { libc: 'glibc 2.31' }, ['glibc 2.35', 'has glibc 2.31']],
  ['musl', { libc: '' }, ['glibc 2.35', 'another C library']],
  ['no Python', { pythons: {} }, ['no Python on PATH', 'apt install python3.11']],
  [
    'only wrong versions',
    {
      pythons: {
        python3: { ...python311, executable: '/py/3.13', version: '3.13' },
        python: { ...python311, executable: '/py/3.9', version: '3.9' },
      },
    },
    ['/py/3.13: is Python 3.13', '/py/3.9: is Python 3.9', 'Python 3.10, 3.11 or 3.12'],
  ],
  [
    'no venv',
    { pythons: { python3: { ...python311, missing: ['ensurepip'] } } },
    ['lacks the module ensurepip', 'apt install python3.11-venv'],
  ],
  [
    'no shared libpython',
    { pythons: { python3: { ...python311, library: false } } },
    ['no shared libpython3.11.so.1.0', 'apt install libpython3.11', '--enable-shared'],
  ],
  [
    'a venv that fails',
    { venv: { exitCode: 1, stdout: 'Error: ensurepip is not available\n' } },
    ['could not make a virtual environment', 'ensurepip is not available'],
  ],
  [
    'no network',
    {
      pip: {
        exitCode: 1,
        stderr:
          "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: Could not find a version that satisfies the requirement numpy==1.26.4\nERROR: No matching distribution found for numpy==1.26.4\n",
      },
    },
    ['index could not be reached', 'PIP_INDEX_URL'],
  ],
  [
    'an index without the package',
    { pip: { exitCode: 1, stderr: 'ERROR: No matching distribution found for nvidia-pytriton==0.7.0\n' } },
    ['does not have a needed package', 'nvidia-pytriton==0.7.0'],
  ],
  [
    'no space',
    { pip: { exitCode: 1, stderr: 'ERROR: Could not install: [Errno 28] No space left on device\n' } },
    ['no space left', 'TRITON_PERF_GATE_CACHE'],
  ],
  [
    'another file than pinned',
    {
      pip: {
        exitCode: 1,
        stderr: 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n',
      },
    },
    ['sha256 differs', 'Nothing was installed'],
  ],
  [
    'a slow line',
    { pip: { exitCode: null, timedOut: true } },
    ['index could not be reached', 'took too long'],
  ],
])('%s: a clear error, and nothing is left behind', async (_, options, texts) => {
  const text = await failureOn(options)
  for (const expected of texts) expect(text).toContain(expected)
  expect(readdirSync(cache)).toEqual([])
})

test('a cache that cannot be written', async () => {
  // A file in its place: also root cannot make a folder below it.
  writeFileSync(join(cache, 'file'), '')
  const text = await failureOn({ env: { TRITON_PERF_GATE_CACHE: join(cache, 'file', 'below') } })
  expect(text).toContain('cannot be written')
  expect(text).toContain('TRITON_PERF_GATE_CACHE')
})

test('the cache folder: own variable, XDG, home', () => {
  const all = { TRITON_PERF_GATE_CACHE: '/own', XDG_CACHE_HOME: '/xdg', HOME: '/home/u' }
  expect(cacheFolder(all)).toBe('/own')
  expect(cacheFolder({ ...all, TRITON_PERF_GATE_CACHE: '' })).toBe('/xdg/triton-perf-gate')
  expect(cacheFolder({ HOME: '/home/u' })).toBe('/home/u/.cache/triton-perf-gate')
})

test('a usable Python is taken where an earlier one is not', async () => {
  const pythons = { 'python3.12': { ...python311, version: '3.12', library: false }, 'python3.11': python311 }
  expect((await ensureEmbeddedTriton(machine({ pythons }))).pythonVersion).toBe('3.11')
})
