import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Problem } from '../domain/error.ts'

/** A file of a model: its path in the model's folder, with `/`, and on disk. */
export interface ModelFile {
  readonly path: string
  readonly location: string
}

/** Python writes it next to the model when it is loaded, so it says nothing of what was committed. */
const generated = new Set(['__pycache__'])

/**
 * All files of a model in a fixed order, links followed. What must not be served is told instead: links
 * that leave the repository or lead nowhere, and pointers in place of files that git-lfs has not fetched.
 *
 * @param root real path of the model repository
 */
export async function listFiles(
  folder: string,
  root: string,
): Promise<{ files: ModelFile[]; problems: Problem[] }> {
  const files: ModelFile[] = []
  const problems: Problem[] = []

  async function visit(location: string, path: string, above: readonly string[]): Promise<void> {
    const real = await realpath(location).catch(() => null)
    if (real === null) {
      const remedy = 'Remove the link or restore what it leads to.'
      problems.push({ file: location, message: 'is a link that leads nowhere', remedy })
      return
    }
    if (!isInside(real, root)) {
      const remedy = 'Put the file itself into the repository: only the repository is given to the server.'
      problems.push({ file: location, message: `is a link that leaves the repository, to ${real}`, remedy })
      return
    }
    const info = await stat(real)
    if (info.isFile()) {
      if (await isLfsPointer(real, info.size)) problems.push(lfsProblem(location))
      files.push({ path, location: real })
    } else if (info.isDirectory() && above.includes(real)) {
      const remedy = 'Remove the link.'
      problems.push({ file: location, message: 'is a link to a folder that it is in', remedy })
    } else if (info.isDirectory()) {
      for (const name of (await readdir(real)).toSorted()) {
        if (generated.has(name)) continue
        await visit(join(location, name), path === '' ? name : `${path}/${name}`, [...above, real])
      }
    }
  }

  await visit(folder, '', [])
  return { files, problems }
}

/** sha256 in hex over path and content of each file. */
export async function hashFiles(files: readonly ModelFile[]): Promise<string> {
  const all = createHash('sha256')
  for (const { path, location } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const one = createHash('sha256')
    // In pieces: a model may be larger than the memory.
    await pipeline(createReadStream(location), one)
    all.update(`${path}\0${one.digest('hex')}\n`)
  }
  return all.digest('hex')
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** git-lfs' own upper limit of a pointer's size. */
const maxPointerBytes = 1024
const pointerStart = 'version https://git-lfs.github.com/spec/'

async function isLfsPointer(location: string, size: number): Promise<boolean> {
  if (size > maxPointerBytes || size < pointerStart.length) return false
  const file = await open(location)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(pointerStart.length) })
    return buffer.toString('latin1', 0, bytesRead) === pointerStart
  } finally {
    await file.close()
  }
}

function lfsProblem(file: string): Problem {
  return {
    file,
    message: 'is a git-lfs pointer, not the file itself',
    remedy: 'Fetch it: `git lfs pull`, or `lfs: true` at actions/checkout.',
  }
}
