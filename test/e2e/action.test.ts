// The committed bundle, started as GitHub's runner starts it, against a loopback GitHub and the real
// embedded Triton: main stores a baseline, a harmless pull request passes, a slower one fails.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseStarted, stateName } from '../../src/action/safety-net.ts'
import { readZipEntry } from '../../src/action/zip.ts'
import { baselineSchema } from '../../src/domain/measurements.ts'
import { resultSchema } from '../../src/domain/result.ts'
import { stateOf } from '../../src/system/process-identity.ts'
import { makeRepository, type TestRepository } from '../support/github/repository.ts'
import { runStep, type StepOptions, type StepResult } from '../support/github/runner.ts'
import { type LoopbackGitHub, startGitHub } from '../support/github/server.ts'
import { botLogin, makeRun, repositoryId } from '../support/github/state.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-action-'))
let github: LoopbackGitHub
let repository: TestRepository
let mainCommit: string

/** Sleeps, so that what is measured depends on the machine as little as can be. */
const model = (sleepMs: number, note = '') => `${note}
import time
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        time.sleep(${sleepMs / 1000})
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("Y", pb_utils.get_input_tensor_by_name(request, "X").as_numpy())]
            )
            for request in requests
        ]
`
/** What is told apart is a factor of three; with tolerances as wide as any machine's noise it takes few repetitions. */
const gateSettings = `gate:
  triton: embedded
  repetitions: 8
  warmup_seconds: 0.2
  measurement_seconds: 1
  tolerance: { perf_latency_p99: 0.8, perf_throughput: 0.4 }
`
const files = {
  'models/sleepy/config.pbtxt': `
name: "sleepy"
backend: "python"
max_batch_size: 0
input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
`,
  'models/sleepy/1/model.py': model(4),
  'triton-perf-gate.yml': `
model_repository: models
profile_models:
  sleepy:
    parameters:
      concurrency: 1
${gateSettings}`,
}

beforeAll(async () => {
  github = await startGitHub()
  repository = makeRepository(join(root, 'checkout'))
  mainCommit = repository.commit('main', files)
  // What GitHub answers about ancestry is what git says of the repository.
  github.state.compare = (base, head) => repository.compare(base, head)
  repository.branch('harmless', 'main')
  repository.commit('say more', { 'models/sleepy/1/model.py': model(4, '# echoes') })
  repository.branch('slower', 'main')
  repository.commit('be careful', { 'models/sleepy/1/model.py': model(14) })
  repository.branch('fixed', 'slower')
  repository.commit('be quick again', { 'models/sleepy/1/model.py': model(4, '# fixed') })
  repository.branch('tuned', 'main')
  repository.commit('say how many', {
    'models/sleepy/config.pbtxt': files['models/sleepy/config.pbtxt'].replace(
      'instance_group',
      '# one is enough\ninstance_group',
    ),
    // Two configurations, at a load that tells them apart.
    'triton-perf-gate.yml': `
model_repository: models
profile_models:
  sleepy:
    parameters:
      concurrency: 1
    model_config_parameters:
      instance_group: [{ count: [3] }]
run_config_search_min_concurrency: 4
run_config_search_max_concurrency: 4
${gateSettings.replace('repetitions: 8', 'repetitions: 2')}`,
  })
})
afterAll(async () => {
  await github.close()
  rmSync(root, { recursive: true, force: true })
})

const payloadRepository = { id: repositoryId, name: 'r', default_branch: 'main', owner: { login: 'o' } }

function step(
  change: Partial<StepOptions> & Pick<StepOptions, 'eventName' | 'ref' | 'sha' | 'runId'>,
): Promise<StepResult> {
  const dist = process.env.TRITON_PERF_GATE_DIST
  return runStep({
    github,
    workspace: repository.directory,
    payload: { repository: payloadRepository },
    inputs: { 'time-budget': '60s', 'search-mode': 'off' },
    ...(dist === undefined ? {} : { dist }),
    ...change,
  })
}

const push = (runId: number, change: Partial<StepOptions> = {}) => {
  repository.checkout('main')
  return step({ eventName: 'push', ref: 'refs/heads/main', sha: mainCommit, runId, ...change })
}

const headSha = 'b'.repeat(40)
function pullRequest(branch: string, runId: number, change: Partial<StepOptions> = {}): Promise<StepResult> {
  const sha = repository.testMerge(branch)
  const payload = {
    repository: payloadRepository,
    pull_request: {
      number: 7,
      head: { sha: headSha, ref: branch, repo: { id: repositoryId } },
      base: { sha: mainCommit, ref: 'main' },
    },
  }
  return step({ eventName: 'pull_request', ref: 'refs/pull/7/merge', sha, runId, payload, ...change })
}

const resultOf = ({ outputs }: StepResult) =>
  resultSchema.parse(JSON.parse(readFileSync(outputs['result-path'] ?? '', 'utf8')))
const artifactNames = (runId: number) =>
  github.state.artifacts
    .filter((artifact) => artifact.runId === runId)
    .map(({ name }) => name)
    .sort()

test('main: measures, and stores a baseline that only holds baseline.json', async () => {
  const main = await push(101)
  expect(main.exitCode, main.log).toBe(0)
  expect(main.outputs).toMatchObject({ verdict: 'pass', 'baseline-sha': '', 'best-config-path': '' })
  expect(main.summary).toContain('sleepy')
  expect(artifactNames(101)).toEqual(['triton-perf-gate-baseline', 'triton-perf-gate-result'])
  expect(github.state.comments).toEqual([])

  const stored = github.state.artifacts.find(({ name }) => name === 'triton-perf-gate-baseline')
  const zip = github.state.blobs.get(stored?.blob ?? '') ?? Buffer.alloc(0)
  const baseline = baselineSchema.parse(
    JSON.parse(readZipEntry(zip, 'baseline.json', { maxBytes: 2 ** 26, maxEntries: 1 }).toString()),
  )
  expect(baseline).toMatchObject({
    commit: mainCommit,
    runId: '101',
    models: [{ name: 'sleepy', status: 'measured' }],
  })

  const post = await main.post()
  expect(post.exitCode).toBe(0)
  expect(post.annotations).toEqual([])

  github.state.runs.push(makeRun(101, { head_sha: mainCommit, head_repository: { id: repositoryId } }))
})

test('a harmless pull request: finds the baseline, measures main beside it, comments, does not fail', async () => {
  const harmless = await pullRequest('harmless', 102)
  expect(harmless.exitCode, harmless.log).toBe(0)
  expect(harmless.outputs.verdict).toMatch(/^(pass|inconclusive)$/)
  expect(harmless.outputs['baseline-sha']).toBe(mainCommit)
  expect(resultOf(harmless)).toMatchObject({
    commit: headSha,
    baseline: { status: 'found', commit: mainCommit },
    reference: { commit: mainCommit },
  })
  expect(github.state.comments).toHaveLength(1)
  expect(github.state.comments[0]).toMatchObject({
    issue: 7,
    user: { login: botLogin },
    body: expect.stringMatching(/^<!-- triton-perf-gate:default run=102\.1 -->\n/),
  })
  expect(artifactNames(102)).toEqual(['triton-perf-gate-result'])
})

test('a slower one fails, says where, and updates the one comment', async () => {
  const before = github.state.comments.map(({ id }) => id)
  const slower = await pullRequest('slower', 103)
  expect(slower.exitCode, slower.log).toBe(1)
  expect(slower.outputs.verdict, slower.log).toBe('fail')
  expect(
    slower.annotations.filter(({ level }) => level === 'error').map(({ properties }) => properties),
  ).toContainEqual(expect.stringContaining('file=models/sleepy/config.pbtxt'))
  // On a busy machine too few requests may leave a lower percentile to be gated.
  expect(slower.summary).toMatch(/p9[059] latency/)
  expect(github.state.comments.map(({ id }) => id)).toEqual(before)
  expect(github.state.comments[0]?.body).toMatch(/^<!-- triton-perf-gate:default run=103\.1 -->\n/)
})

test('the fix of it passes again, and says so in the same comment', async () => {
  const fixed = await pullRequest('fixed', 111, { inputs: { 'time-budget': '45s', 'search-mode': 'off' } })
  expect(fixed.exitCode, fixed.log).toBe(0)
  expect(fixed.outputs.verdict).toMatch(/^(pass|inconclusive)$/)
  expect(github.state.comments).toHaveLength(1)
  expect(github.state.comments[0]?.body).toMatch(/^<!-- triton-perf-gate:default run=111\.1 -->\n/)
})

test('a release is judged against the release before, and a slower one does not pass', async () => {
  github.state.releases = [{ tag: 'v1', prerelease: false }]
  github.state.commitOf = (tag) => (tag === 'v1' ? mainCommit : null)
  repository.checkout('slower')
  const sha = repository.head()
  const release = await step({ eventName: 'push', ref: 'refs/tags/v1.1', sha, runId: 114 })
  expect(release.log).toContain('the release before: v1')
  expect(release.outputs.verdict, release.log).toBe('fail')
  expect(release.exitCode).toBe(1)
  expect(resultOf(release)).toMatchObject({
    commit: sha,
    baseline: { status: 'found', commit: mainCommit },
    reference: { commit: mainCommit },
  })
  expect(release.summary).toContain('This release')
  expect(artifactNames(114)).toEqual(['triton-perf-gate-result'])
})

test('on GitHub Enterprise Server: the baseline is a file, and the best configuration a suggestion on the diff', async () => {
  const baselineFile = join(root, 'baseline.json')
  const stored = github.state.artifacts.find(({ name }) => name === 'triton-perf-gate-baseline')
  const zip = github.state.blobs.get(stored?.blob ?? '') ?? Buffer.alloc(0)
  writeFileSync(baselineFile, readZipEntry(zip, 'baseline.json', { maxBytes: 2 ** 26, maxEntries: 1 }))
  const path = 'models/sleepy/config.pbtxt'
  const patch = repository.patchOf('tuned', path)
  if (patch === undefined) throw new Error('the pull request does not change the file')
  const head = { sha: headSha, ref: 'tuned', owner: 'o', repositoryId }
  github.state.pulls = [{ number: 7, state: 'open', head, files: [{ filename: path, patch }] }]
  const uploads = github.state.artifacts.length

  const tuned = await pullRequest('tuned', 115, {
    inputs: { 'time-budget': '60s', suggest: 'true', baseline: baselineFile, reference: 'none' },
    env: { GITHUB_SERVER_URL: 'https://github.example.com', GITHUB_API_URL: `${github.url}/api/v3` },
  })
  expect(['pass', 'inconclusive', 'fail'], tuned.log).toContain(tuned.outputs.verdict)
  expect(resultOf(tuned).baseline).toMatchObject({
    status: 'found',
    source: baselineFile,
    commit: mainCommit,
  })
  expect(tuned.annotations).toContainEqual(
    expect.objectContaining({
      level: 'warning',
      message: expect.stringMatching(/not kept.*GitHub Enterprise Server has no artifacts/),
    }),
  )
  expect(github.state.artifacts).toHaveLength(uploads)
  expect(github.state.comments[0]?.body).toMatch(/^<!-- triton-perf-gate:default run=115\.1 -->\n/)

  // A click on each suggestion gives the file that the patch gives.
  const suggestions = github.state.reviewComments.filter((comment) => comment.path === path)
  expect(suggestions.length, tuned.log).toBeGreaterThan(0)
  const lines = readFileSync(join(repository.directory, path), 'utf8').split('\n')
  for (const { body, line, start_line = line } of suggestions.toReversed()) {
    const text = /```suggestion\n([\s\S]*?)\n```/.exec(body)?.[1]
    lines.splice(start_line - 1, line - start_line + 1, ...(text ?? '').split('\n'))
  }
  const patched = join(root, 'patched')
  cpSync(join(repository.directory, 'models'), join(patched, 'models'), { recursive: true })
  const best = readFileSync(join(tuned.outputs['best-config-path'] ?? '', 'sleepy.patch'))
  execFileSync('git', ['apply', '-'], { cwd: patched, input: best })
  expect(lines.join('\n')).toBe(readFileSync(join(patched, path), 'utf8'))
  expect(lines.join('\n')).toContain('count: 3')
})

test('a run that cannot be judged is invalid, not green, and replaces the comment', async () => {
  const broken = await pullRequest('harmless', 116, { inputs: { 'model-repository': 'no-such-folder' } })
  expect(broken.exitCode, broken.log).toBeGreaterThan(1)
  expect(broken.outputs).toMatchObject({ verdict: 'invalid', 'result-path': '' })
  expect(broken.summary).toContain('no-such-folder')
  expect(github.state.comments).toHaveLength(1)
  expect(github.state.comments[0]?.body).toContain('Performance gate: invalid')
})

test('a token that may only read costs the comment, not the verdict nor the summary', async () => {
  const [comment] = github.state.comments
  github.state.permissions = { actions: 'read', 'pull-requests': 'read' }
  try {
    const fork = await pullRequest('harmless', 117, { inputs: { 'model-repository': 'no-such-folder' } })
    expect(fork.exitCode).toBeGreaterThan(1)
    expect(fork.summary).toContain('no-such-folder')
    expect(fork.annotations).toContainEqual(
      expect.objectContaining({ level: 'warning', message: expect.stringContaining('pull-requests: write') }),
    )
    expect(github.state.comments).toEqual([comment])
  } finally {
    github.state.permissions = { actions: 'read', 'pull-requests': 'write' }
  }
})

test('every bad input is named at once, before anything is measured', async () => {
  const bad = await push(106, { inputs: { mode: 'gates', 'latency-budget': 'fast' } })
  expect(bad.exitCode, bad.log).toBe(2)
  expect(bad.log).toContain('"gates" is not known')
  expect(bad.log).toContain('"fast" is not a number above 0')
  expect(artifactNames(106)).toEqual([])
})

test('pull_request_target with the head of a fork is refused', async () => {
  const sha = repository.testMerge('harmless')
  const payload = {
    repository: payloadRepository,
    pull_request: { number: 7, head: { sha, repo: { id: 2 } }, base: { sha: mainCommit, ref: 'main' } },
  }
  const refused = await step({
    eventName: 'pull_request_target',
    ref: 'refs/heads/main',
    sha,
    runId: 107,
    payload,
  })
  expect(refused.exitCode).toBe(2)
  expect(refused.log).toContain('refused: pull_request_target')
})

/** The servers that a step has launched, as it saved them for its post step. */
const serversOf = ({ state }: StepResult) => parseStarted(state[stateName] ?? '').processes
const alive = (step: StepResult) => serversOf(step).filter(({ identity }) => stateOf(identity) === 'alive')

test.each([
  // As the runner cancels: SIGINT, after 7.5 s SIGTERM, after 2.5 s more the end of all.
  [['SIGINT', 'SIGTERM', 'SIGKILL'], 130],
  [['SIGTERM'], 130],
] as const)('%j while it measures: servers stopped, exit code %i, no verdict', async (signals, exitCode) => {
  let sentAt = 0
  const timers: NodeJS.Timeout[] = []
  const interrupted = await push(signals.length > 1 ? 108 : 109, {
    onServer: (kill) => {
      sentAt = Date.now()
      const delaysMs = [0, 7500, 10_000]
      for (const [index, signal] of signals.entries())
        timers.push(setTimeout(() => kill(signal), delaysMs[index]))
    },
  })
  for (const timer of timers) clearTimeout(timer)
  expect(sentAt, interrupted.log).toBeGreaterThan(0)
  expect(interrupted.exitCode, interrupted.log).toBe(exitCode)
  // The runner kills 10 s after the first signal: what ends later does not end in order.
  expect(Date.now() - sentAt).toBeLessThan(10_000)
  expect(interrupted.outputs.verdict).not.toBe('pass')
  expect(serversOf(interrupted).length).toBeGreaterThan(0)
  expect((await interrupted.post()).annotations).toEqual([])
  expect(alive(interrupted)).toEqual([])
})

test('killed outright: the post step ends what is left', async () => {
  const killed = await push(110, { onServer: (kill) => kill('SIGKILL') })
  expect(killed.signal, killed.log).toBe('SIGKILL')
  expect(serversOf(killed).length).toBeGreaterThan(0)
  expect((await killed.post()).exitCode).toBe(0)
  await expect.poll(() => alive(killed)).toEqual([])
})

test('this GitHub was asked nothing that it does not know', () => {
  expect(github.state.requests.length).toBeGreaterThan(20)
  expect(github.state.unknown).toEqual([])
})

test("what it was asked and what it answered is what GitHub's own OpenAPI description allows", () => {
  expect(github.state.violations).toEqual([])
})
