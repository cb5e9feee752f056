import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GateError, type Problem } from '../domain/error.ts'
import { nearest } from '../domain/nearest.ts'
import { parseModelConfig } from '../model-config/parse.ts'
import { positionOfField } from '../model-config/text-format.ts'
import type { ModelConfig } from '../proto/model_config_pb.js'
import { hashFiles, listFiles } from './files.ts'

export interface RepositoryModel {
  readonly name: string
  readonly folder: string
  /** null where the folder has no config.pbtxt: Triton then makes the configuration from the model's files. */
  readonly configPath: string | null
  readonly configText: string | null
  readonly config: ModelConfig | null
  /** Names of the version folders, ascending. */
  readonly versions: readonly string[]
  /** The models that an ensemble's steps name, in their order; empty for any other model. */
  readonly dependencies: readonly string[]
  /** The models that its code calls, as far as the configuration names them (withCalledModels). */
  readonly called: readonly string[]
  /** sha256 in hex over the relative paths and contents of the folder's files. */
  readonly contentHash: string
}

export interface ModelRepository {
  readonly path: string
  readonly models: ReadonlyMap<string, RepositoryModel>
}

/**
 * Reads and checks a model repository.
 *
 * @throws GateError `config` with every problem of every model at once
 */
export async function readModelRepository(path: string): Promise<ModelRepository> {
  const folders = await modelFolders(path)
  const root = await realpath(path)
  const problems: Problem[] = []
  const models = new Map<string, RepositoryModel>()
  for (const name of folders) {
    const model = await readModel(join(path, name), name, root, problems)
    if (model !== null) models.set(name, model)
  }
  const names = new Set(folders)
  for (const model of models.values()) problems.push(...stepProblems(model, names))
  problems.push(...cycleProblems(models))
  if (problems.length > 0) {
    throw new GateError('config', `the model repository ${path} cannot be served as it is`, { problems })
  }
  return { path, models }
}

/**
 * The models to gate, in the order asked for; all of them, by name, where `names` is null.
 *
 * @throws GateError `config` with every name that the repository does not have
 */
export function selectModels(
  repository: ModelRepository,
  names: readonly string[] | null,
): RepositoryModel[] {
  const known = [...repository.models.keys()]
  const wanted = [...new Set(names ?? known)]
  const problems = wanted
    .filter((name) => !repository.models.has(name))
    .map((name) => ({
      file: repository.path,
      key: name,
      message: 'the repository has no such model',
      remedy: suggestion(name, known),
    }))
  if (problems.length > 0) {
    throw new GateError('config', 'models are asked for that are not there', { problems })
  }
  return wanted.flatMap((name) => repository.models.get(name) ?? [])
}

/** The model and all that it needs, transitively, in load order: each one behind what it needs. */
export function modelClosure(repository: ModelRepository, name: string): string[] {
  const order = new Set<string>()
  // Calls may go round in circles; steps cannot.
  const seen = new Set<string>()
  const visit = (current: string) => {
    if (seen.has(current)) return
    seen.add(current)
    const { dependencies = [], called = [] } = repository.models.get(current) ?? {}
    for (const needed of [...dependencies, ...called]) visit(needed)
    order.add(current)
  }
  visit(name)
  return [...order]
}

/** Like `contentHash`, over the model and all that it needs. */
export function closureHash(repository: ModelRepository, name: string): string {
  const hash = createHash('sha256')
  for (const member of modelClosure(repository, name).toSorted()) {
    hash.update(`${member}\0${repository.models.get(member)?.contentHash ?? ''}\n`)
  }
  return hash.digest('hex')
}

async function modelFolders(path: string): Promise<string[]> {
  const fail = (message: string, hint: string, cause?: unknown) =>
    new GateError('config', message, { hint, cause })
  const pointAt =
    'Name the folder that has one folder for each model: --model-repository or model_repository.'
  const info = await stat(path).catch((error: unknown) => {
    throw fail(`the model repository ${path} cannot be read`, pointAt, error)
  })
  if (!info.isDirectory()) throw fail(`the model repository ${path} is not a folder`, pointAt)
  const names: string[] = []
  for (const name of (await readdir(path)).toSorted()) {
    const folder = await stat(join(path, name)).catch(() => null)
    // A link that leads nowhere counts as a model, so that it is told; .git and the like do not.
    if (folder !== null && !folder.isDirectory()) continue
    if (!name.startsWith('.') || (await isFile(join(path, name, 'config.pbtxt')))) names.push(name)
  }
  if (names.length === 0) throw fail(`the model repository ${path} has no model`, pointAt)
  return names
}

/** Reads one model and adds what is wrong with it to `problems`; null where nothing more can be said of it. */
async function readModel(
  folder: string,
  name: string,
  root: string,
  problems: Problem[],
): Promise<RepositoryModel | null> {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)) {
    const remedy = 'Rename the folder: letters, digits, "_", "-" and ".", not beginning with ".".'
    problems.push({ file: folder, message: 'is not a possible model name', remedy })
  }
  const { files, problems: fileProblems } = await listFiles(folder, root)
  problems.push(...fileProblems)
  const versions = await versionsOf(folder)
  if (fileProblems.length === 0 && versions.length === 0) {
    problems.push({
      file: folder,
      message: 'has no version folder, which every model needs, ensembles too',
      remedy:
        'Add a folder 1 (for an ensemble with an empty .gitkeep in it, since git keeps no empty folder), or move the folder out of the repository if it is no model.',
    })
  }
  const hasConfig = files.some(({ path }) => path === 'config.pbtxt')
  const configPath = hasConfig ? join(folder, 'config.pbtxt') : null
  const configText = configPath === null ? null : await readFile(configPath, 'utf8')
  const config =
    configText === null || configPath === null ? null : parseOrTell(configText, configPath, problems)
  if (config !== null && config.name !== '' && config.name !== name) {
    problems.push({
      file: configPath ?? folder,
      ...positionOfField(configText ?? '', 'name'),
      key: 'name',
      message: `is ${JSON.stringify(config.name)}, but the folder is ${JSON.stringify(name)}`,
      remedy: 'Give both the same name, or leave the name out.',
    })
  }
  const contentHash = await hashFiles(files)
  return {
    name,
    folder,
    configPath,
    configText,
    config,
    versions,
    dependencies: stepsOf(config),
    called: [],
    contentHash,
  }
}

function parseOrTell(text: string, path: string, problems: Problem[]): ModelConfig | null {
  try {
    return parseModelConfig(text, path)
  } catch (error) {
    if (!(error instanceof GateError) || error.code !== 'config') throw error
    problems.push(...error.problems)
    return null
  }
}

/** As Triton: folders named by a number above 0 without leading zero. */
async function versionsOf(folder: string): Promise<string[]> {
  const versions: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const info = await stat(join(folder, name)).catch(() => null)
    if (/^[1-9]\d*$/.test(name) && info?.isDirectory() === true) versions.push(name)
  }
  return versions.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
}

function stepsOf(config: ModelConfig | null): string[] {
  const scheduling = config?.schedulingChoice
  if (scheduling?.case !== 'ensembleScheduling') return []
  return [...new Set(scheduling.value.step.map(({ modelName }) => modelName))]
}

function stepProblems(model: RepositoryModel, names: ReadonlySet<string>): Problem[] {
  return model.dependencies
    .filter((name) => !names.has(name))
    .map((name) => ({
      file: model.configPath ?? model.folder,
      ...positionOfField(model.configText ?? '', 'ensemble_scheduling'),
      key: 'ensemble_scheduling.step.model_name',
      message: `names ${JSON.stringify(name)}, which is not in the repository`,
      remedy: suggestion(name, [...names]),
    }))
}

/** One problem for each cycle, told at its member that comes first by name. */
function cycleProblems(models: ReadonlyMap<string, RepositoryModel>): Problem[] {
  const problems: Problem[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]) => {
    const start = path.indexOf(name)
    if (start >= 0) {
      const model = models.get(name)
      problems.push({
        file: model?.configPath ?? name,
        key: 'ensemble_scheduling',
        message: `the ensemble needs itself: ${[...path.slice(start), name].join(' → ')}`,
        remedy: 'Take one of these steps out.',
      })
    }
    if (start >= 0 || done.has(name)) return
    for (const next of models.get(name)?.dependencies ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of models.keys()) visit(name, [])
  return problems
}

function suggestion(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === undefined ? `It has: ${known.join(', ')}.` : `Did you mean ${JSON.stringify(meant)}?`
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true
}
