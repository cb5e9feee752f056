import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChangedField, changedFields } from '../model-config/changed-fields.ts'
import { neededModels } from './calls.ts'
import { hashFiles, listFiles, type ModelFile } from './files.ts'
import type { ModelRepository, RepositoryModel } from './repository.ts'

/** A changed field of one of the models. `path` is empty where one side has no config.pbtxt at all. */
export interface ModelField extends ChangedField {
  readonly model: string
}

export interface RepositoryChanges {
  /** The models that it may need on either side. */
  readonly models: readonly string[]
  /** Of config.pbtxt, by meaning. */
  readonly fields: readonly ModelField[]
  /** All other files, by their path in the repository. */
  readonly files: readonly { readonly path: string; readonly change: 'added' | 'removed' | 'changed' }[]
}

/**
 * What the candidate's model, with all that it needs by steps and by calls, has that the reference's has not. The
 * configuration of a model that is new or gone belongs to its files: there is no other one to put it against.
 */
export async function changesOf(
  reference: ModelRepository,
  candidate: ModelRepository,
  model: string,
): Promise<RepositoryChanges> {
  const models = await neededOnBoth(reference, candidate, model)
  const fields: ModelField[] = []
  const files: RepositoryChanges['files'][number][] = []
  for (const name of models) {
    const [before, after] = [reference.models.get(name), candidate.models.get(name)]
    if (before?.contentHash === after?.contentHash) continue
    files.push(
      ...(await changedFiles(name, await filesOf(reference, before), await filesOf(candidate, after))),
    )
    if (before !== undefined && after !== undefined) fields.push(...fieldsOf(name, before, after))
  }
  return { models, fields, files }
}

/** The files of one model without its config.pbtxt; none of a model that is not there. */
export async function filesOf(
  repository: ModelRepository,
  model: RepositoryModel | undefined,
): Promise<ModelFile[]> {
  if (model === undefined) return []
  const { files } = await listFiles(join(repository.path, model.name), await realpath(repository.path))
  return files.filter(({ path }) => path !== 'config.pbtxt')
}

async function neededOnBoth(
  reference: ModelRepository,
  candidate: ModelRepository,
  model: string,
): Promise<string[]> {
  const needed = await Promise.all(
    [reference, candidate].map(async (side) =>
      side.models.has(model) ? neededModels(side, [model]) : new Set<string>(),
    ),
  )
  // Code that does not say what it calls may need any.
  const names = needed.flatMap((each, side) => [
    ...(each ?? (side === 0 ? reference : candidate).models.keys()),
  ])
  return [...new Set(names)].toSorted()
}

function fieldsOf(model: string, before: RepositoryModel, after: RepositoryModel): ModelField[] {
  if (before.config !== null && after.config !== null) {
    return changedFields(before.config, after.config).map((change) => ({ ...change, model }))
  }
  if (before.config === after.config) return []
  const text = ({ config }: RepositoryModel) => (config === null ? null : 'a file')
  return [{ model, path: [], field: 'config.pbtxt', before: text(before), after: text(after) }]
}

async function changedFiles(
  model: string,
  before: readonly ModelFile[],
  after: readonly ModelFile[],
): Promise<RepositoryChanges['files'][number][]> {
  const paths = [...new Set([...before, ...after].map(({ path }) => path))].toSorted()
  const changes = await Promise.all(
    paths.map(async (path) => {
      const [old, now] = [before, after].map((files) => files.find((file) => file.path === path))
      const change =
        old === undefined
          ? 'added'
          : now === undefined
            ? 'removed'
            : (await isSame(old, now))
              ? null
              : 'changed'
      return change === null ? [] : [{ path: `${model}/${path}`, change } as const]
    }),
  )
  return changes.flat()
}

async function isSame(a: ModelFile, b: ModelFile): Promise<boolean> {
  const [sizeA, sizeB] = await Promise.all([a, b].map(async ({ location }) => (await stat(location)).size))
  // Weights of another size need not be read.
  return sizeA === sizeB && (await hashFiles([a])) === (await hashFiles([b]))
}
