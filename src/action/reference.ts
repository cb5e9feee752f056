import { resolve } from 'node:path'
import type { World } from '../domain/world.ts'
import { nsPerSecond } from '../domain/world.ts'
import type { GateRequest } from '../gate-request.ts'
import type { Release } from '../git/last-release.ts'
import type { ActionContext } from './context.ts'

export interface ReferenceChoice {
  readonly reference: GateRequest['reference']
  /** The reference's full hash; null for a folder, for none, and for what git does not know. */
  readonly commit: string | null
  /** In words, for the log: what was chosen, or what is missing and how to get it. */
  readonly note: string
}

/** git answers from the disk within milliseconds; a hang (a lock, a dead network file system) must not cost the job. */
const gitTimeoutNs = 30 * nsPerSecond

/**
 * The side that the candidate is measured against in this job: what the user named, else the release before,
 * else the first parent of GitHub's test merge, else the merge base with the base branch, else none.
 *
 * @param directory the checked-out repository
 * @param input the input `reference`: `none`, a folder (beginning with `./`, `../` or `/`), or a git revision
 * @param release the release before this one, in mode `release`; fetched where the checkout lacks it
 */
export async function chooseReference(
  world: Pick<World, 'run'>,
  context: ActionContext,
  directory: string,
  input: string | null,
  release: Release | null = null,
): Promise<ReferenceChoice> {
  const { git, commit } = gitIn(world, directory)
  const none = (note: string): ReferenceChoice => ({ reference: null, commit: null, note })
  const chosen = (hash: string, note: string): ReferenceChoice => ({
    reference: { kind: 'git', ref: hash },
    commit: hash,
    note,
  })
  if (input === 'none') return none('no reference, as asked (reference: none)')
  if (input !== null && /^(\.{0,2}\/|\.{1,2}$)/.test(input)) {
    const path = resolve(directory, input)
    return { reference: { kind: 'repository', path }, commit: null, note: `the repository ${path}, as asked` }
  }
  if (input !== null) {
    return { reference: { kind: 'git', ref: input }, commit: await commit(input), note: `${input}, as asked` }
  }
  const head = await commit('HEAD')
  if (head === null)
    return none(`none: ${directory} is no git checkout; run actions/checkout before this action`)
  if (release !== null) {
    const { tag, commit: hash } = release
    if ((await commit(hash)) === null) {
      await git('fetch', '--quiet', '--no-tags', '--depth=1', '--no-recurse-submodules', 'origin', hash)
    }
    return (await commit(hash)) === null
      ? none(
          `none: the release before, ${tag}, is not in this checkout; give actions/checkout \`fetch-depth: 0\``,
        )
      : chosen(hash, `the release before, ${tag} (${hash.slice(0, 7)})`)
  }
  if (/^refs\/pull\/\d+\/merge$/.test(context.ref) && head === context.sha) {
    const parent = await commit('HEAD^1')
    if (parent !== null && (await commit('HEAD^2')) !== null) {
      return chosen(parent, `first parent of the test merge, ${parent.slice(0, 7)}`)
    }
  }
  const base = context.pullRequest?.baseSha ?? context.mergeGroup?.baseSha
  const upstream =
    base ?? (context.defaultBranch === null ? null : `refs/remotes/origin/${context.defaultBranch}`)
  const mergeBase = upstream === null ? null : await git('merge-base', '--end-of-options', upstream, head)
  if (mergeBase !== null && mergeBase !== head)
    return chosen(mergeBase, `merge base ${mergeBase.slice(0, 7)}`)
  return none(
    'none: the history of this checkout holds no commit to compare with, so nothing is measured side by side; ' +
      'give actions/checkout `fetch-depth: 2` (pull requests) or `fetch-depth: 0`',
  )
}

function gitIn(world: Pick<World, 'run'>, directory: string) {
  const git = async (...args: string[]): Promise<string | null> => {
    const output = await world.run('git', ['-C', directory, ...args], { timeoutNs: gitTimeoutNs })
    return output.exitCode === 0 && output.stdout.trim() !== '' ? output.stdout.trim() : null
  }
  const commit = (revision: string) =>
    git('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`)
  return { git, commit }
}
