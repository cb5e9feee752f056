import { sample, sampleItem, sampleOf } from './openapi.ts'
import {
  type Answer,
  blobSignature,
  botLogin,
  jobToken,
  type Request,
  repositoryId,
  type State,
} from './state.ts'

/** GitHub refuses a longer comment with 422. */
const maxCommentLength = 65_536
const forbidden: Answer = {
  status: 403,
  body: { message: 'Resource not accessible by integration', status: '403' },
}
const notFound: Answer = { status: 404, body: { message: 'Not Found', status: '404' } }

type Handler = (state: State, request: Request, parts: readonly string[]) => Answer

/** The routes of one repository, `o/r`; what is not here, this GitHub does not know. */
const routes: readonly [method: string, pattern: RegExp, handler: Handler][] = [
  ['GET', /^\/repos\/o\/r\/actions\/workflows\/([^/]+)\/runs$/, listRuns],
  ['GET', /^\/repos\/o\/r\/actions\/runs\/(\d+)$/, getRun],
  ['GET', /^\/repos\/o\/r\/actions\/runs\/(\d+)\/artifacts$/, listArtifacts],
  ['GET', /^\/repos\/o\/r\/actions\/runs\/(\d+)\/jobs$/, listJobs],
  ['GET', /^\/repos\/o\/r\/actions\/artifacts\/(\d+)\/zip$/, downloadArtifact],
  ['GET', /^\/repos\/o\/r\/issues\/(\d+)\/comments$/, listComments],
  ['POST', /^\/repos\/o\/r\/issues\/(\d+)\/comments$/, createComment],
  ['PATCH', /^\/repos\/o\/r\/issues\/comments\/(\d+)$/, updateComment],
  ['DELETE', /^\/repos\/o\/r\/issues\/comments\/(\d+)$/, deleteComment],
  ['GET', /^\/repos\/o\/r\/compare\/([^/]+)\.\.\.([^/]+)$/, compare],
  ['GET', /^\/repos\/o\/r\/releases$/, listReleases],
  ['GET', /^\/repos\/o\/r\/commits\/tags\/(.+)$/, getCommit],
  ['GET', /^\/repos\/o\/r\/pulls$/, listPulls],
  ['GET', /^\/repos\/o\/r\/pulls\/(\d+)\/files$/, listFiles],
  ['GET', /^\/repos\/o\/r\/pulls\/(\d+)\/comments$/, listReviewComments],
  ['POST', /^\/repos\/o\/r\/pulls\/(\d+)\/reviews$/, createReview],
  ['DELETE', /^\/repos\/o\/r\/pulls\/comments\/(\d+)$/, deleteReviewComment],
  ['POST', /^\/graphql$/, viewer],
]

/** The answer of the REST and GraphQL interfaces; null where there is no such route. */
export function answerRest(state: State, request: Request): Answer | null {
  for (const [method, pattern, handler] of routes) {
    const match = pattern.exec(request.path)
    if (match === null || method !== request.method) continue
    if (!/^(token|bearer) /i.test(request.authorization))
      return { status: 401, body: { message: 'Requires authentication' } }
    if (request.authorization.split(' ')[1] !== jobToken)
      return { status: 401, body: { message: 'Bad credentials' } }
    return handler(state, request, match.slice(1))
  }
  return null
}

function listRuns(state: State, request: Request, [workflow]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const ofWorkflow = state.runs.filter((run) => run.path.split('/').at(-1) === workflow)
  // GitHub knows a workflow once its file is on a branch; here, once it has run.
  if (ofWorkflow.length === 0) return notFound
  const asked = (name: string) => request.query.get(name)
  const runs = ofWorkflow
    .filter((run) => asked('branch') === null || run.head_branch === asked('branch'))
    .filter((run) => asked('event') === null || run.event === asked('event'))
    .filter(
      (run) =>
        asked('status') === null || run.status === asked('status') || run.conclusion === asked('status'),
    )
    .sort((a, b) => b.id - a.id)
  return paged(request, runs.map(fullRun), 'workflow_runs')
}

const runsPath = '/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs'

/** With all that GitHub's description requires of a run. */
function fullRun(run: State['runs'][number]): object {
  const repository = sampleItem('GET', runsPath, 'workflow_runs', {}) as { head_repository: object }
  const head = run.head_repository
  const head_repository = head === null ? null : { ...repository.head_repository, ...head }
  return sampleItem('GET', runsPath, 'workflow_runs', { ...run, head_repository })
}

function getRun(state: State, _request: Request, [id]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const run = state.runs.find((each) => each.id === Number(id))
  return run === undefined ? notFound : { status: 200, body: fullRun(run) }
}

function listJobs(state: State, request: Request, [runId]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const ofRun = state.jobs.filter((job) => job.run_id === Number(runId))
  const latest = Math.max(...ofRun.map(({ run_attempt }) => run_attempt))
  const jobs = ofRun
    .filter(({ run_attempt }) => request.query.get('filter') === 'all' || run_attempt === latest)
    .map((job) => sampleItem('GET', '/repos/{owner}/{repo}/actions/runs/{run_id}/jobs', 'jobs', job))
  return paged(request, jobs, 'jobs')
}

function listArtifacts(state: State, request: Request, [runId]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const name = request.query.get('name')
  const artifacts = state.artifacts
    .filter((artifact) => artifact.runId === Number(runId) && artifact.digest !== null)
    .filter((artifact) => name === null || artifact.name === name)
    .map((artifact) =>
      sampleItem('GET', '/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts', 'artifacts', {
        id: artifact.id,
        name: artifact.name,
        size_in_bytes: artifact.sizeBytes,
        expired: artifact.expired,
        created_at: artifact.createdAt,
        digest: artifact.digest,
        archive_download_url: `${request.origin}/repos/o/r/actions/artifacts/${artifact.id}/zip`,
        workflow_run: { id: artifact.runId, repository_id: repositoryId },
      }),
    )
  return paged(request, artifacts, 'artifacts')
}

function downloadArtifact(state: State, request: Request, [id]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const artifact = state.artifacts.find((stored) => stored.id === Number(id))
  if (artifact === undefined) return notFound
  if (artifact.expired) return { status: 410, body: { message: 'Artifact has expired' } }
  return { status: 302, headers: { location: `${request.origin}/blob/${artifact.blob}?${blobSignature}` } }
}

function listComments(state: State, request: Request, [issue]: readonly string[]): Answer {
  return paged(request, state.comments.filter((comment) => comment.issue === Number(issue)).map(fullComment))
}

function fullComment({ issue: _, user, ...comment }: State['comments'][number]): object {
  const path = '/repos/{owner}/{repo}/issues/{issue_number}/comments'
  return sample('GET', path, 200, { ...comment, user: fullUser(user) })
}

function fullUser(user: object): object {
  return sampleOf('simple-user', user)
}

function createComment(state: State, request: Request, [issue]: readonly string[]): Answer {
  const body = commentBody(state, request)
  if (typeof body !== 'string') return body
  const comment = {
    id: state.nextId++,
    issue: Number(issue),
    user: { login: botLogin, type: 'Bot' as const },
    body,
  }
  state.comments.push(comment)
  return { status: 201, body: fullComment(comment) }
}

function updateComment(state: State, request: Request, [id]: readonly string[]): Answer {
  const body = commentBody(state, request)
  if (typeof body !== 'string') return body
  const at = state.comments.findIndex((comment) => comment.id === Number(id))
  const old = state.comments[at]
  if (old === undefined) return notFound
  const updated = { ...old, body }
  state.comments[at] = updated
  return { status: 200, body: fullComment(updated) }
}

function deleteComment(state: State, _request: Request, [id]: readonly string[]): Answer {
  if (state.permissions['pull-requests'] !== 'write') return forbidden
  const rest = state.comments.filter((comment) => comment.id !== Number(id))
  if (rest.length === state.comments.length) return notFound
  state.comments = rest
  return { status: 204 }
}

function commentBody(state: State, request: Request): string | Answer {
  if (state.permissions['pull-requests'] !== 'write') return forbidden
  const { body } = JSON.parse(request.body.toString()) as { body?: unknown }
  if (typeof body === 'string' && body !== '' && body.length <= maxCommentLength) return body
  const message = `Body is too long (maximum is ${maxCommentLength} characters)`
  return {
    status: 422,
    body: {
      message: 'Validation Failed',
      documentation_url: 'https://docs.github.com/rest',
      errors: [{ resource: 'IssueComment', code: 'unprocessable', message }],
    },
  }
}

function compare(state: State, _request: Request, [base = '', head = '']: readonly string[]): Answer {
  const status = state.compare(base, head)
  if (status === null) return notFound
  const path = '/repos/{owner}/{repo}/compare/{basehead}'
  return { status: 200, body: sample('GET', path, 200, { status }) }
}

function listReleases(state: State, request: Request): Answer {
  const path = '/repos/{owner}/{repo}/releases'
  const releases = state.releases.map(({ tag, prerelease }) =>
    sample('GET', path, 200, { tag_name: tag, prerelease, draft: false }),
  )
  return paged(request, releases)
}

function getCommit(state: State, _request: Request, [tag = '']: readonly string[]): Answer {
  const sha = state.commitOf(tag)
  if (sha === null)
    return {
      status: 422,
      body: {
        message: `No commit found for SHA: tags/${tag}`,
        documentation_url: 'https://docs.github.com/rest',
      },
    }
  return { status: 200, body: sample('GET', '/repos/{owner}/{repo}/commits/{ref}', 200, { sha }) }
}

function listPulls(state: State, request: Request): Answer {
  const path = '/repos/{owner}/{repo}/pulls'
  const pulls = state.pulls
    .filter((pull) => pull.state === (request.query.get('state') ?? 'open'))
    .filter(({ head }) => `${head.owner}:${head.ref}` === request.query.get('head'))
    .map(({ number, state: open, head }) => {
      const { head: like, base } = sample('GET', path, 200, {}) as Record<'head' | 'base', { repo: object }>
      const repo = head.repositoryId === null ? null : { ...like.repo, id: head.repositoryId }
      return sample('GET', path, 200, {
        number,
        state: open,
        head: { ...like, sha: head.sha, ref: head.ref, repo },
        base: { ...base, repo: { ...base.repo, id: repositoryId } },
      })
    })
  return paged(request, pulls)
}

function listFiles(state: State, request: Request, [number]: readonly string[]): Answer {
  const path = '/repos/{owner}/{repo}/pulls/{pull_number}/files'
  const pull = state.pulls.find((each) => each.number === Number(number))
  if (pull === undefined) return notFound
  return paged(
    request,
    pull.files.map((file) => sample('GET', path, 200, file)),
  )
}

function listReviewComments(state: State, request: Request, [number]: readonly string[]): Answer {
  const path = '/repos/{owner}/{repo}/pulls/{pull_number}/comments'
  const comments = state.reviewComments
    .filter(({ pull }) => pull === Number(number))
    .map(({ pull: _, user, ...comment }) => sample('GET', path, 200, { ...comment, user: fullUser(user) }))
  return paged(request, comments)
}

function createReview(state: State, request: Request, [number]: readonly string[]): Answer {
  if (state.permissions['pull-requests'] !== 'write') return forbidden
  const { comments = [] } = JSON.parse(request.body.toString()) as {
    comments?: NewReviewComment[]
  }
  const files = state.pulls.find((pull) => pull.number === Number(number))?.files ?? []
  if (comments.some((comment) => !isInDiff(comment, files))) {
    return {
      status: 422,
      body: { message: 'Unprocessable Entity', errors: ['Line could not be resolved'] },
    }
  }
  for (const comment of comments) {
    const user = { login: botLogin, type: 'Bot' as const }
    state.reviewComments.push({ id: state.nextId++, pull: Number(number), user, ...comment })
  }
  return { status: 200, body: sample('POST', '/repos/{owner}/{repo}/pulls/{pull_number}/reviews', 200, {}) }
}

interface NewReviewComment {
  readonly path: string
  readonly line: number
  readonly start_line?: number
  readonly side?: string
  readonly body: string
}

/** GitHub takes a comment only where its first and last line are in one hunk of the file's diff, in order. */
function isInDiff(
  { path, line, start_line = line, side }: NewReviewComment,
  files: State['pulls'][number]['files'],
): boolean {
  const patch = files.find(({ filename }) => filename === path)?.patch ?? ''
  const hunks = [...patch.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm)]
  return (
    side === 'RIGHT' &&
    start_line <= line &&
    hunks.some(([, from = '', count = '1']) => {
      const first = Number(from)
      return start_line >= first && line < first + Number(count)
    })
  )
}

function deleteReviewComment(state: State, _request: Request, [id]: readonly string[]): Answer {
  if (state.permissions['pull-requests'] !== 'write') return forbidden
  const rest = state.reviewComments.filter((comment) => comment.id !== Number(id))
  if (rest.length === state.reviewComments.length) return notFound
  state.reviewComments = rest
  return { status: 204 }
}

function viewer(_state: State, request: Request): Answer {
  const { query } = JSON.parse(request.body.toString()) as { query: string }
  if (!/^query \{ viewer \{ login \} \}$/.test(query))
    return { status: 200, body: { errors: [{ message: 'unknown query' }] } }
  return { status: 200, body: { data: { viewer: { login: botLogin } } } }
}

/** One page, with the Link header that says where the next one is. */
function paged(request: Request, all: readonly unknown[], wrap?: string): Answer {
  const perPage = Math.min(100, Number(request.query.get('per_page') ?? 30))
  const page = Number(request.query.get('page') ?? 1)
  const items = all.slice((page - 1) * perPage, page * perPage)
  const next = new URLSearchParams(request.query)
  next.set('page', String(page + 1))
  const link = `<${request.origin}${request.path}?${next.toString()}>; rel="next"`
  return {
    status: 200,
    headers: all.length > page * perPage ? { link } : {},
    body: wrap === undefined ? items : { total_count: all.length, [wrap]: items },
  }
}
