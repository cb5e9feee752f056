import { GateError } from '../domain/error.ts'

/** What the event says, read from the runner's environment and the event's payload. */
export interface ActionContext {
  readonly eventName: string
  /** `refs/heads/main`, `refs/pull/7/merge`, `refs/tags/v1`. */
  readonly ref: string
  readonly sha: string
  readonly runId: number
  readonly runAttempt: number
  readonly repository: { readonly owner: string; readonly name: string; readonly id: number | null }
  readonly defaultBranch: string | null
  /** `gate.yml`, out of GITHUB_WORKFLOW_REF; null where the runner does not say. */
  readonly workflowFile: string | null
  readonly runUrl: string
  readonly pullRequest: PullRequest | null
  readonly mergeGroup: { readonly baseBranch: string; readonly baseSha: string } | null
  /** The run that has just ended, on the event workflow_run. */
  readonly workflowRun: TriggeringRun | null
}

/** A finished run as GitHub's event tells of it; nothing in here was written by the run. */
export interface TriggeringRun {
  readonly id: number
  readonly attempt: number
  readonly event: string
  readonly conclusion: string | null
  readonly headSha: string
  readonly headBranch: string
  /** null where the fork was deleted. */
  readonly headRepository: { readonly id: number; readonly owner: string } | null
}

interface PullRequest {
  readonly number: number
  readonly headSha: string
  readonly baseBranch: string
  readonly baseSha: string
  /** null where the fork was deleted. */
  readonly headRepositoryId: number | null
}

/** `comment` measures nothing: it writes what another run has measured. */
export type Mode = 'gate' | 'baseline' | 'release' | 'comment'

/** What to do about this event. */
export interface Plan {
  readonly mode: Mode
  /** The branch whose baseline is compared with, or carried on. */
  readonly baselineBranch: string | null
  /** Where the sticky comment goes. */
  readonly pullRequest: number | null
  /** The commit the report speaks of: a pull request's head, not GitHub's test merge. */
  readonly commit: string
  /** Why this mode, for the log. */
  readonly why: string
}

type Json = Readonly<Record<string, unknown>>

/**
 * @param env the runner's environment (`GITHUB_*`)
 * @param payload the event, as GitHub wrote it to GITHUB_EVENT_PATH
 * @throws GateError `environment` where this is not a GitHub runner
 */
export function readContext(env: Readonly<Record<string, string | undefined>>, payload: Json): ActionContext {
  const [owner, name] = (env.GITHUB_REPOSITORY ?? '').split('/')
  const runId = Number(env.GITHUB_RUN_ID)
  const missing = ['GITHUB_REPOSITORY', 'GITHUB_EVENT_NAME', 'GITHUB_SHA', 'GITHUB_RUN_ID'].filter(
    (key) => !env[key],
  )
  if (missing.length > 0 || !owner || !name || !Number.isSafeInteger(runId)) {
    throw new GateError('environment', `this is not a GitHub Actions runner: ${missing.join(', ')} not set`, {
      hint: 'use the command line instead: npx triton-perf-gate --help',
    })
  }
  const repository = record(payload.repository)
  const pull = record(payload.pull_request)
  const group = record(payload.merge_group)
  const ref = env.GITHUB_REF ?? ''
  return {
    eventName: env.GITHUB_EVENT_NAME ?? '',
    ref,
    sha: env.GITHUB_SHA ?? '',
    runId,
    runAttempt: Number(env.GITHUB_RUN_ATTEMPT) || 1,
    repository: { owner, name, id: integer(repository.id) ?? integer(env.GITHUB_REPOSITORY_ID) },
    // A schedule runs on the default branch only, and its payload may not name it.
    defaultBranch:
      string(repository.default_branch) ?? (env.GITHUB_EVENT_NAME === 'schedule' ? branchOf(ref) : null),
    workflowFile: /\/\.github\/workflows\/([^@/]+)@/.exec(env.GITHUB_WORKFLOW_REF ?? '')?.[1] ?? null,
    runUrl: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${owner}/${name}/actions/runs/${runId}`,
    pullRequest: readPullRequest(pull),
    mergeGroup:
      typeof group.base_sha === 'string' && typeof group.base_ref === 'string'
        ? { baseSha: group.base_sha, baseBranch: branchOf(group.base_ref) ?? group.base_ref }
        : null,
    workflowRun: readWorkflowRun(record(payload.workflow_run)),
  }
}

function readWorkflowRun(run: Json): TriggeringRun | null {
  const id = integer(run.id)
  const event = string(run.event)
  const headSha = string(run.head_sha)
  const headBranch = string(run.head_branch)
  if (id === null || event === null || headSha === null || headBranch === null) return null
  const head = record(run.head_repository)
  const headId = integer(head.id)
  const owner = string(record(head.owner).login)
  return {
    id,
    attempt: integer(run.run_attempt) ?? 1,
    event,
    conclusion: string(run.conclusion),
    headSha,
    headBranch,
    headRepository: headId === null || owner === null ? null : { id: headId, owner },
  }
}

function readPullRequest(pull: Json): PullRequest | null {
  const number = integer(pull.number)
  const head = record(pull.head)
  const base = record(pull.base)
  const headSha = string(head.sha)
  const baseBranch = string(base.ref)
  const baseSha = string(base.sha)
  if (number === null || headSha === null || baseBranch === null || baseSha === null) return null
  return { number, headSha, baseBranch, baseSha, headRepositoryId: integer(record(head.repo).id) }
}

/**
 * `auto`: the default branch (push, schedule, workflow_dispatch) measures and stores a baseline; a release or a
 * tag is judged against the release before it; the end of another workflow's run has its report written as a
 * comment; everything else is judged against the baseline. A mode given by the user holds for every event.
 *
 * @throws GateError `usage` for `pull_request_target` with a fork's head, and for events that `auto` cannot place
 */
export function planFor(context: ActionContext, mode: 'auto' | Mode): Plan {
  refuseForeignCode(context)
  const { mode: own, why } = mode === 'auto' ? modeFor(context) : { mode, why: `mode: ${mode}` }
  if (context.pullRequest === null && context.eventName.startsWith('pull_request')) {
    const message = `the payload of ${context.eventName} has no pull request with head and base`
    throw new GateError('environment', message)
  }
  if (own === 'comment' && context.workflowRun === null) {
    throw new GateError('usage', 'mode: comment has nothing to tell of on this event', {
      hint: 'run it on the event workflow_run, after the workflow that measures: examples/workflows/fork-comment.yml',
    })
  }
  const pull = context.pullRequest
  const upstream = pull?.baseBranch ?? context.mergeGroup?.baseBranch
  return {
    mode: own,
    baselineBranch: upstream ?? (own === 'baseline' ? branchOf(context.ref) : context.defaultBranch),
    pullRequest: pull?.number ?? null,
    commit: pull?.headSha ?? context.sha,
    why,
  }
}

function modeFor(context: ActionContext): { readonly mode: Mode; readonly why: string } {
  const { eventName, ref, defaultBranch } = context
  const branch = branchOf(ref)
  switch (eventName) {
    case 'pull_request':
    case 'pull_request_target':
      return {
        mode: 'gate',
        why: `pull request #${context.pullRequest?.number} into ${context.pullRequest?.baseBranch}`,
      }
    case 'merge_group':
      return { mode: 'gate', why: `merge queue of ${context.mergeGroup?.baseBranch ?? 'an unknown branch'}` }
    case 'push':
    case 'workflow_dispatch':
      if (ref.startsWith('refs/tags/')) return { mode: 'release', why: `${eventName} on ${ref}` }
      return branch !== null && branch === defaultBranch
        ? { mode: 'baseline', why: `${eventName} on the default branch ${branch}` }
        : { mode: 'gate', why: `${eventName} on ${ref}, which is not the default branch` }
    case 'release':
      return { mode: 'release', why: `release ${ref}` }
    case 'schedule':
      return { mode: 'baseline', why: 'scheduled refresh of the baseline' }
    case 'workflow_run':
      return { mode: 'comment', why: `run ${context.workflowRun?.id ?? 'unknown'} has ended` }
    default:
      throw new GateError('usage', `mode: auto does not know what to do on the event ${eventName}`, {
        hint:
          'set mode: gate, baseline or release, or run on push, pull_request, merge_group, schedule, ' +
          'workflow_dispatch, release or workflow_run',
      })
  }
}

/**
 * A model repository is code (Python backends, shared libraries), and `pull_request_target` runs with the
 * base repository's secrets and write token: a fork's models must not be loaded there.
 */
function refuseForeignCode(context: ActionContext): void {
  const { eventName, pullRequest, repository } = context
  if (eventName !== 'pull_request_target') return
  if (pullRequest !== null && repository.id !== null && pullRequest.headRepositoryId === repository.id) return
  throw new GateError('usage', 'refused: pull_request_target with the head of a fork', {
    hint:
      'models are code, and this event holds a write token and secrets. Use the event pull_request: on a fork ' +
      'the report then goes to the job summary, and the verdict is the same',
  })
}

/** `refs/heads/main` → `main`; null for tags and pull requests. */
function branchOf(ref: string): string | null {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function string(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function integer(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null
}
