import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nearest } from '../config/nearest.ts'
import { GateError } from '../domain/error.ts'
import { type ModelRepository, modelClosure } from './repository.ts'

/** A model's source is smaller; what is larger is data under a wrong name. */
const maxSourceBytes = 2 ** 20

/**
 * The models and all that they need, also by calls that Python code makes (business logic scripting): a model
 * is taken to need every other whose name stands in its code as a string.
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
    const calls = calledModels(await sourcesOf(join(repository.path, name)), repository, name)
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

/** @throws GateError `config` for names under `bls_composing_models` that the repository does not have */
export function checkCalledModels(
  repository: ModelRepository,
  named: readonly string[],
  file: string | null,
): void {
  const known = [...repository.models.keys()]
  const problems = named
    .filter((name) => !repository.models.has(name))
    .map((name) => {
      const meant = nearest(name, known)
      return {
        file: file ?? undefined,
        key: `bls_composing_models.${name}`,
        message: 'the repository has no such model',
        remedy: meant === undefined ? `It has: ${known.join(', ')}.` : `Did you mean "${meant}"?`,
      }
    })
  if (problems.length > 0) throw new GateError('config', 'models are named that are not there', { problems })
}

function calledModels(source: string, { models }: ModelRepository, own: string): string[] | null {
  const named = [...models.keys()].filter(
    (name) => name !== own && (source.includes(`"${name}"`) || source.includes(`'${name}'`)),
  )
  const plain = /\bInferenceRequest\s*\([^()]*?\bmodel_name\s*=\s*(["'])[\w.-]+\1\s*[,)]/g
  const uses = source.match(/\bInferenceRequest\b/g)?.length ?? 0
  // One literal name beside a call by a variable says nothing of that call.
  return uses > (source.match(plain)?.length ?? 0) ? null : named
}

async function sourcesOf(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const python = files.filter((file) => file.isFile() && file.name.endsWith('.py'))
  const texts = await Promise.all(python.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))
  return texts.filter((text) => text.length <= maxSourceBytes).join('\n')
}
