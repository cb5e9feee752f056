import { posix } from 'node:path'

export interface TouchedInput {
  /** Paths from the root of the git repository. */
  readonly changed: readonly string[]
  /** The model repository's path from the same root; empty where it is the root. */
  readonly prefix: string
  /** Files and folders outside it whose change may matter to any model: the configuration, what it names. */
  readonly watched: readonly string[]
  /** The models to gate with all that they need; null stands for every model. */
  readonly needed: ReadonlySet<string> | null
}

/**
 * Why the change may matter to a gated model, in words; null where it cannot. A folder below the model repository
 * is a model; what lies there beside the models, and what is watched, counts for every model.
 */
export function whyTouched({ changed, prefix, watched, needed }: TouchedInput): string | null {
  for (const path of changed) {
    // A changed path above a watched one is another repository, or was a link.
    const watcher = watched.find((each) => isWithin(path, each) || isWithin(each, path))
    if (watcher !== undefined) return `${path} is changed, which may matter to every model`
    if (!isWithin(path, prefix)) continue
    const [model = '', ...rest] = posix.relative(prefix, path).split('/')
    if (rest.length === 0) return `${path} is changed, which belongs to no model and may matter to every one`
    if (needed === null || needed.has(model)) return `${model} is changed`
  }
  return null
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`)
}
