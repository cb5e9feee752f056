import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { seedArtifact } from '../../test/support/github/artifacts.ts'
import { makeRepository } from '../../test/support/github/repository.ts'
import { type LoopbackGitHub, startGitHub } from '../../test/support/github/server.ts'
import { botLogin, type Fault, jobToken, makeRun, newState } from '../../test/support/github/state.ts'
import { makeZip } from '../../test/support/github/zip.ts'
import {
  makeBaseline,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { best, modelResult, result } from '../../test/support/result-parts.ts'
import { parseModelConfig } from '../model-config/parse.ts'
import { patchModelConfigText } from '../model-config/patch.ts'
import { fetchBlob } from './blob.ts'
import { putComment } from './comment.ts'
import { commentStore } from './comment-store.ts'
import { findBaseline } from './find-baseline.ts'
import { releaseBefore, releaseStore } from './release.ts'
import { runStore } from './run-store.ts'
import { suggestBest } from './suggest.ts'

// The toolkit reads GITHUB_API_URL when it is imported, so it comes after the server.
let github: LoopbackGitHub
let connect: typeof import('./octokit.ts')['connect']
const repository = { owner: 'o', name: 'r' }
const commit = 'a'.repeat(40)

beforeAll(async () => {
  github = await startGitHub()
  vi.stubEnv('GITHUB_API_URL', github.url)
  vi.stubEnv('GITHUB_SERVER_URL', 'https://github.com')
  connect = (await import('./octokit.ts')).connect
})
beforeEach(() => {
  Object.assign(github.state, newState())
  waitedMs = 0
  attemptMs = 60_000
})
afterEach(() => {
  // Whatever a test is about: the loopback GitHub is of use only where it answers as GitHub describes.
  expect(github.state.violations).toEqual([])
  expect(github.state.unknown).toEqual([])
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await github.close()
})

/** Waits are counted, not waited for. */
let waitedMs = 0
const clock = {
  nowMs: () => Date.now() + waitedMs,
  sleep: async (durationMs: number) => {
    waitedMs += durationMs
  },
  random: () => 0,
}
/** Room for a minute's wait at each of the steps. */
const totalMs = 300_000
/** Longer than any answer takes on a busy machine, but where one never comes: a late one would be asked for again. */
let attemptMs = 60_000
const open = (token = jobToken) => connect(token, { totalMs, attemptMs, clock })
const runs = (token = jobToken) =>
  runStore(open(token), repository, (url, maxBytes) => fetchBlob(url, maxBytes, 60_000, clock))

const repetitions = [0, 1].map((index) => makeRepetition(index, { latencyP99Ns: 5e6, inferPerSec: 300 }))
const baseline = makeBaseline([makeModel('m', [makeScenario(repetitions)])], { commit, runId: '55' })
const zip = makeZip([{ name: 'baseline.json', content: JSON.stringify(baseline) }])

const search = (token = jobToken) =>
  findBaseline(runs(token), {
    workflowFile: 'gate.yml',
    branch: 'main',
    repositoryId: 1,
    ownRunId: 99,
    artifactName: 'base',
    reference: 'b'.repeat(40),
    underTest: [],
    runId: null,
    histories: 1,
  })

const sticky = { issue: 7, key: 'default', runId: 77, runAttempt: 1 }
const comment = (report: string) => putComment(commentStore(open(), repository, clock), sticky, report)
const fault = (match: RegExp, change: Partial<Fault>): Fault => ({ match, times: 1, ...change })

test('a baseline is found, its ancestry asked for, downloaded by its redirect and checked', async () => {
  github.state.runs.push(makeRun(55), makeRun(56, { event: 'schedule', conclusion: 'failure' }))
  seedArtifact(github.state, 55, 'base', zip)
  seedArtifact(github.state, 55, 'base-other', zip)
  expect(await search()).toMatchObject({
    status: 'found',
    source: expect.stringContaining('run 55'),
    passedOver: ['run 56: it ended with failure'],
  })
  expect(github.state.requests).toContain(`GET /repos/o/r/compare/${commit}...${'b'.repeat(40)}`)
})

test("a thousand pull requests from a fork's branch called main do not push the baseline out", async () => {
  const fork = { event: 'pull_request', head_repository: { id: 2 } }
  const forks = Array.from({ length: 1000 }, (_, index) => makeRun(1000 + index, fork))
  github.state.runs.push(...forks, makeRun(55))
  seedArtifact(github.state, 55, 'base', zip)
  expect(await search()).toMatchObject({ status: 'found', source: expect.stringContaining('run 55') })
  const lists = github.state.requests.filter((request) => request.endsWith('/gate.yml/runs'))
  expect(lists).toHaveLength(3)
})

test('jobs of every attempt are listed, page by page', async () => {
  const jobs = Array.from({ length: 151 }, (_, index) => ({
    id: index,
    run_id: index < 150 ? 55 : 56,
    run_attempt: index < 140 ? 1 : 2,
    name: `gate (${index})`,
    status: 'completed' as const,
    conclusion: 'success' as const,
  }))
  github.state.jobs.push(...jobs)
  const listed = await runs().listJobs(55)
  expect(listed).toHaveLength(150)
  expect(listed[149]).toEqual({ name: 'gate (149)', attempt: 2, conclusion: 'success' })
})

test('a commit beside the reference, or one that GitHub does not know, is no baseline', async () => {
  github.state.runs.push(makeRun(55))
  seedArtifact(github.state, 55, 'base', zip)
  for (const status of ['behind', 'diverged', null] as const) {
    github.state.compare = () => status
    expect(await search()).toMatchObject({
      status: 'absent',
      passedOver: [expect.stringContaining('commit')],
    })
  }
})

test('a blob that is not what was uploaded is refused', async () => {
  github.state.runs.push(makeRun(55))
  const { blob } = seedArtifact(github.state, 55, 'base', zip)
  github.state.blobs.set(blob, makeZip([{ name: 'baseline.json', content: '{"forged":true}' }]))
  expect(await search()).toMatchObject({
    status: 'untrusted',
    why: expect.stringContaining('another digest'),
  })
})

test('a workflow that GitHub does not know is absent; no permission and bad credentials are unreadable', async () => {
  expect((await search()).status).toBe('absent')
  github.state.runs.push(makeRun(55))
  github.state.permissions = { ...github.state.permissions, actions: 'none' }
  expect(await search()).toMatchObject({
    status: 'unreadable',
    why: expect.stringContaining('not accessible'),
  })
  expect(await search('ghs_other')).toMatchObject({
    status: 'unreadable',
    why: expect.stringContaining('Bad credentials'),
  })
  expect(waitedMs).toBe(0)
})

test.each<[string, Partial<Fault>]>([
  ['429 with retry-after', { status: 429, headers: { 'retry-after': '5' } }],
  [
    '403 for a secondary rate limit',
    { status: 403, body: { message: 'You have exceeded a secondary rate limit. Please wait.' } },
  ],
  [
    '403 with nothing left',
    { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '0' } },
  ],
  ['500', { status: 500 }],
  ['502', { status: 502 }],
  ['503', { status: 503 }],
  ['an answer cut short', { cutAt: 0.5 }],
  ['an answer cut off at once', { cutAt: 0 }],
  ['no answer at all', { hang: true }],
])('%s, once at every step: asked again, and found', async (_, change) => {
  if (change.hang === true) attemptMs = 300
  github.state.runs.push(makeRun(55))
  seedArtifact(github.state, 55, 'base', zip)
  const steps = [/workflows\/gate\.yml\/runs$/, /compare/, /runs\/55\/artifacts$/, /artifacts\/\d+\/zip$/]
  // The redirect has no body to be cut.
  github.state.faults = steps
    .filter((match) => change.cutAt === undefined || !match.source.includes('zip'))
    .map((match) => fault(match, change))
  expect((await search()).status).toBe('found')
  expect(github.state.faults.map(({ times }) => times)).toEqual(github.state.faults.map(() => 0))
  expect(waitedMs).toBeGreaterThan(0)
})

test.each<[string, Partial<Fault>]>([
  ['500', { status: 500 }],
  ['a blob cut short', { cutAt: 0.5 }],
])('%s of the store of artifacts: asked again', async (_, change) => {
  github.state.runs.push(makeRun(55))
  seedArtifact(github.state, 55, 'base', zip)
  github.state.faults = [fault(/^GET \/blob/, change)]
  expect((await search()).status).toBe('found')
})

test('a GitHub that stays down is unreadable, and is given up in time', async () => {
  github.state.runs.push(makeRun(55))
  github.state.faults = [fault(/runs$/, { status: 503, times: 1000 })]
  expect((await search()).status).toBe('unreadable')
  expect(waitedMs).toBeLessThanOrEqual(totalMs)
  github.state.faults = [fault(/runs$/, { status: 429, headers: { 'retry-after': '3600' }, times: 1000 })]
  expect((await search()).status).toBe('unreadable')
})

test('an artifact that expires meanwhile (410) is passed over', async () => {
  github.state.runs.push(makeRun(55))
  seedArtifact(github.state, 55, 'base', zip)
  github.state.faults = [fault(/zip$/, { status: 410, body: { message: 'Artifact has expired' } })]
  expect(await search()).toMatchObject({
    status: 'untrusted',
    passedOver: [expect.stringContaining('expired')],
  })
})

test('runs and artifacts are found on later pages', async () => {
  const failed = Array.from({ length: 150 }, (_, index) => makeRun(1000 - index, { conclusion: 'failure' }))
  github.state.runs.push(...failed, makeRun(55))
  // As many as a matrix of 120 legs leaves behind.
  for (let leg = 0; leg < 120; leg++) seedArtifact(github.state, 55, `leg-${leg}`, zip)
  seedArtifact(github.state, 55, 'base', zip)
  expect((await search()).status).toBe('found')
  expect(await runs().listArtifacts(55, null)).toHaveLength(121)
})

test('the sticky comment is found on the second page, and updated', async () => {
  const talk = { issue: 7, user: { login: 'alice', type: 'User' as const }, body: 'talk' }
  github.state.comments = Array.from({ length: 120 }, (_, id) => ({ ...talk, id }))
  expect(await comment('one')).toEqual({ status: 'created' })
  expect(await comment('two')).toEqual({ status: 'updated' })
  const written = github.state.comments.filter(({ user }) => user.login === botLogin)
  expect(written.map(({ body }) => body)).toEqual(['<!-- triton-perf-gate:default run=77.1 -->\ntwo'])
})

test('five jobs at one moment leave one comment, of the newest run', async () => {
  const put = (runId: number) => {
    // The waits are real here, if short: the five must meet at the server.
    const quick = {
      sleep: (durationMs: number) => new Promise<void>((done) => setTimeout(done, durationMs / 10)),
    }
    return putComment(commentStore(open(), repository, quick), { ...sticky, runId }, `report ${runId}`)
  }
  await Promise.all([81, 85, 83, 82, 84].map(put))
  expect(github.state.comments.map(({ body }) => body)).toEqual([
    '<!-- triton-perf-gate:default run=85.1 -->\nreport 85',
  ])
})

test('a comment whose answer is lost (502 after the fact) is not written twice', async () => {
  github.state.faults = [fault(/^POST .*comments$/, { status: 502, afterwards: true })]
  expect(await comment('one')).toEqual({ status: 'updated' })
  expect(github.state.comments).toHaveLength(1)
})

test('a token that may only read, a locked thread (403) and a body that is too long (422) are outcomes', async () => {
  expect(await comment('x'.repeat(70_000))).toMatchObject({
    status: 'failed',
    why: expect.stringContaining('too long'),
  })
  github.state.permissions = { ...github.state.permissions, 'pull-requests': 'read' }
  expect(await comment('one')).toMatchObject({
    status: 'failed',
    why: expect.stringContaining('pull-requests: write'),
  })
  expect(github.state.comments).toEqual([])
  expect(waitedMs).toBe(0)
})

test('the release before is the newest that this commit grew out of', async () => {
  const commits: Record<string, string> = { v3: '3'.repeat(40), v2: '2'.repeat(40), v1: '1'.repeat(40) }
  github.state.releases = [
    { tag: 'v4-rc', prerelease: true },
    { tag: 'v3', prerelease: false },
    { tag: 'gone', prerelease: false },
    { tag: 'v2', prerelease: false },
    { tag: 'v1', prerelease: false },
  ]
  github.state.commitOf = (tag) => commits[tag] ?? null
  // v3 was made from another line than this commit.
  github.state.compare = (base) => (base === commits.v3 ? 'diverged' : 'ahead')
  const before = (head: string) => releaseBefore(releaseStore(open(), repository), runs(), head)
  expect(await before('f'.repeat(40))).toEqual({ tag: 'v2', commit: commits.v2 })
  expect(await before(commits.v2 ?? '')).toEqual({ tag: 'v1', commit: commits.v1 })
  github.state.releases = []
  expect(await before('f'.repeat(40))).toBeNull()
})

test('a suggestion is made once, only where the diff shows the lines, and goes when it is not the answer any more', async () => {
  const patch = (count: number) =>
    `--- a/models/ocr/config.pbtxt\n+++ b/models/ocr/config.pbtxt\n@@ -1,2 +1,2 @@\n name: "ocr"\n-count: 1\n+count: ${count}\n`
  const withPatch = (count: number | null) => {
    const answer = best({ patch: count === null ? null : patch(count), tie: false, meetsConstraints: true })
    return result('pass', [modelResult('ocr', { best: answer })])
  }
  const suggest = (count: number | null) =>
    suggestBest(
      open(),
      repository,
      { pullRequest: 7, headSha: commit, key: 'default' },
      { modelRepository: '/w/models', workspace: '/w', result: withPatch(count) },
    )
  const head = { sha: commit, ref: 'f', owner: 'o', repositoryId: 1 }
  const file = { filename: 'models/ocr/config.pbtxt', patch: '@@ -0,0 +1,2 @@\n+name: "ocr"\n+count: 1' }
  github.state.pulls = [
    { number: 7, state: 'open', head, files: [{ ...file, patch: '@@ -1 +1 @@\n-a\n+name: "ocr"' }] },
  ]
  expect(await suggest(2)).toEqual([expect.stringContaining('does not show the lines')])
  expect(github.state.reviewComments).toEqual([])

  github.state.pulls = [{ number: 7, state: 'open', head, files: [file] }]
  const forged = {
    pull: 7,
    path: file.filename,
    line: 2,
    body: '<!-- triton-perf-gate-suggestion:default -->',
  }
  github.state.reviewComments = [{ ...forged, id: 1, user: { login: 'mallory', type: 'User' } }]
  await suggest(2)
  expect(await suggest(2)).toEqual([])
  const bodies = () => github.state.reviewComments.filter(({ user }) => user.login === botLogin)
  expect(bodies()).toEqual([
    expect.objectContaining({
      path: file.filename,
      line: 2,
      body: expect.stringContaining('```suggestion\ncount: 2\n```'),
    }),
  ])
  await suggest(3)
  expect(bodies()).toEqual([expect.objectContaining({ body: expect.stringContaining('count: 3') })])
  await suggest(null)
  expect(bodies()).toEqual([])
  expect(github.state.reviewComments).toHaveLength(1)
})

test('on the diff that git makes, a click on each suggestion gives the file that the patch gives', async () => {
  const root = mkdtempSync(join(tmpdir(), 'tpg-suggest-'))
  try {
    const repo = makeRepository(join(root, 'checkout'))
    const path = 'models/ocr/config.pbtxt'
    const text = (note: string) =>
      `name: "ocr"\nbackend: "python"\nmax_batch_size: 0\n${note}instance_group [ { kind: KIND_CPU count: 1 } ]\n`
    repo.commit('main', { [path]: text('') })
    repo.branch('tuned', 'main')
    const sha = repo.commit('say why', { [path]: text('# one is enough\n') })
    const file = join(repo.directory, path)
    const target = parseModelConfig(text('').replace('count: 1', 'count: 3'), file)
    const { patch, newText } = patchModelConfigText(text('# one is enough\n'), file, target, 'models')
    const shown = repo.patchOf('tuned', path)
    const head = { sha, ref: 'tuned', owner: 'o', repositoryId: 1 }
    const files = [{ filename: path, ...(shown === undefined ? {} : { patch: shown }) }]
    github.state.pulls = [{ number: 7, state: 'open', head, files }]
    const answer = best({ patch, tie: false, meetsConstraints: true })
    await suggestBest(
      open(),
      repository,
      { pullRequest: 7, headSha: sha, key: 'default' },
      {
        modelRepository: join(repo.directory, 'models'),
        workspace: repo.directory,
        result: result('pass', [modelResult('ocr', { best: answer })]),
      },
    )
    expect(github.state.reviewComments.length).toBeGreaterThan(0)
    const lines = text('# one is enough\n').split('\n')
    for (const { body, line, start_line = line } of github.state.reviewComments.toReversed()) {
      const replacement = /```suggestion\n([\s\S]*?)\n```/.exec(body)?.[1] ?? ''
      lines.splice(start_line - 1, line - start_line + 1, ...replacement.split('\n'))
    }
    expect(lines.join('\n')).toBe(newText)
    expect(newText).toContain('count: 3')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
