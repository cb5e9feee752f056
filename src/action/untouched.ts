import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { Config } from '../config/config.ts'
import type { World } from '../domain/world.ts'
import { changedFiles, differsFromHead, keptFiles } from '../git/changed-files.ts'
import { headCommit, repositoryRoot } from '../git/reference.ts'
import { neededModels, withCalledModels } from '../repository/calls.ts'
import { readModelRepository, selectModels } from '../repository/repository.ts'
import { whyTouched } from '../repository/touched.ts'
import type { ActionContext } from './context.ts'
import { namedPaths } from './named-paths.ts'

export interface UntouchedInput {
  readonly context: ActionContext
  readonly config: Config
  /** Absolute; what servers are started in. */
  readonly workspace: string
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
  const { context, config, modelRepository, reference } = input
  if (!['pull_request', 'pull_request_target', 'merge_group'].includes(context.eventName)) {
    return touched(`every model is measured on ${context.eventName}`)
  }
  const root = await repositoryRoot(world, modelRepository)
  const changed = root === null ? null : await changedFiles(world, root, reference, 'HEAD')
  if (root === null || changed === null) return touched('git does not tell what has changed')
  if ((await headCommit(world, root)) === reference)
    return touched('the reference is the very commit that is measured')
  const prefix = relative(root, modelRepository)
  const isLinked = prefix.startsWith('..') || realpathSync(modelRepository) !== modelRepository
  const kept = await keptFiles(world, root, [prefix])
  // Nothing at all: whatever fills the folder is not git's.
  if (isLinked || kept === null || kept.count === 0 || kept.links > 0) {
    return touched('the model repository has links, which may lead to anything that has changed')
  }
  if (await differsFromHead(world, root, [prefix])) {
    return touched(
      'the model repository holds what git does not: an earlier step may have made it from anything',
    )
  }
  const named = namedInside(root, input)
  const present = named.filter((path) => path !== '' && existsSync(join(root, path)))
  if (present.length > 0) {
    const files = await keptFiles(world, root, present)
    if (files === null || files.links > 0 || (await differsFromHead(world, root, present))) {
      return touched('what the configuration names has links, or holds what git does not')
    }
  }
  const watched = [
    ...named,
    'triton-perf-gate.yml',
    '.github/triton-perf-gate.yml',
    // A reusable workflow or an action of this repository may start the gate.
    '.github/workflows',
    '.github/actions',
    ...attributesOf(prefix),
  ]
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

/** What git makes of a file's bytes as it checks it out (encoding, line ends, filters) is said here, above the models too. */
function attributesOf(prefix: string): string[] {
  const parts = prefix.split(sep)
  return parts.map((_, depth) => [...parts.slice(0, depth), '.gitattributes'].join('/'))
}

/** The configuration file and what it names, as paths from the root; empty for the root or a folder above it. */
function namedInside(root: string, { configFile, workspace }: UntouchedInput): readonly string[] {
  if (configFile === null) return []
  const folders = [root, workspace, dirname(configFile), realpathSync(dirname(configFile))]
  const paths = [configFile, realpathSync(configFile), ...namedPaths(configFile, folders)]
  const fromRoot = paths.map((path) => (relative(path, root).startsWith('..') ? relative(root, path) : ''))
  return [...new Set(fromRoot)].filter((path) => !path.startsWith('..'))
}
