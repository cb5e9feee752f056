import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { InputSettings } from '../config/config.ts'
import { GateError, messageOf, type Problem } from '../domain/error.ts'
import { type GivenData, type GivenTensor, parseInputJson } from './given-data.ts'
import { boundProblems, maxDataBytes } from './limits.ts'

/** What is sent to a model: the settings with all that they name read into memory, the same for every side. */
export interface InputData {
  readonly settings: InputSettings
  /** null where `settings.data` says how data are made. */
  readonly given: GivenData | null
  /** Contents of the files of `settings.sources` by input. */
  readonly sourceFiles: ReadonlyMap<string, GivenTensor>
  /** Of the settings and of every file's content: two measurements with different ones sent different requests. */
  readonly sha256: string
}

/**
 * Reads the files that the settings name.
 *
 * @throws GateError `config` with every file that is missing, unreadable, too large or not of perf_analyzer's layout
 */
export async function readInputs(settings: InputSettings): Promise<InputData> {
  const problems: Problem[] = []
  const hash = createHash('sha256')
  // The paths are not part of what is sent.
  const sources = Object.entries(settings.sources).toSorted(([a], [b]) => (a < b ? -1 : 1))
  hash.update(
    JSON.stringify([
      Object.entries(settings.shapes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      settings.data,
      sources.map(([input, source]) => [input, source.kind === 'file' ? 'file' : source]),
      settings.data === 'files' ? null : [settings.stringLength, settings.stringData],
      settings.seed,
      settings.sharedMemory,
    ]),
  )
  const read = async (path: string): Promise<Uint8Array | null> => {
    const bytes = await readCapped(path, problems)
    if (bytes !== null) hash.update(`\n${bytes.length}\n`).update(bytes)
    return bytes
  }
  const sourceFiles = new Map<string, GivenTensor>()
  for (const [input, source] of sources) {
    if (source.kind !== 'file') continue
    const bytes = await read(source.path)
    if (bytes !== null)
      sourceFiles.set(input, { file: source.path, shape: null, content: { kind: 'file', bytes } })
  }
  const given = settings.data === 'files' ? await readGiven(settings.files, read, problems) : null
  if (problems.length > 0)
    throw new GateError('config', 'the input data cannot be used', { problems: boundProblems(problems) })
  return { settings, given, sourceFiles, sha256: hash.digest('hex') }
}

type Read = (path: string) => Promise<Uint8Array | null>

async function readGiven(
  paths: readonly string[],
  read: Read,
  problems: Problem[],
): Promise<GivenData | null> {
  const folders = await Promise.all(paths.map(isFolder))
  const [first] = paths
  if (first !== undefined && paths.length === 1 && folders[0] === true)
    return readFolder(first, read, problems)
  const parts: GivenData[] = []
  for (const [index, path] of paths.entries()) {
    if (folders[index] === true) {
      const remedy = 'Name one folder alone, or JSON files only.'
      problems.push({ file: path, message: 'is a folder beside other data', remedy })
      continue
    }
    const bytes = await read(path)
    const part = bytes === null ? null : parseInputJson(Buffer.from(bytes).toString(), path, problems)
    if (part === null) continue
    if (parts[0] !== undefined && parts[0].areSequences !== part.areSequences) {
      const message = `has ${part.areSequences ? 'streams' : 'steps'}, other than ${paths[0]}`
      problems.push({ file: path, key: 'data', message, remedy: 'Use one of the two in all files.' })
    }
    parts.push(part)
  }
  const [one] = parts
  if (one === undefined) return null
  const streams = parts.flatMap((part) => part.streams)
  return one.areSequences
    ? { streams, areSequences: true }
    : { streams: [streams.flat()], areSequences: false }
}

/** perf_analyzer's folder: one file for each input, named as it is, and for outputs that are to be checked. */
async function readFolder(folder: string, read: Read, problems: Problem[]): Promise<GivenData | null> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).toSorted()
  if (names.length === 0) {
    problems.push({
      file: folder,
      message: 'is an empty folder',
      remedy: 'Put one file for each input into it, named as the input.',
    })
    return null
  }
  const tensors: [string, GivenTensor][] = []
  for (const name of names) {
    const file = join(folder, name)
    const bytes = await read(file)
    if (bytes !== null) tensors.push([name, { file, shape: null, content: { kind: 'file', bytes } }])
  }
  const step = { file: folder, inputs: new Map(tensors), outputs: null, isFolder: true }
  return { streams: [[step]], areSequences: false }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true
}

/** A file's bytes; null, and a problem, where that cannot be had. Devices and pipes would not end. */
async function readCapped(path: string, problems: Problem[]): Promise<Uint8Array | null> {
  const tell = (message: string, remedy: string) => {
    problems.push({ file: path, message, remedy })
    return null
  }
  const remedy =
    'Paths are relative to the configuration file, or to the working directory on the command line.'
  try {
    const info = await stat(path)
    if (!info.isFile()) return tell('is not a file', remedy)
    if (info.size === 0) return tell('is empty', 'Give it data, or do not name it.')
    if (info.size > maxDataBytes)
      return tell(
        `has ${info.size} bytes, more than the ${maxDataBytes} that are read`,
        'Give fewer steps: they are sent in turn, again and again.',
      )
    const file = await open(path)
    try {
      const bytes = await file.readFile()
      if (bytes.length <= maxDataBytes) return bytes
      return tell(`grew beyond the ${maxDataBytes} bytes that are read`, 'Name a file that nobody writes to.')
    } finally {
      await file.close()
    }
  } catch (error) {
    return tell(`cannot be read: ${messageOf(error)}`, remedy)
  }
}
