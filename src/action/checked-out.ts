import { GateError } from '../domain/error.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import type { ActionContext, Plan } from './context.ts'

interface Judged {
  readonly context: ActionContext
  readonly plan: Plan
}

/** git answers from the disk within milliseconds; a hang must not cost the job. */
const timeoutNs = 30 * nsPerSecond

/** Their check stands on the commit of the event: the numbers of another commit would make it green or red. */
const eventsOfOneCommit = ['push', 'release', 'merge_group']

/**
 * The event and the plan for the commit that is measured: what is checked out. GITHUB_SHA is only what the run is about;
 * `actions/checkout` with a `ref` of its own brings something else. Where a run is bound to its commit - it stores a
 * baseline under it, or its check stands on it - anything else is refused; elsewhere the report names what is there.
 *
 * @param folders where the models are, then the checkout: the first in git, and not of another repository, counts. Without
 * one (a download without git) the event's word holds.
 * @throws GateError `usage` where what is checked out is not what the run is about
 */
export async function asCheckedOut(
  world: Pick<World, 'run'>,
  { context, plan }: Judged,
  folders: readonly string[],
): Promise<Judged> {
  const head = await headIn(world, folders, context)
  if (head === null) return { context, plan }
  const { pullRequest, eventName } = context
  const measured = { ...context, sha: head.commit }
  const isEvents = head.commit === (await commitOfEvent(world, head.folder, context))
  if (pullRequest !== null && plan.mode !== 'baseline') {
    const isIts =
      (isEvents && eventName === 'pull_request') || (await holds(world, head, pullRequest.headSha))
    if (!isIts)
      throw refusal(head.commit, `pull request #${pullRequest.number} at ${short(pullRequest.headSha)}`)
    return { context: measured, plan }
  }
  const named = { context: measured, plan: { ...plan, commit: pullRequest?.headSha ?? head.commit } }
  if (isEvents) return named
  if (plan.mode === 'baseline' || eventsOfOneCommit.includes(eventName))
    throw refusal(head.commit, `commit ${short(context.sha)}`)
  return named
}

function refusal(head: string, expected: string): GateError {
  return new GateError('usage', `commit ${short(head)} is checked out, but this run is about ${expected}`, {
    hint:
      'leave out `ref` of actions/checkout (on pull_request_target give it the head of the pull request); to judge ' +
      'another commit, run on workflow_dispatch with `mode: gate`',
  })
}

interface Head {
  readonly folder: string
  readonly commit: string
}

async function headIn(
  world: Pick<World, 'run'>,
  folders: readonly string[],
  context: ActionContext,
): Promise<Head | null> {
  for (const folder of folders) {
    const commit = await commitOf(world, folder, 'HEAD')
    if (commit !== null && !(await isOfAnother(world, folder, context))) return { folder, commit }
  }
  return null
}

/** null where it is not in the checkout. Of an annotated tag whose object is not there, the tag itself tells its commit. */
async function commitOfEvent(
  world: Pick<World, 'run'>,
  folder: string,
  { sha, ref }: ActionContext,
): Promise<string | null> {
  const commit = await commitOf(world, folder, sha)
  return commit ?? (ref.startsWith('refs/tags/') ? commitOf(world, folder, ref) : null)
}

/** A model repository may be a checkout or submodule of another repository, whose commits this run is not about. */
async function isOfAnother(
  world: Pick<World, 'run'>,
  folder: string,
  { repository: { owner, name } }: ActionContext,
): Promise<boolean> {
  const url = await git(world, folder, 'config', '--get', 'remote.origin.url')
  const path = url
    ?.replace(/\/$/, '')
    .replace(/\.git$/, '')
    .toLowerCase()
  return (
    path !== undefined && !['/', ':'].some((mark) => path.endsWith(`${mark}${owner}/${name}`.toLowerCase()))
  )
}

/** Whether HEAD is this commit, a merge of it, or grew out of it. In a shallow clone only HEAD's own words tell its parents. */
async function holds(world: Pick<World, 'run'>, { folder, commit }: Head, wanted: string): Promise<boolean> {
  if (commit === wanted) return true
  const words = await git(world, folder, 'cat-file', 'commit', commit)
  const [header = ''] = (words ?? '').split('\n\n', 1)
  if (header.split('\n').includes(`parent ${wanted}`)) return true
  return (await git(world, folder, 'merge-base', wanted, commit)) === wanted
}

function commitOf(world: Pick<World, 'run'>, folder: string, revision: string): Promise<string | null> {
  return git(world, folder, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`)
}

/** What git says; null where it says nothing, or is not there. */
async function git(world: Pick<World, 'run'>, folder: string, ...args: string[]): Promise<string | null> {
  const output = await world.run('git', ['-C', folder, ...args], { timeoutNs })
  return output.exitCode === 0 && output.stdout.trim() !== '' ? output.stdout.trim() : null
}

function short(commit: string): string {
  return commit.slice(0, 7)
}
