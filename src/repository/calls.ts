import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
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
  const needed = new Set<string>()
  const open = names.flatMap((name) => modelClosure(repository, name))
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    needed.add(name)
    const called = calledModels(await sourcesOf(join(repository.path, name)), repository, name)
    if (called === null) return null
    open.push(...called.flatMap((each) => modelClosure(repository, each)))
  }
  return needed
}

function calledModels(source: string, { models }: ModelRepository, own: string): string[] | null {
  const named = [...models.keys()].filter(
    (name) => name !== own && (source.includes(`"${name}"`) || source.includes(`'${name}'`)),
  )
  return named.length === 0 && /\bInferenceRequest\s*\(/.test(source) ? null : named
}

async function sourcesOf(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const python = files.filter((file) => file.isFile() && file.name.endsWith('.py'))
  const texts = await Promise.all(python.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))
  return texts.filter((text) => text.length <= maxSourceBytes).join('\n')
}
