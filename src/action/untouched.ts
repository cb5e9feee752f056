import { existsSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { changedFiles, hasLinks } from '../git/changed-files.ts'
import { repositoryRoot } from '../git/reference.ts'
import { neededModels } from '../repository/calls.ts'
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
  if (prefix.startsWith('..') || (await hasLinks(world, root, prefix === '' ? '.' : prefix))) {
    return touched('the model repository has links, which may lead to anything that has changed')
  }
  const watched = [
    ...namedPaths(configFile, modelRepository, root).map((path) => relative(root, path)),
    'triton-perf-gate.yml',
    '.github/triton-perf-gate.yml',
    ...(context.workflowFile === null ? [] : [`.github/workflows/${context.workflowFile}`]),
  ].filter((path) => path !== '' && !path.startsWith('..'))
  const files = changed.length === 1 ? '1 changed file' : `${changed.length} changed files`
  const anyModel = whyTouched({ changed, prefix, watched, needed: null })
  if (anyModel === null) return { untouched: true, why: `none of the ${files} belongs to a model` }
  if (config.models === null) return touched(anyModel)

  const repository = await readModelRepository(modelRepository)
  const names = selectModels(repository, config.models).map(({ name }) => name)
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
  return [...new Set([configFile, ...paths])].filter(
    (path) =>
      path.startsWith(`${root}/`) && !`${modelRepository}/`.startsWith(`${path}/`) && existsSync(path),
  )
}
