// The second workflow, which writes the report of a pull request from a fork: it has the rights, and nothing of the fork's.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { seedArtifact } from '../support/github/artifacts.ts'
import { headSha, openActionScene, payloadRepository } from '../support/github/scene.ts'
import { newState } from '../support/github/state.ts'
import { makeZip } from '../support/github/zip.ts'
import { failResult, hostileResult, passResult } from '../support/result-fixtures.ts'

const { root, github, step, pullRequest, close } = await openActionScene()
beforeEach(() => void Object.assign(github.state, newState()))
afterAll(close)

/** What GitHub tells of a run that has ended; the fork's branch is called main. */
const finished = (change: object = {}) => ({
  repository: payloadRepository,
  workflow_run: {
    id: 55,
    run_attempt: 1,
    event: 'pull_request',
    conclusion: 'failure',
    head_sha: headSha,
    head_branch: 'main',
    head_repository: { id: 2, owner: { login: 'fork' } },
    ...change,
  },
})
const forkPull = (number: number, sha = headSha) => ({
  number,
  state: 'open' as const,
  head: { sha, ref: 'main', owner: 'fork', repositoryId: 2 },
  files: [],
})
const afterRun = (payload: object, inputs: Record<string, string> = {}) => {
  const empty = mkdtempSync(join(root, 'nothing-checked-out-'))
  return step({ eventName: 'workflow_run', payload: { ...payload }, workspace: empty, runId: 300, inputs })
}
const resultZip = (result: unknown) =>
  makeZip([
    { name: 'result.json', content: JSON.stringify(result) },
    { name: 'report.md', content: 'forged' },
  ])

test("a fork's report is written by the second workflow, where nothing is checked out", async () => {
  github.state.pulls = [
    forkPull(7),
    { ...forkPull(8, 'c'.repeat(40)), head: { ...forkPull(8).head, ref: 'other' } },
  ]
  seedArtifact(github.state, 55, 'triton-perf-gate-result', resultZip(failResult()))
  const commented = await afterRun(finished())
  expect(commented.exitCode, commented.log).toBe(0)
  expect(commented.outputs.verdict).toBe('fail')
  expect(github.state.comments).toEqual([
    expect.objectContaining({
      issue: 7,
      body: expect.stringMatching(
        /^<!-- triton-perf-gate:default run=55\.1 -->\n## ❌ Performance gate: fail\n/,
      ),
    }),
  ])
  expect(github.state.comments[0]?.body).toContain('[run 55](https://github.com/o/r/actions/runs/55)')
  expect(github.state.comments[0]?.body).not.toContain('forged')
  expect(commented.summary).toContain('Performance gate: fail')
  expect(github.state.violations).toEqual([])
})

test('hostile names in it link to nothing, call nobody and forge no marker', async () => {
  github.state.pulls = [forkPull(7)]
  seedArtifact(github.state, 55, 'triton-perf-gate-result', resultZip(hostileResult()))
  const commented = await afterRun(finished())
  expect(commented.exitCode, commented.log).toBe(0)
  const [comment] = github.state.comments
  // A patch is shown as code, whatever is in it.
  const read = comment?.body.replace(/^(`{3,})[^`]*\n[\s\S]*?^\1$/gm, '') ?? ''
  expect(read.match(/<!--/g)).toHaveLength(1)
  expect(read).not.toMatch(/(^|[^`\w])@[a-z]/i)
  expect(Buffer.byteLength(comment?.body ?? '')).toBeLessThanOrEqual(60_000)
})

test('of a run that has left nothing usable the comment says invalid; of no pull request there is none', async () => {
  github.state.pulls = [forkPull(7)]
  const invalid = await afterRun(finished())
  expect(invalid.exitCode, invalid.log).toBe(0)
  expect(invalid.outputs.verdict).toBe('invalid')
  expect(github.state.comments[0]?.body).toContain('Performance gate: invalid')

  github.state.comments = []
  github.state.pulls = [forkPull(7, 'c'.repeat(40))]
  const moved = await afterRun(finished())
  expect(moved.exitCode, moved.log).toBe(0)
  expect(moved.log).toContain('has moved on')
  expect(github.state.comments).toEqual([])

  const push = await afterRun(finished({ event: 'push' }))
  expect(push.exitCode, push.log).toBe(0)
  expect(github.state.comments).toEqual([])
})

/** A comment that an earlier run of this pull request has left. */
const earlier = (key = 'default') => ({
  id: 5,
  issue: 7,
  user: { login: 'github-actions[bot]', type: 'Bot' as const },
  body: `<!-- triton-perf-gate:${key} run=50.1 -->\nfail`,
})

test('a fork that touches no model: its run says so, and only a comment that is there is put right', async () => {
  const measured = await pullRequest('docs', { runId: 55, inputs: { comment: 'false' } })
  expect(measured.exitCode, measured.log).toBe(0)
  github.state.pulls = [forkPull(7)]
  const first = await afterRun(finished({ conclusion: 'success' }))
  expect(first.exitCode, first.log).toBe(0)
  expect(first.outputs.verdict).toBe('pass')
  expect(first.summary).toContain('Nothing was measured: none of the 2 changed files belongs to a model')
  expect(github.state.comments).toEqual([])

  github.state.comments = [earlier()]
  const second = await afterRun(finished({ conclusion: 'success' }))
  expect(second.exitCode, second.log).toBe(0)
  expect(github.state.comments).toHaveLength(1)
  expect(github.state.comments[0]?.body).toContain('Nothing was measured: none of the 2 changed files')
  expect(github.state.violations).toEqual([])
})

test('a green run that has left nothing is neither pass nor invalid', async () => {
  github.state.pulls = [forkPull(7)]
  const first = await afterRun(finished({ conclusion: 'success' }))
  expect(first.exitCode, first.log).toBe(0)
  expect(first.outputs.verdict).toBe('')
  expect(github.state.comments).toEqual([])
  github.state.comments = [earlier()]
  await afterRun(finished({ conclusion: 'success' }))
  expect(github.state.comments[0]?.body).toMatch(/Performance gate: no result\n[\s\S]*This is not a pass/)
})

test("a red leg of a fork's matrix leaves the comment of the others as it is", async () => {
  github.state.pulls = [forkPull(7)]
  const job = { run_id: 55, run_attempt: 1, status: 'completed' as const }
  github.state.jobs = [
    { ...job, id: 1, name: 'gate (a100)', conclusion: 'success' },
    { ...job, id: 2, name: 'gate (h100)', conclusion: 'failure' },
  ]
  for (const key of ['a100', 'h100'])
    seedArtifact(github.state, 55, `triton-perf-gate-result-${key}`, resultZip(passResult()))
  const green = await afterRun(finished(), { 'comment-key': 'a100' })
  expect(green.outputs.verdict, green.log).toBe('pass')
  const red = await afterRun(finished(), { 'comment-key': 'h100' })
  expect(red.outputs.verdict, red.log).toBe('invalid')
  expect(github.state.comments.map(({ body }) => body)).toEqual([
    expect.stringMatching(/^<!-- triton-perf-gate:a100 [\s\S]*Performance gate: pass/),
    expect.stringMatching(
      /^<!-- triton-perf-gate:h100 [\s\S]*The result says pass, but the job gate \(h100\) ended with/,
    ),
  ])
  expect(github.state.violations).toEqual([])
})

test('a comment that cannot be written fails the run that is only there to write it', async () => {
  github.state.pulls = [forkPull(7)]
  github.state.permissions = { actions: 'read', 'pull-requests': 'read' }
  seedArtifact(github.state, 55, 'triton-perf-gate-result', resultZip(failResult()))
  const refused = await afterRun(finished())
  expect(refused.exitCode).toBe(3)
  expect(refused.log).toContain('pull-requests: write')
})
