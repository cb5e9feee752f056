import { expect, test } from 'vitest'
import { planFor, readContext } from './context.ts'

const env = {
  GITHUB_REPOSITORY: 'o/r',
  GITHUB_REPOSITORY_ID: '1',
  GITHUB_SHA: 'c'.repeat(40),
  GITHUB_RUN_ID: '77',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_WORKFLOW_REF: 'o/r/.github/workflows/gate.yml@refs/heads/main',
}
const repository = { id: 1, default_branch: 'main' }

function context(eventName: string, ref: string, payload: Record<string, unknown> = { repository }) {
  return readContext({ ...env, GITHUB_EVENT_NAME: eventName, GITHUB_REF: ref }, payload)
}

const pull = (headRepository: { id: number } | null, baseBranch = 'main') => ({
  repository,
  pull_request: {
    number: 7,
    head: { sha: 'b'.repeat(40), ref: 'feature', repo: headRepository },
    base: { sha: 'a'.repeat(40), ref: baseBranch },
  },
})

test('the runner is read into one record', () => {
  expect(context('pull_request', 'refs/pull/7/merge', pull({ id: 1 }))).toEqual({
    eventName: 'pull_request',
    ref: 'refs/pull/7/merge',
    sha: 'c'.repeat(40),
    runId: 77,
    runAttempt: 2,
    repository: { owner: 'o', name: 'r', id: 1 },
    defaultBranch: 'main',
    workflowFile: 'gate.yml',
    runUrl: 'https://github.com/o/r/actions/runs/77',
    pullRequest: {
      number: 7,
      headSha: 'b'.repeat(40),
      baseBranch: 'main',
      baseSha: 'a'.repeat(40),
      headRepositoryId: 1,
    },
    mergeGroup: null,
    workflowRun: null,
  })
})

test('off GitHub it says so, and what to use instead', () => {
  expect(() => readContext({ GITHUB_SHA: 'x' }, {})).toThrow(/not a GitHub Actions runner: GITHUB_REPOSITORY/)
})

test.each([
  ['push', 'refs/heads/main', 'baseline', 'main'],
  ['schedule', 'refs/heads/main', 'baseline', 'main'],
  ['workflow_dispatch', 'refs/heads/main', 'baseline', 'main'],
  ['workflow_dispatch', 'refs/heads/feature', 'gate', 'main'],
  ['push', 'refs/heads/release/1', 'gate', 'main'],
  // A tag may be called like the branch.
  ['push', 'refs/tags/main', 'release', 'main'],
  ['workflow_dispatch', 'refs/tags/v1', 'release', 'main'],
  ['release', 'refs/tags/v1', 'release', 'main'],
])('auto on %s of %s: %s against %s', (event, ref, mode, baselineBranch) => {
  const plan = planFor(context(event, ref), 'auto')
  expect(plan).toMatchObject({ mode, baselineBranch, pullRequest: null, commit: 'c'.repeat(40) })
})

test('a pull request is judged against its own base branch, in the name of its head commit', () => {
  const plan = planFor(context('pull_request', 'refs/pull/7/merge', pull({ id: 2 }, 'release/1')), 'auto')
  expect(plan).toMatchObject({
    mode: 'gate',
    baselineBranch: 'release/1',
    pullRequest: 7,
    commit: 'b'.repeat(40),
  })
})

test('a merge group is judged against the branch of the queue', () => {
  const payload = { repository, merge_group: { base_ref: 'refs/heads/main', base_sha: 'a'.repeat(40) } }
  const plan = planFor(context('merge_group', 'refs/heads/gh-readonly-queue/main/pr-7', payload), 'auto')
  expect(plan).toMatchObject({ mode: 'gate', baselineBranch: 'main', pullRequest: null })
})

test('a schedule without a repository in its payload still knows the default branch', () => {
  const plan = planFor(context('schedule', 'refs/heads/trunk', { schedule: '0 3 * * *' }), 'auto')
  expect(plan).toMatchObject({ mode: 'baseline', baselineBranch: 'trunk' })
})

test.each([
  ['a fork', { id: 2 }],
  ['a deleted fork', null],
])('pull_request_target with the head of %s is refused, whatever the mode', (_, head) => {
  const foreign = context('pull_request_target', 'refs/heads/main', pull(head))
  for (const mode of ['auto', 'gate', 'baseline'] as const) {
    expect(() => planFor(foreign, mode)).toThrow(/refused: pull_request_target/)
  }
})

test('pull_request_target within the repository is judged', () => {
  const own = context('pull_request_target', 'refs/heads/main', pull({ id: 1 }))
  expect(planFor(own, 'auto')).toMatchObject({ mode: 'gate', pullRequest: 7 })
})

test('an event that auto cannot place needs a mode', () => {
  const odd = context('issue_comment', 'refs/heads/main')
  expect(() => planFor(odd, 'auto')).toThrow(/does not know what to do on the event issue_comment/)
  expect(planFor(odd, 'gate')).toMatchObject({ mode: 'gate', baselineBranch: 'main', why: 'mode: gate' })
})

const finished = {
  id: 55,
  run_attempt: 2,
  event: 'pull_request',
  conclusion: 'failure',
  head_sha: 'd'.repeat(40),
  head_branch: 'main',
  head_repository: { id: 2, owner: { login: 'fork' } },
}

test('the end of another run has its report written; what it was is read of the event alone', () => {
  const end = context('workflow_run', 'refs/heads/main', { repository, workflow_run: finished })
  expect(end.workflowRun).toEqual({
    id: 55,
    attempt: 2,
    event: 'pull_request',
    conclusion: 'failure',
    headSha: 'd'.repeat(40),
    headBranch: 'main',
    headRepository: { id: 2, owner: 'fork' },
  })
  expect(planFor(end, 'auto')).toMatchObject({ mode: 'comment', pullRequest: null })
})

test('mode: comment needs a run to tell of', () => {
  expect(() => planFor(context('push', 'refs/heads/main'), 'comment')).toThrow(/has nothing to tell of/)
  const deleted = { ...finished, head_repository: null }
  const orphan = context('workflow_run', 'refs/heads/main', { repository, workflow_run: deleted })
  expect(orphan.workflowRun?.headRepository).toBeNull()
})

test.each<[string, Record<string, unknown>]>([
  ['nothing', {}],
  ['numbers for texts', { repository: 7, pull_request: 7, merge_group: [], workflow_run: 'x' }],
  ['a pull request without head', { repository, pull_request: { number: 7, base: {} } }],
  ['a number that is none', { repository, pull_request: { ...pull(null).pull_request, number: '7; rm' } }],
  ['a number beyond all', { repository, pull_request: { ...pull(null).pull_request, number: 1e300 } }],
  ['prototype keys', JSON.parse('{"__proto__":{"number":7},"pull_request":{"__proto__":{"number":7}}}')],
])('a payload that holds %s is an error, not a pull request', (_, payload) => {
  expect(() => planFor(context('pull_request', 'refs/pull/7/merge', payload), 'auto')).toThrow(
    /has no pull request with head and base/,
  )
})

test('a mode that is given holds on every event; a baseline belongs to the branch it is made on', () => {
  expect(planFor(context('push', 'refs/heads/release/1'), 'baseline')).toMatchObject({
    mode: 'baseline',
    baselineBranch: 'release/1',
  })
  expect(planFor(context('push', 'refs/heads/main'), 'gate')).toMatchObject({
    mode: 'gate',
    baselineBranch: 'main',
  })
})
