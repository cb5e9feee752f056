// The committed bundle, started as GitHub's runner starts it, wherever no server has to be measured for it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { seedArtifact } from '../support/github/artifacts.ts'
import { makeRepository, type TestRepository } from '../support/github/repository.ts'
import { runStep, type StepOptions, type StepResult } from '../support/github/runner.ts'
import { type LoopbackGitHub, startGitHub } from '../support/github/server.ts'
import { makeRun, newState, repositoryId } from '../support/github/state.ts'
import { makeZip } from '../support/github/zip.ts'
import { failResult, hostileResult, passResult } from '../support/result-fixtures.ts'
import { until } from '../support/until.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-fast-'))
let github: LoopbackGitHub
let repository: TestRepository
let mainCommit = ''
const headSha = 'b'.repeat(40)

beforeAll(async () => {
  github = await startGitHub()
  repository = makeRepository(join(root, 'checkout'))
  mainCommit = repository.commit('main', {
    'models/m/config.pbtxt': 'name: "m"\nbackend: "python"\n',
    'models/m/1/model.py': 'pass',
    'triton-perf-gate.yml': 'model_repository: models\ngate:\n  triton: embedded\n',
    'README.md': 'a',
  })
  repository.branch('docs', 'main')
  repository.commit('say more', { 'README.md': 'b', 'app/main.py': 'pass' })
})
beforeEach(() => void Object.assign(github.state, newState()))
afterAll(async () => {
  await github.close()
  rmSync(root, { recursive: true, force: true })
})

const payloadRepository = { id: repositoryId, name: 'r', default_branch: 'main', owner: { login: 'o' } }

function step(change: Partial<StepOptions>): Promise<StepResult> {
  if (change.sha === undefined) repository.checkout('main')
  const dist = process.env.TRITON_PERF_GATE_DIST
  return runStep({
    github,
    workspace: repository.directory,
    eventName: 'push',
    ref: 'refs/heads/main',
    sha: mainCommit,
    runId: 200,
    payload: { repository: payloadRepository },
    inputs: {},
    ...(dist === undefined ? {} : { dist }),
    ...change,
  })
}

const pullPayload = () => ({
  repository: payloadRepository,
  pull_request: {
    number: 7,
    head: { sha: headSha, ref: 'docs', repo: { id: repositoryId } },
    base: { sha: mainCommit, ref: 'main' },
  },
})
const pullRequest = (branch: string, change: Partial<StepOptions> = {}) => {
  const sha = repository.testMerge(branch)
  return step({ eventName: 'pull_request', ref: 'refs/pull/7/merge', sha, payload: pullPayload(), ...change })
}

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

/** Code that runs in the action's process: what a library might do, at the worst moment. */
const preload = (code: string) => `--import=data:text/javascript,${encodeURIComponent(code)}`
const asked = join(root, 'asked')
const later = (code: string) =>
  preload(
    'import { existsSync } from "node:fs"; const timer = setInterval(() => { ' +
      `if (existsSync(${JSON.stringify(asked)})) { clearInterval(timer); ${code} } }, 20)`,
  )

/** With code that runs while the action waits for GitHub. */
async function stepWith(nodeOptions: string): Promise<StepResult> {
  github.state.faults = [{ match: /runs$/, times: 100, hang: true }]
  let isOver = false
  const isAsked = () => github.state.requests.some((request) => request.endsWith('runs'))
  const sign = until(() => isOver || isAsked()).then(() => writeFileSync(asked, ''))
  const ended = await step({ env: { NODE_OPTIONS: nodeOptions } })
  isOver = true
  await sign
  rmSync(asked)
  return ended
}

test.each<[string, string, RegExp]>([
  ['process.exit(0) by a library', later('process.exit(0)'), /without a verdict/],
  ['an error that nobody catches', later('throw new Error("stray")'), /stray/],
  ['a rejection that nobody handles', later('Promise.reject(new Error("stray"))'), /stray/],
  [
    'a promise that never settles',
    preload(
      'import fs from "node:fs/promises"; import { syncBuiltinESMExports } from "node:module";' +
        'fs.readFile = () => new Promise(() => {}); syncBuiltinESMExports()',
    ),
    /without a verdict|unsettled/,
  ],
  ['an exit code that is set to 0', later('process.exitCode = 0; process.emit("SIGTERM")'), /stopping/],
])('fail-open is impossible: %s', async (_, nodeOptions, log) => {
  const ended = await stepWith(nodeOptions)
  expect(ended.exitCode === 0 || ended.exitCode === null, ended.log).toBe(false)
  expect(ended.log).toMatch(log)
  expect(ended.outputs.verdict ?? 'invalid').toBe('invalid')
  expect(github.state.artifacts).toEqual([])
})

test.each(['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_EVENT_PATH'])(
  '%s that cannot be used does not make it green',
  async (name) => {
    const ended = await step({
      inputs: { 'model-repository': 'no-such-folder' },
      env: { [name]: join(root, 'no', 'such', 'file') },
    })
    expect(ended.exitCode === 0 || ended.exitCode === null, ended.log).toBe(false)
  },
)

test('killed outright while it waits: no exit code at all is no pass', async () => {
  const killed = await stepWith(later('process.kill(process.pid, "SIGKILL")'))
  expect(killed.signal).toBe('SIGKILL')
  expect(killed.outputs).toEqual({})
})

test('a secret in a URL is masked before anything else is said', async () => {
  const ended = await step({
    inputs: {
      triton: 'remote',
      'triton-url': 'grpc://user:p%40ss-word@127.0.0.1:1',
      'model-repository': 'models',
    },
  })
  expect(ended.exitCode).toBeGreaterThan(0)
  const lines = ended.log.split('\n')
  const firstSaid = lines.findIndex((line) => !line.startsWith('::add-mask::'))
  expect(lines.slice(0, firstSaid)).toEqual(
    expect.arrayContaining(['::add-mask::p%2540ss-word', '::add-mask::p@ss-word']),
  )
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

test('the first line is there at once', async () => {
  const times: number[] = []
  const bare: number[] = []
  for (let run = 0; run < 5; run++) {
    const fromMs = performance.now()
    execFileSync(process.execPath, ['--eval', 'console.log("")'])
    bare.push(performance.now() - fromMs)
    const { firstLineMs } = await step({ inputs: { mode: 'gates' } })
    times.push(firstLineMs ?? Number.POSITIVE_INFINITY)
  }
  const ratio = Math.min(...times) / Math.min(...bare)
  console.log(
    `first line after ${Math.min(...times)} ms at best, ${ratio.toFixed(1)} times as late as of Node alone`,
  )
  // The aim is 300 ms, some 7 times; on a machine however busy this still tells a bundle that loads everything before it speaks.
  expect(ratio).toBeLessThan(20)
})

test('the bundles are as small as they are meant to be', () => {
  const dist = process.env.TRITON_PERF_GATE_DIST ?? join(import.meta.dirname, '../../dist')
  const bytesOf = (folder: string): number =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
  // GitHub fetches the whole repository for every job that uses the action.
  expect(bytesOf(join(dist, 'action'))).toBeLessThanOrEqual(8e6)
  expect(bytesOf(dist)).toBeLessThanOrEqual(24e6)
})
