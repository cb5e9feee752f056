import { messageOf } from '../domain/error.ts'
import { statusOf } from './http-status.ts'

/** One comment of a pull request. */
export interface IssueComment {
  readonly id: number
  readonly author: string | null
  readonly body: string
}

/** GitHub's comments as far as the sticky one needs them. Errors carry the HTTP status as `status`. */
export interface CommentStore {
  /** Who this token writes as, e.g. `github-actions[bot]`. */
  readonly login: () => Promise<string>
  /** All comments, oldest first. */
  readonly list: (issue: number) => Promise<readonly IssueComment[]>
  readonly create: (issue: number, body: string) => Promise<void>
  readonly update: (id: number, body: string) => Promise<void>
  readonly remove: (id: number) => Promise<void>
  /** For the time until others' writing is seen. */
  readonly sleep: (durationMs: number) => Promise<void>
}

export interface StickyComment {
  readonly issue: number
  /** Tells the comments of several gates on one pull request apart; letters, digits, dot, dash, underscore. */
  readonly key: string
  readonly runId: number
  readonly runAttempt: number
}

export type CommentOutcome =
  | { readonly status: 'created' | 'updated' }
  /** There is none, and none was to be made. */
  | { readonly status: 'none' }
  /** A later run of this pull request has reported already. */
  | { readonly status: 'superseded'; readonly byRun: number }
  | { readonly status: 'failed'; readonly why: string }

/**
 * GitHub refuses 65,536 characters. The margin is for what counts differently there (characters against
 * bytes, line ends), not for us.
 */
export const maxCommentBytes = 60_000

/** The first line of the comment: says whose it is and which run wrote it. Not rendered. */
export function commentMarker(comment: Omit<StickyComment, 'issue'>): string {
  return `<!-- triton-perf-gate:${comment.key} run=${comment.runId}.${comment.runAttempt} -->`
}

/** What is left for the report below the marker. */
export function maxReportBytes(comment: Omit<StickyComment, 'issue'>): number {
  return maxCommentBytes - Buffer.byteLength(`${commentMarker(comment)}\n`)
}

/** Longer than it takes from reading the comments to writing one: what another job wrote meanwhile is then seen. */
const settleMs = 1500

/** More rounds than there are jobs of one pull request at one moment. */
const maxRounds = 8

/**
 * Creates the one comment of this key, or updates it. Only a comment with the marker in its first line
 * *and* written by this very account is ours: anybody can paste a marker. A failure is an outcome, never
 * thrown, since the report also stands in the job summary and the verdict does not depend on it.
 *
 * GitHub knows no condition on writing, so two jobs may write at the same moment. Each therefore looks again
 * after writing, and puts right what it finds: one comment, the oldest, with the report of the newest run.
 * Whoever looks last finds everything written, so that state is where all jobs end.
 *
 * @param make `ifThere` updates only what is there already
 */
export async function putComment(
  store: CommentStore,
  sticky: StickyComment,
  report: string,
  make: 'always' | 'ifThere' = 'always',
): Promise<CommentOutcome> {
  try {
    return await converge(store, sticky, `${commentMarker(sticky)}\n${report}`, make)
  } catch (error) {
    return { status: 'failed', why: explain(error) }
  }
}

async function converge(
  store: CommentStore,
  sticky: StickyComment,
  body: string,
  make: 'always' | 'ifThere',
): Promise<CommentOutcome> {
  const login = await store.login()
  const mine: OurComment = { ...sticky, id: Number.POSITIVE_INFINITY, body }
  let outcome: CommentOutcome = { status: 'none' }
  for (let round = 0; round < maxRounds; round++) {
    const ours = oursOf(await store.list(sticky.issue), login, sticky.key)
    const [oldest, ...duplicates] = ours
    if (oldest === undefined) {
      if (make === 'ifThere') return outcome
      // What was created and is not listed yet only needs time.
      if (outcome.status !== 'created' && (await createOnce(store, sticky.issue, body)))
        outcome = { status: 'created' }
    } else {
      const newest = newestOf([...ours, mine])
      const said = outcome.status !== 'none' || newest !== mine
      if (newest !== mine && byRun(newest, mine) !== 0)
        outcome = { status: 'superseded', byRun: newest.runId }
      const right = byRun(oldest, newest) === 0 && said
      if (right && duplicates.length === 0) return outcome
      if (!right) await unlessGone(store.update(oldest.id, newest.body))
      for (const { id } of duplicates) await unlessGone(store.remove(id))
      if (outcome.status === 'none') outcome = { status: 'updated' }
    }
    await store.sleep(settleMs)
  }
  if (outcome.status === 'none' && make === 'always')
    return { status: 'failed', why: `GitHub did not take the comment in ${maxRounds} attempts` }
  return outcome
}

interface Written extends Pick<StickyComment, 'runId' | 'runAttempt'> {}

interface OurComment extends Written {
  readonly id: number
  readonly body: string
}

/** Oldest first. */
function oursOf(comments: readonly IssueComment[], login: string, key: string): OurComment[] {
  return comments
    .flatMap(({ id, author, body }) => {
      const written = author === login ? readMarker(body, key) : null
      return written === null ? [] : [{ id, body, ...written }]
    })
    .sort((a, b) => a.id - b.id)
}

/** The later one in the list where two are of one run. */
function newestOf(comments: readonly [OurComment, ...OurComment[]] | OurComment[]): OurComment {
  return comments.reduce((newest, each) => (byRun(each, newest) >= 0 ? each : newest))
}

function byRun(a: Written, b: Written): number {
  return a.runId - b.runId || a.runAttempt - b.runAttempt
}

/** A POST is not asked again, since it may have worked: looking again tells. False where that is not known. */
async function createOnce(store: CommentStore, issue: number, body: string): Promise<boolean> {
  try {
    await store.create(issue, body)
    return true
  } catch (error) {
    const status = statusOf(error)
    if (status !== null && status < 500) throw error
    return false
  }
}

/** Another job may have put right the same. */
async function unlessGone(written: Promise<void>): Promise<void> {
  await written.catch((error: unknown) => {
    if (statusOf(error) !== 404) throw error
  })
}

function readMarker(body: string, key: string): Written | null {
  const match = /^<!-- triton-perf-gate:([\w.-]+) run=(\d+)\.(\d+) -->\r?$/.exec(body.split('\n', 1)[0] ?? '')
  return match === null || match[1] !== key ? null : { runId: Number(match[2]), runAttempt: Number(match[3]) }
}

function explain(error: unknown): string {
  const message = messageOf(error)
  if (statusOf(error) !== 403) return message
  return (
    `${message} (the token cannot write here: give the job \`permissions: pull-requests: write\`; ` +
    'pull requests of forks and of Dependabot never get it)'
  )
}
