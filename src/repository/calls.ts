import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { nearest } from '../domain/nearest.ts'
import { type ModelRepository, modelClosure } from './repository.ts'

/** A model's source is smaller; what is larger is data under a wrong name, and is not searched for calls. */
const maxSourceBytes = 2 ** 20

/**
 * The models and all that they need, also by calls that code makes (business logic scripting): a model is taken to
 * need every other whose name stands in its Python code as a string, or in a parameter of its config.pbtxt.
 *
 * @returns null where code calls models without saying which: it may need any
 */
export async function neededModels(
  repository: ModelRepository,
  names: readonly string[],
): Promise<ReadonlySet<string> | null> {
  return (await follow(repository, names))?.needed ?? null
}

/** What the models need, and of that what code calls; null where code does not say what it calls. */
async function follow(
  repository: ModelRepository,
  names: readonly string[],
): Promise<{ needed: Set<string>; called: Set<string> } | null> {
  const needed = new Set<string>()
  const called = new Set<string>()
  const open = names.flatMap((name) => modelClosure(repository, name))
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    needed.add(name)
    const source = await sourcesOf(join(repository.path, name))
    const calls = source === null ? null : calledModels(source, repository, name)
    if (calls === null) return null
    for (const each of calls) called.add(each)
    open.push(...calls.flatMap((each) => modelClosure(repository, each)))
  }
  return { needed, called }
}

/**
 * The repository with what the code of each of `models` calls of `named`, by the names in it. Names that stand in no
 * code (put together when it runs) go to every model that calls any.
 */
export async function withCalledModels(
  repository: ModelRepository,
  models: readonly string[],
  named: readonly string[],
): Promise<ModelRepository> {
  const present = named.filter((name) => repository.models.has(name))
  if (present.length === 0) return repository
  const gated = models.flatMap((name) => repository.models.get(name) ?? [])
  const found = await Promise.all(
    gated.map(async (model) => ({ model, calls: (await follow(repository, [model.name]))?.called ?? null })),
  )
  const hidden = present.filter((name) => !found.some(({ calls }) => calls?.has(name)))
  const callers = found.flatMap(({ model, calls }) => {
    const own = present.filter((name) => calls === null || calls.has(name))
    const called = [...new Set([...own, ...hidden])].filter((name) => name !== model.name)
    return own.length === 0 ? [] : [[model.name, { ...model, called }] as const]
  })
  return { ...repository, models: new Map([...repository.models, ...callers]) }
}

/** @throws GateError `config` for composing models that are named and that the repository does not have */
export function checkComposingModels(
  repository: ModelRepository,
  { composingModelsNamed: named, file }: Pick<Config, 'composingModelsNamed' | 'file'>,
): void {
  const known = [...repository.models.keys()]
  const problems = named
    .filter(({ name }) => !repository.models.has(name))
    .map(({ key, name }) => {
      const meant = nearest(name, known)
      return {
        file: file ?? undefined,
        key,
        message: 'the repository has no such model',
        remedy: meant === undefined ? `It has: ${known.join(', ')}.` : `Did you mean "${meant}"?`,
      }
    })
  if (problems.length > 0) throw new GateError('config', 'models are named that are not there', { problems })
}

/** Composing models that are named and that none of the gated models needs, a sentence for each. */
export function unneededComposingModels(
  repository: ModelRepository,
  gated: readonly string[],
  named: Config['composingModelsNamed'],
): string[] {
  const needed = new Set(
    gated.flatMap((name) => modelClosure(repository, name).filter((each) => each !== name)),
  )
  return named
    .filter(({ name }) => !needed.has(name))
    .map(({ key }) => `${key}: no effect: no gated model needs it`)
}

/**
 * The configuration without a search of models that would be searched for the lists of composing models only, and need none of
 * those: which need them, the repository alone tells.
 */
export function withoutNeedlessSearches(config: Config, repository: ModelRepository): Config {
  return {
    ...config,
    settingsFor: (name) => {
      const settings = config.settingsFor(name)
      const { search } = settings
      const needed = repository.models.has(name) ? modelClosure(repository, name) : []
      if (search.onlyWith === null || search.onlyWith.some((each) => each !== name && needed.includes(each)))
        return settings
      return { ...settings, search: { ...search, mode: 'off' } }
    },
  }
}

function calledModels(source: string, { models }: ModelRepository, own: string): string[] | null {
  const parameters = new Set(
    Object.values(models.get(own)?.config?.parameters ?? {}).flatMap(({ stringValue }) =>
      // One name, or several in whatever the backend reads: JSON, a list.
      stringValue.split(/[^\w.-]+/),
    ),
  )
  const named = [...models.keys()].filter(
    (name) =>
      name !== own && (source.includes(`"${name}"`) || source.includes(`'${name}'`) || parameters.has(name)),
  )
  const plain = /\bInferenceRequest\s*\([^()]*?\bmodel_name\s*=\s*(["'])[\w.-]+\1\s*[,)]/g
  const uses = source.match(/\bInferenceRequest\b/g)?.length ?? 0
  // One literal name beside a call by a variable says nothing of that call.
  return uses > (source.match(plain)?.length ?? 0) ? null : named
}

/** null where a file is too large to be searched: it may call anything. */
async function sourcesOf(folder: string): Promise<string | null> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const python = files
    .filter((file) => file.isFile() && file.name.endsWith('.py'))
    .map((file) => join(file.parentPath, file.name))
  const sizes = await Promise.all(python.map(async (path) => (await stat(path)).size))
  if (sizes.some((size) => size > maxSourceBytes)) return null
  return (await Promise.all(python.map((path) => readFile(path, 'utf8')))).join('\n')
}
