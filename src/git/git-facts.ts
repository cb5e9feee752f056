import { join, posix, relative, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { limitsOf } from '../config/limits.ts'
import { configFileNames, readConfig } from '../config/load-config.ts'
import { asGateError } from '../domain/error.ts'
import type { Limits } from '../domain/limits.ts'
import type { GitFacts } from '../domain/measurements.ts'
import { nsPerSecond, type World } from '../domain/world.ts'

/** git answers from the disk; a dead network file system must not cost the job. */
const timeoutNs = 60 * nsPerSecond
/** A configuration has a few hundred lines; a file of another kind is not read into memory. */
const maxBytes = 2 ** 20

export interface GitQuestions {
  readonly config: Config
  /** Of the git repository; null outside git. */
  readonly root: string | null
  /** The commit that is compared with; null where none is known. */
  readonly reference: string | null
  /** The models that are measured. */
  readonly models: readonly string[]
  /** By model, the hash of what the reference's configuration sends, its files as they are there; null where it is not checked out. */
  readonly inputHashes: ((theirs: Config) => Promise<Readonly<Record<string, string | null>>>) | null
}

/**
 * What git has to say on the configuration: whether the commits that end an acceptance are part of HEAD, and what the
 * reference's own configuration allows. Recorded with the measurements, since a later look at the files has no git.
 */
export async function readGitFacts(world: Pick<World, 'run'>, questions: GitQuestions): Promise<GitFacts> {
  const { config, root, reference } = questions
  const commits = config.gate.accepted.flatMap(({ until }) => (until.kind === 'commit' ? [until.commit] : []))
  const contained = await Promise.all(
    [...new Set(commits)].map(async (commit) => ({
      commit,
      isContained: root === null ? null : await isContained(world, root, commit),
    })),
  )
  if (root === null || reference === null) return { contained, reference: null }
  return { contained, reference: await limitsAt(world, questions, root, reference) }
}

/** null where git does not know: no such commit here, or a clone too shallow to hold what lies between. */
async function isContained(world: Pick<World, 'run'>, root: string, commit: string): Promise<boolean | null> {
  const args = ['merge-base', '--is-ancestor', '--end-of-options', commit, 'HEAD']
  const output = await world.run('git', ['-C', root, ...args], { timeoutNs })
  if (output.exitCode === 0) return true
  if (output.exitCode !== 1) return null
  const shallow = await world.run('git', ['-C', root, 'rev-parse', '--is-shallow-repository'], { timeoutNs })
  return shallow.exitCode === 0 && shallow.stdout.trim() === 'false' ? false : null
}

async function limitsAt(
  world: Pick<World, 'run'>,
  { config, models, inputHashes }: GitQuestions,
  root: string,
  commit: string,
): Promise<GitFacts['reference']> {
  const found = await configurationAt(world, root, commit, config.file)
  if ('why' in found) return { status: 'unreadable', commit, why: found.why }
  const path = found.path ?? 'triton-perf-gate.yml'
  try {
    // What flags and inputs say stands above both files, and is no difference between them. Its files are found from where it lies.
    const theirs = readConfig(found.text, join(root, path), config.overrides)
    const limits = limitsOf(theirs, models)
    const hashes = await inputHashes?.(theirs)
    return {
      status: 'read',
      commit,
      limits: hashes === undefined ? limits : withHashes(limits, hashes),
      measured: limitsOf(config, models),
    }
  } catch (error) {
    const { message, problems } = asGateError(error)
    const [first] = problems
    return {
      status: 'unreadable',
      commit,
      why: first === undefined ? message : `${path} is not a valid configuration: ${first.message}`,
    }
  }
}

function withHashes(limits: Limits, hashes: Readonly<Record<string, string | null>>): Limits {
  const models = limits.models.map((model) =>
    Object.hasOwn(hashes, model.name) ? { ...model, inputData: hashes[model.name] ?? null } : model,
  )
  return { ...limits, models }
}

/** The configuration's text as of a commit: at the path it has now, else at one where it is looked for; empty where there was none. */
async function configurationAt(
  world: Pick<World, 'run'>,
  root: string,
  commit: string,
  file: string | null,
): Promise<{ readonly text: string; readonly path: string | null } | { readonly why: string }> {
  const own = file === null ? null : relative(root, resolve(file))
  if (own?.startsWith('..')) return { why: 'the configuration file lies outside the git repository' }
  const paths = [...(own === null ? [] : [own]), ...configFileNames.map((path) => posix.normalize(path))]
  for (const path of new Set(paths)) {
    const listed = await world.run(
      'git',
      ['-C', root, 'ls-tree', '-l', '-z', '--full-tree', '--end-of-options', commit, '--', path],
      { timeoutNs },
    )
    if (listed.exitCode !== 0) return { why: 'git does not have this commit here' }
    if (listed.stdout === '') continue
    const [, mode, size] = /^(\d+) \S+ \S+ +(\S+)\t/.exec(listed.stdout) ?? []
    if (mode !== '100644' && mode !== '100755') return { why: `${path} is no plain file there` }
    if (!(Number(size) <= maxBytes)) return { why: `${path} is larger than a configuration` }
    const shown = await world.run('git', ['-C', root, 'cat-file', 'blob', `${commit}:${path}`], { timeoutNs })
    return shown.exitCode === 0 ? { text: shown.stdout, path } : { why: `git cannot read ${path} there` }
  }
  return { text: '', path: null }
}
