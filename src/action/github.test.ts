import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { seedArtifact } from '../../test/support/github/artifacts.ts'
import { type LoopbackGitHub, startGitHub } from '../../test/support/github/server.ts'
import { botLogin, jobToken, newState, type Run } from '../../test/support/github/state.ts'
import { makeZip } from '../../test/support/github/zip.ts'
import { putComment } from './comment.ts'
import { type BaselineSearchResult, findBaseline } from './find-baseline.ts'

// The toolkit reads GITHUB_API_URL when it is imported, so it comes after the server.
let github: LoopbackGitHub
let adapter: typeof import('./github.ts')
const root = mkdtempSync(join(tmpdir(), 'tpg-github-'))
const repository = { owner: 'o', name: 'r' }

beforeAll(async () => {
  github = await startGitHub()
  vi.stubEnv('GITHUB_API_URL', github.url)
  vi.stubEnv('GITHUB_SERVER_URL', 'https://github.com')
  // The artifact client talks to the log a lot.
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  adapter = await import('./github.ts')
})
beforeEach(() => void Object.assign(github.state, newState()))
afterAll(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
  await github.close()
})

const run = (id: number, change: Partial<Run> = {}): Run => ({
  id,
  path: '.github/workflows/gate.yml',
  event: 'push',
  status: 'completed',
  conclusion: 'success',
  head_branch: 'main',
  head_sha: 'a'.repeat(40),
  head_repository: { id: 1 },
  created_at: '2026-01-01T00:00:00Z',
  ...change,
})
const zip = makeZip([{ name: 'baseline.json', content: '{}' }])

const search = (token = jobToken): Promise<BaselineSearchResult> =>
  findBaseline(adapter.baselineStore(token, repository), {
    workflowFile: 'gate.yml',
    branch: 'main',
    repositoryId: 1,
    ownRunId: 99,
    artifactName: 'base',
    makeDirectory: () => mkdtempSync(join(root, 'd-')),
  })

const sticky = { issue: 7, key: 'default', runId: 77, runAttempt: 1 }
const comment = (report: string) => putComment(adapter.commentStore(jobToken, repository), sticky, report)

test('a baseline is found, downloaded by its redirect and checked', async () => {
  github.state.runs.push(run(55), run(56, { event: 'pull_request', head_repository: null }))
  seedArtifact(github.state, 55, 'base', zip)
  seedArtifact(github.state, 55, 'base-other', zip)
  const { baseline, rejections } = await search()
  expect(baseline).toMatchObject({ status: 'file', source: expect.stringContaining('run 55') })
  expect(rejections).toEqual([expect.stringContaining('event pull_request')])
  expect(github.state.unknown).toEqual([])
})

test('a blob that is not what was uploaded is refused', async () => {
  github.state.runs.push(run(55))
  const { blob } = seedArtifact(github.state, 55, 'base', zip)
  github.state.blobs.set(blob, makeZip([{ name: 'baseline.json', content: '{"forged":true}' }]))
  expect((await search()).baseline).toMatchObject({
    status: 'untrusted',
    why: expect.stringContaining('another digest'),
  })
})

test('a workflow that GitHub does not know is absent; no permission and bad credentials are unreadable', async () => {
  expect((await search()).baseline.status).toBe('absent')
  github.state.runs.push(run(55))
  github.state.permissions = { ...github.state.permissions, actions: 'none' }
  expect((await search()).baseline).toMatchObject({
    status: 'unreadable',
    why: expect.stringContaining('not accessible'),
  })
  expect((await search('ghs_other')).baseline).toMatchObject({
    status: 'unreadable',
    why: expect.stringContaining('Bad credentials'),
  })
})

test('the sticky comment is found on the second page, and updated', async () => {
  const talk = { issue: 7, user: { login: 'alice', type: 'User' as const }, body: 'talk' }
  github.state.comments = Array.from({ length: 120 }, (_, id) => ({ ...talk, id }))
  expect(await comment('one')).toEqual({ status: 'created' })
  expect(await comment('two')).toEqual({ status: 'updated' })
  const written = github.state.comments.filter(({ user }) => user.login === botLogin)
  expect(written.map(({ body }) => body)).toEqual(['<!-- triton-perf-gate:default run=77.1 -->\ntwo'])
  expect(github.state.unknown).toEqual([])
})

test('a token that may only read, and a body that is too long, are outcomes', async () => {
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
})
