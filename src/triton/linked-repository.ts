import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { GateError, messageOf } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { removeLeftover } from '../system/leftover.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'

const prefix = 'triton-perf-gate-models.'

/**
 * A temporary twin of a model repository: folders of its own, and in them links to the files. What a server or
 * a model writes beside its files (Python's `__pycache__`, an engine cache) then stays out of the user's
 * repository. The python backend's stub ignores PYTHONDONTWRITEBYTECODE, so nothing less does.
 */
export function linkRepository(world: World, repository: string): string {
  let twin: string | null = null
  try {
    twin = mkdtempSync(join(temporaryFolder(world), `${prefix}${processIdentity()}.`))
    linkFolder(repository, twin, [])
    return twin
  } catch (error) {
    if (twin !== null) rmSync(twin, { recursive: true, force: true })
    throw new GateError('environment', `the model repository could not be linked: ${messageOf(error)}`, {
      hint: `The server is given links to the files of ${repository}, in ${temporaryFolder(world)}.`,
      cause: error,
    })
  }
}

/** A file of a repository that is put together: one that exists, or a text. */
export type LaidFile = { readonly location: string } | { readonly text: string }

/**
 * A temporary model repository put together from files of others, which stay as they are. A container sees nothing but
 * the repository itself: with `selfContained` the files are there by hard links, or as copies where those cannot be had.
 *
 * @param files by their path in the repository
 * @param folders that are there even if nothing is in them
 * @returns its path; whoever asked removes it
 */
export function layRepository(
  world: World,
  files: ReadonlyMap<string, LaidFile>,
  folders: readonly string[],
  selfContained: boolean,
): string {
  removeStaleTwins(world)
  const laid = mkdtempSync(join(temporaryFolder(world), `${prefix}${processIdentity()}.`))
  try {
    // The server in the container may be another user.
    if (selfContained) chmodSync(laid, 0o755)
    for (const folder of folders) mkdirSync(join(laid, folder), { recursive: true })
    for (const [path, file] of files) {
      const target = join(laid, path)
      mkdirSync(dirname(target), { recursive: true })
      if ('text' in file) writeFileSync(target, file.text)
      else if (selfContained) linkOrCopy(file.location, target)
      else symlinkSync(file.location, target)
    }
    return laid
  } catch (error) {
    rmSync(laid, { recursive: true, force: true })
    throw new GateError('environment', `a model repository could not be put together: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** A hard link cannot lead to another file system, nor to the file of another user. */
function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch {
    copyFileSync(source, target, constants.COPYFILE_FICLONE)
  }
}

/** A folder as a server may be given it, and what takes away what had to be made for that. */
export interface PlainPath {
  readonly path: string
  readonly remove: () => void
}

/**
 * The folder by a path of plain characters: its own, or a temporary link. The python backend starts its stubs by
 * `bash -c`, with paths unquoted: blanks part them, `;` ends them, `$` and others mean something.
 */
export function plainPath(world: World, folder: string): PlainPath {
  if (isPlain(folder)) return { path: folder, remove: () => {} }
  try {
    const holder = mkdtempSync(join(plainTemporaryFolder(world), `${prefix}${processIdentity()}.`))
    const path = join(holder, 'link')
    symlinkSync(folder, path)
    return { path, remove: () => rmSync(holder, { recursive: true, force: true }) }
  } catch (error) {
    throw new GateError('environment', `no link to ${folder} could be made: ${messageOf(error)}`, {
      hint: "The server's python backend takes no path with blanks, quotes and the like.",
      cause: error,
    })
  }
}

/** Letters of other alphabets would do as well; but a link costs nothing. */
function isPlain(path: string): boolean {
  return /^[\w./+@%:,=-]*$/.test(path)
}

/** Removes the twins and links of gates that were killed. */
export function removeStaleTwins(world: World): void {
  for (const folder of new Set([temporaryFolder(world), plainTemporaryFolder(world)])) {
    // What needs a folder that is not there says so itself.
    const names = existsSync(folder) ? readdirSync(folder) : []
    for (const name of names.filter((entry) => entry.startsWith(prefix))) {
      const owner = name.slice(prefix.length).replace(/\.[^.]*$/, '')
      if (stateOf(owner) === 'dead') removeLeftover(join(folder, name))
    }
  }
}

function plainTemporaryFolder(world: World): string {
  return [temporaryFolder(world), tmpdir()].find(isPlain) ?? '/tmp'
}

function temporaryFolder(world: World): string {
  return world.env.RUNNER_TEMP || tmpdir()
}

function linkFolder(from: string, to: string, above: readonly string[]): void {
  const real = realpathSync(from)
  // A link to a folder above it has no end; Triton itself reads only the model's own folders.
  if (above.includes(real)) return
  for (const name of readdirSync(from)) {
    if (name === '__pycache__') continue
    const [source, target] = [join(real, name), join(to, name)]
    if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === true) {
      mkdirSync(target)
      linkFolder(source, target, [...above, real])
    } else {
      symlinkSync(source, target)
    }
  }
}
