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

/**
 * Creates the one comment of this key, or updates it. Only a comment with the marker in its first line
 * *and* written by this very account is ours: anybody can paste a marker. A failure is an outcome, never
 * thrown, since the report also stands in the job summary and the verdict does not depend on it.
 */
export async function putComment(
  store: CommentStore,
  sticky: StickyComment,
  report: string,
): Promise<CommentOutcome> {
  try {
    const login = await store.login()
    const ours = (await store.list(sticky.issue)).flatMap((comment) => {
      const written = comment.author === login ? readMarker(comment.body, sticky.key) : null
      return written === null ? [] : [{ id: comment.id, ...written }]
    })
    const newer = ours.find(
      (comment) =>
        comment.runId > sticky.runId ||
        (comment.runId === sticky.runId && comment.runAttempt > sticky.runAttempt),
    )
    if (newer !== undefined) return { status: 'superseded', byRun: newer.runId }

    const body = `${commentMarker(sticky)}\n${report}`
    const [oldest, ...duplicates] = ours
    if (oldest === undefined) {
      await store.create(sticky.issue, body)
      return { status: 'created' }
    }
    await store.update(oldest.id, body)
    // Two jobs that began at the same moment may have created one each.
    for (const duplicate of duplicates) await store.remove(duplicate.id)
    return { status: 'updated' }
  } catch (error) {
    return { status: 'failed', why: explain(error) }
  }
}

function readMarker(body: string, key: string): { runId: number; runAttempt: number } | null {
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
