import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { GateError } from '../domain/error.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { install, installationPaths, withRoom } from './embedded-install.ts'
import { embeddedTritonVersion, requirementsFile } from './embedded-requirements.ts'
import { takeLock } from './install-lock.ts'
import { findPython, type Python } from './python.ts'

/** An installed Triton with its CPU-only python backend. All paths are absolute. */
export interface EmbeddedTriton {
  readonly binary: string
  readonly backendDirectory: string
  /** What the server needs in its environment: PATH, LD_LIBRARY_PATH; undefined = must not be set. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly pythonVersion: string
  /** The environment's own interpreter, with numpy and onnxruntime. */
  readonly python: string
  readonly sitePackages: string
  /** In words, for the report. */
  readonly source: string
}

/** The oldest C library that the wheel's server runs with (manylinux_2_35). */
const glibcRequired = [2, 35] as const

const otherModes = 'Use a Triton of your own instead: `--triton docker`, `local` or `remote`.'

/**
 * The embedded Triton, installed into the cache folder if it is not there yet. Everything it writes lies
 * below that folder. Safe to call from several processes at once.
 */
export async function ensureEmbeddedTriton(world: World): Promise<EmbeddedTriton> {
  await checkPlatform(world)
  const python = await findPython(world)
  const root = installationRoot(world, python)
  if (!(await isUsable(world, python, root))) {
    const release = await lock(world, root)
    try {
      if (world.signal.aborted)
        throw new GateError('interrupted', 'interrupted before the embedded Triton was installed')
      if (!(await isUsable(world, python, root))) await install(world, python, root)
    } finally {
      release()
    }
  }
  return describe(world, python, root)
}

/** `$TRITON_PERF_GATE_CACHE`, else `$XDG_CACHE_HOME/triton-perf-gate`, else `~/.cache/triton-perf-gate`. */
export function cacheFolder(env: World['env']): string {
  // An empty variable is an unset one (XDG base directory specification).
  const own = env.TRITON_PERF_GATE_CACHE || null
  const shared = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache')
  return resolve(own ?? join(shared, 'triton-perf-gate'))
}

/** One folder for each set of packages and interpreter: a changed pin or another Python never meets an old one. */
function installationRoot(world: World, python: Python): string {
  const identity = `${requirementsFile(python.version)}${python.executable}`
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 8)
  return join(
    cacheFolder(world.env),
    `embedded-triton-${embeddedTritonVersion}-python${python.version}-${hash}`,
  )
}

async function checkPlatform(world: World): Promise<void> {
  const uname = (await world.run('uname', ['-sm'])).stdout.trim()
  if (uname !== 'Linux x86_64') {
    throw new GateError(
      'environment',
      `The embedded Triton runs on Linux x86_64 only, not on ${uname || 'this system'}.`,
      {
        hint: otherModes,
      },
    )
  }
  const libc = (await world.run('getconf', ['GNU_LIBC_VERSION'])).stdout.trim()
  const [, major, minor] = /^glibc (\d+)\.(\d+)/.exec(libc) ?? []
  const [wantedMajor, wantedMinor] = glibcRequired
  const enough =
    Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor)
  if (!enough) {
    const here = libc === '' ? 'this system has another C library' : `this system has ${libc}`
    throw new GateError(
      'environment',
      `The embedded Triton needs glibc ${glibcRequired.join('.')} or newer; ${here}.`,
      {
        hint: `Debian 12, Ubuntu 22.04 and newer have it. ${otherModes}`,
      },
    )
  }
}

async function lock(world: World, root: string): Promise<() => void> {
  try {
    mkdirSync(cacheFolder(world.env), { recursive: true })
    return await takeLock(world, `${root}.lock`)
  } catch (error) {
    throw withRoom(error, root)
  }
}

/** Whole, of these pins, and its interpreter still starts (the Python it was made from may be gone). */
async function isUsable(world: World, python: Python, root: string): Promise<boolean> {
  const paths = installationPaths(root, python.version)
  if (!existsSync(paths.complete) || !existsSync(paths.binary)) return false
  if (readFileSync(paths.complete, 'utf8') !== requirementsFile(python.version)) return false
  const output = await world.run(paths.python, ['-I', '-c', 'import numpy'], { timeoutNs: 60 * nsPerSecond })
  return output.exitCode === 0
}

function describe(world: World, python: Python, root: string): EmbeddedTriton {
  const paths = installationPaths(root, python.version)
  const searchPath = (...folders: (string | undefined)[]) => folders.filter((folder) => folder).join(':')
  return {
    binary: paths.binary,
    backendDirectory: paths.backends,
    environment: {
      // The stub finds its packages by the first python3 on PATH, whatever PYTHONPATH says.
      PATH: searchPath(paths.executables, world.env.PATH),
      LD_LIBRARY_PATH: searchPath(paths.serverLibraries, paths.pythonLibrary, world.env.LD_LIBRARY_PATH),
      PYTHONHOME: undefined,
      PYTHONPATH: undefined,
    },
    pythonVersion: python.version,
    python: paths.python,
    sitePackages: paths.sitePackages,
    source: `nvidia-pytriton wheel, Python ${python.version}`,
  }
}
