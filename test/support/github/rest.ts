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
  ['GET', /^\/repos\/o\/r\/actions\/runs\/(\d+)\/artifacts$/, listArtifacts],
  ['GET', /^\/repos\/o\/r\/actions\/artifacts\/(\d+)\/zip$/, downloadArtifact],
  ['GET', /^\/repos\/o\/r\/issues\/(\d+)\/comments$/, listComments],
  ['POST', /^\/repos\/o\/r\/issues\/(\d+)\/comments$/, createComment],
  ['PATCH', /^\/repos\/o\/r\/issues\/comments\/(\d+)$/, updateComment],
  ['DELETE', /^\/repos\/o\/r\/issues\/comments\/(\d+)$/, deleteComment],
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
  return paged(request, runs, 'workflow_runs')
}

function listArtifacts(state: State, request: Request, [runId]: readonly string[]): Answer {
  if (state.permissions.actions === 'none') return forbidden
  const name = request.query.get('name')
  const artifacts = state.artifacts
    .filter((artifact) => artifact.runId === Number(runId) && artifact.digest !== null)
    .filter((artifact) => name === null || artifact.name === name)
    .map((artifact) => ({
      id: artifact.id,
      name: artifact.name,
      size_in_bytes: artifact.sizeBytes,
      expired: artifact.expired,
      created_at: artifact.createdAt,
      digest: artifact.digest,
      archive_download_url: `${request.origin}/repos/o/r/actions/artifacts/${artifact.id}/zip`,
      workflow_run: { id: artifact.runId, repository_id: repositoryId },
    }))
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
  return paged(
    request,
    state.comments.filter((comment) => comment.issue === Number(issue)),
  )
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
  return { status: 201, body: comment }
}

function updateComment(state: State, request: Request, [id]: readonly string[]): Answer {
  const body = commentBody(state, request)
  if (typeof body !== 'string') return body
  const at = state.comments.findIndex((comment) => comment.id === Number(id))
  const old = state.comments[at]
  if (old === undefined) return notFound
  state.comments[at] = { ...old, body }
  return { status: 200, body: state.comments[at] }
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
    body: { message: 'Validation Failed', errors: [{ resource: 'IssueComment', message }] },
  }
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
