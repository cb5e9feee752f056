// The committed bundle on events for which nothing is measured, or that end before it is: what is compared with what.
import { execFileSync } from 'node:child_process'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openActionScene } from '../support/github/scene.ts'
import { makeRun, newState, repositoryId } from '../support/github/state.ts'

const { github, repository, mainCommit, step, pullRequest, close } = await openActionScene()
beforeEach(() => void Object.assign(github.state, newState()))
afterAll(close)

test('a pull request that touches no model passes and measures nothing', async () => {
  const untouched = await pullRequest('docs')
  expect(untouched.exitCode, untouched.log).toBe(0)
  expect(untouched.outputs).toMatchObject({ verdict: 'pass', 'result-path': '' })
  expect(untouched.summary).toContain('Nothing was measured: none of the 2 changed files belongs to a model')
  expect(untouched.state).toEqual({})
  expect(github.state.artifacts.map(({ name }) => name)).toEqual(['triton-perf-gate-result'])
  // Nobody has to read that nothing was to be said.
  expect(github.state.comments).toEqual([])
})

test('the comment of an earlier push that did touch one is put right', async () => {
  const user = { login: 'github-actions[bot]', type: 'Bot' as const }
  const body = '<!-- triton-perf-gate:default run=100.1 -->\nfail'
  github.state.comments = [{ id: 5, issue: 7, user, body }]
  const untouched = await pullRequest('docs', { runId: 201 })
  expect(untouched.exitCode, untouched.log).toBe(0)
  expect(github.state.comments).toEqual([
    expect.objectContaining({ id: 5, body: expect.stringContaining('Nothing was measured') }),
  ])
})

test('skip-untouched: false measures it all the same', async () => {
  const inputs = { 'skip-untouched': 'false', triton: 'remote', 'triton-url': 'grpc://127.0.0.1:1' }
  const measured = await pullRequest('docs', { inputs })
  expect(measured.exitCode, measured.log).toBe(2)
  expect(measured.outputs.verdict).toBe('invalid')
  expect(measured.log).not.toContain('nothing is measured')
})

test('a release is judged against the one before it, which is looked up and fetched', async () => {
  github.state.releases = [
    { tag: 'v2', prerelease: false },
    { tag: 'v1', prerelease: false },
  ]
  github.state.commitOf = (tag) => ({ v1: mainCommit, v2: 'e'.repeat(40) })[tag] ?? null
  github.state.compare = (base) => (base === mainCommit ? 'ahead' : 'diverged')
  repository.checkout('docs')
  const sha = repository.head()
  const inputs = { 'model-repository': 'no-such-folder' }
  const release = await step({ ref: 'refs/tags/v1.1', sha, inputs })
  expect(release.exitCode, release.log).toBe(2)
  expect(release.log).toContain('mode release')
  expect(release.log).toContain('the release before: v1')
  expect(release.log).toContain(`reference: the release before, v1 (${mainCommit.slice(0, 7)})`)
})

test('where no release is published, the newest tag of a version before it is one', async () => {
  const git = (...args: string[]) => execFileSync('git', ['-C', repository.directory, ...args])
  repository.branch('tagged', 'main')
  const sha = repository.commit('slower', { 'models/m/1/model.py': 'pass # slower' })
  git('tag', 'v1.0', mainCommit)
  git('tag', 'v1.1-rc1', sha)
  try {
    const inputs = { 'model-repository': 'no-such-folder' }
    const release = await step({ ref: 'refs/tags/v1.1', sha, inputs })
    expect(release.exitCode, release.log).toBe(2)
    expect(release.log).toContain('the release before: v1.0')
    expect(release.log).toContain(`reference: the release before, v1.0 (${mainCommit.slice(0, 7)})`)
  } finally {
    git('tag', '--delete', 'v1.0', 'v1.1-rc1')
  }
})

test("a first release is not compared with main's baseline of its own commit", async () => {
  github.state.runs = [
    makeRun(101, { head_sha: mainCommit, head_repository: { id: repositoryId } }),
    makeRun(100, { head_repository: { id: repositoryId } }),
  ]
  repository.checkout('main')
  const inputs = { 'model-repository': 'no-such-folder' }
  const release = await step({ ref: 'refs/tags/v1', inputs })
  expect(release.log).toContain('this commit grew out of no earlier release')
  const own = `passed over: run 101: its commit ${mainCommit.slice(0, 7)} is the one under test`
  expect(release.log).toContain(own)
  expect(release.log).toContain('passed over: run 100: its artifact does not exist')
  // Whoever names the commit means it.
  const chosen = await step({ ref: 'refs/tags/v1', inputs: { ...inputs, reference: mainCommit } })
  expect(chosen.log).not.toContain('is the one under test')
  expect(chosen.log).toContain('passed over: run 101: its artifact does not exist')
})

test('on GitHub Enterprise Server nothing is searched: the input baseline is what there is', async () => {
  const inputs = { 'model-repository': 'no-such-folder' }
  const env = { GITHUB_SERVER_URL: 'https://github.example.com', GITHUB_API_URL: `${github.url}/api/v3` }
  const enterprise = await pullRequest('docs', { inputs, env })
  expect(enterprise.log).toMatch(
    /baseline: absent, .*: GitHub Enterprise Server .* give it by the input baseline/,
  )
  expect(github.state.requests.filter((request) => request.includes('/actions/'))).toEqual([])
  expect(enterprise.summary).toContain('https://github.example.com/o/r/actions/runs/200')
  // The comment goes there all the same.
  expect(github.state.comments).toHaveLength(1)
  const file = await pullRequest('docs', { inputs: { ...inputs, baseline: 'no-such.json' }, env })
  expect(file.log).not.toContain('baseline: absent')
})

test('no baseline is stored under a commit that is not checked out', async () => {
  repository.checkout('docs')
  const other = await step({ sha: mainCommit })
  expect(other.exitCode, other.log).toBe(2)
  expect(other.outputs).toMatchObject({ verdict: 'invalid', 'baseline-path': '' })
  expect(other.summary).toContain(
    `commit ${repository.head().slice(0, 7)} is checked out, but this run is about commit ${mainCommit.slice(0, 7)}`,
  )
  expect(github.state.artifacts).toEqual([])
})
