import { GateError, type Problem } from '../domain/error.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { isSupportedPython, type PythonVersion, pythonVersions } from './embedded-requirements.ts'

/** A Python that can carry the embedded Triton. */
export interface Python {
  /** Absolute path of the interpreter. */
  readonly executable: string
  readonly version: PythonVersion
  /** The shared library that the server's python backend is linked with, e.g. `libpython3.11.so.1.0`. */
  readonly library: { readonly name: string; readonly path: string | null }
}

/**
 * Asks a Python about itself in one start. The library is really loaded: a file of that name may be
 * missing its own libraries, and Debian keeps it where `LIBDIR` does not say.
 */
const probe = `
import ctypes, importlib.util as u, json, os, sys, sysconfig as s
v = "%d.%d" % sys.version_info[:2]
name = "libpython%s.so.1.0" % v
path = os.path.join(s.get_config_var("LIBDIR") or "", name)
def loads(n):
    try:
        ctypes.CDLL(n)
        return True
    except OSError:
        return False
found = path if loads(path) else (None if loads(name) else False)
missing = [m for m in ("venv", "ensurepip") if u.find_spec(m) is None]
print(json.dumps({"executable": sys.executable, "version": v, "library": found, "missing": missing}))
`

interface Answer {
  readonly executable: string
  readonly version: string
  /** Path; null where the loader finds it by name; false where it cannot be loaded. */
  readonly library: string | null | false
  /** Modules it lacks. */
  readonly missing: readonly string[]
}

/** Newest first; the plain names come last, since they may be anything. */
const candidates = [
  ...pythonVersions
    .toSorted()
    .reverse()
    .map((version) => `python${version}`),
  'python3',
  'python',
]

/** The first Python on PATH that can carry the embedded Triton; else a GateError that says what each one lacks. */
export async function findPython(world: World): Promise<Python> {
  const problems: Problem[] = []
  for (const candidate of candidates) {
    const answer = await ask(world, candidate)
    if (answer === null) continue
    const problem = problemOf(answer)
    if (problem === null && answer.library !== false && isSupportedPython(answer.version)) {
      const name = `libpython${answer.version}.so.1.0`
      return {
        executable: answer.executable,
        version: answer.version,
        library: { name, path: answer.library },
      }
    }
    if (problem !== null && !problems.some((other) => other.key === problem.key)) problems.push(problem)
  }
  const wanted = 'The embedded Triton needs Python 3.10, 3.11 or 3.12'
  const hint =
    'Install one, e.g. `apt install python3.11 python3.11-venv libpython3.11` (use the version your system has) or actions/setup-python with python-version 3.12, and have it on PATH; or use a Triton of your own with `--triton docker`, `local` or `remote`.'
  if (problems.length === 0)
    throw new GateError('environment', `${wanted}; there is no Python on PATH.`, { hint })
  throw new GateError('environment', `${wanted}; none on PATH can be used.`, { problems, hint })
}

async function ask(world: World, command: string): Promise<Answer | null> {
  // Isolated (-I), so that PYTHONPATH and the user's own packages have no say.
  const output = await world.run(command, ['-I', '-c', probe], { timeoutNs: 30 * nsPerSecond })
  if (output.exitCode !== 0) return null
  try {
    return JSON.parse(output.stdout) as Answer
  } catch {
    return null // not a Python
  }
}

function problemOf({ executable, version, missing, library }: Answer): Problem | null {
  if (!isSupportedPython(version)) return { key: executable, message: `is Python ${version}` }
  if (missing.length > 0) {
    return {
      key: executable,
      message: `Python ${version} lacks the module ${missing.join(' and ')}`,
      remedy: `on Debian and Ubuntu: apt install python${version}-venv`,
    }
  }
  if (library === false) {
    return {
      key: executable,
      message: `Python ${version} has no shared libpython${version}.so.1.0 that can be loaded`,
      remedy: `on Debian and Ubuntu: apt install libpython${version}; with pyenv: build it with PYTHON_CONFIGURE_OPTS=--enable-shared`,
    }
  }
  return null
}
