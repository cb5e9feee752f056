import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { changedFiles, differsFromHead, hasLinks } from '../git/changed-files.ts'
import { repositoryRoot } from '../git/reference.ts'
import { neededModels, withCalledModels } from '../repository/calls.ts'
import { readModelRepository, selectModels } from '../repository/repository.ts'
import { whyTouched } from '../repository/touched.ts'
import type { ActionContext } from './context.ts'

export interface UntouchedInput {
  readonly context: ActionContext
  readonly config: Config
  /** Absolute. */
  readonly modelRepository: string
  /** Absolute; null where there is none. */
  readonly configFile: string | null
  /** The commit that is measured beside HEAD. */
  readonly reference: string
}

/**
 * Whether a pull request or merge group provably touches no gated model, so that there is nothing to measure.
 * Whatever leaves a doubt counts as a touch.
 *
 * @returns why it is so, in words; `untouched` false where it must be measured
 */
export async function isUntouched(
  world: World,
  input: UntouchedInput,
): Promise<{ readonly untouched: boolean; readonly why: string }> {
  const touched = (why: string) => ({ untouched: false, why })
  const { context, config, modelRepository, configFile, reference } = input
  if (!['pull_request', 'pull_request_target', 'merge_group'].includes(context.eventName)) {
    return touched(`every model is measured on ${context.eventName}`)
  }
  const root = await repositoryRoot(world, modelRepository)
  const changed = root === null ? null : await changedFiles(world, root, reference, 'HEAD')
  if (root === null || changed === null) return touched('git does not tell what has changed')
  const prefix = relative(root, modelRepository)
  const folder = prefix === '' ? '.' : prefix
  const isLinked = prefix.startsWith('..') || realpathSync(modelRepository) !== modelRepository
  if (isLinked || (await hasLinks(world, root, folder))) {
    return touched('the model repository has links, which may lead to anything that has changed')
  }
  if (await differsFromHead(world, root, folder)) {
    return touched(
      'the model repository holds what git does not: an earlier step may have made it from anything',
    )
  }
  const watched = [
    ...namedPaths(configFile, modelRepository, root).map((path) => relative(root, path)),
    'triton-perf-gate.yml',
    '.github/triton-perf-gate.yml',
    // A reusable workflow or an action of this repository may start the gate.
    '.github/workflows',
    '.github/actions',
  ].filter((path) => path !== '' && !path.startsWith('..'))
  const files = changed.length === 1 ? '1 changed file' : `${changed.length} changed files`
  const anyModel = whyTouched({ changed, prefix, watched, needed: null })
  if (anyModel === null) return { untouched: true, why: `none of the ${files} belongs to a model` }
  if (config.models === null) return touched(anyModel)

  const committed = await readModelRepository(modelRepository)
  const names = selectModels(committed, config.models).map(({ name }) => name)
  const repository = await withCalledModels(committed, names, config.blsComposingModels)
  const needed = await neededModels(repository, names)
  const why = whyTouched({ changed, prefix, watched, needed })
  if (why !== null) return touched(why)
  return { untouched: true, why: `none of the ${files} belongs to ${names.join(', ')} or what they need` }
}

/** Whatever exists in the checkout under a word of the configuration: mounts, input data, a server's files. */
function namedPaths(configFile: string | null, modelRepository: string, root: string): string[] {
  if (configFile === null) return []
  const words = readFileSync(configFile, 'utf8').split(/[\s"'`,:=[\]{}]+/)
  const paths = words
    .filter((word) => /[\w]/.test(word) && word.length < 4096)
    .flatMap((word) => [resolve(root, word), resolve(dirname(configFile), word)])
  const existing = paths.filter((path) => existsSync(path))
  return [...new Set([configFile, ...existing, ...existing.map((path) => realpathSync(path))])].filter(
    (path) =>
      path.startsWith(`${root}/`) && !`${modelRepository}/`.startsWith(`${path}/`) && existsSync(path),
  )
}
