import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeZip } from '../../test/support/github/zip.ts'
import { type ArtifactInfo, type BaselineStore, findBaseline, type WorkflowRun } from './find-baseline.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-find-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const digest = `sha256:${'0'.repeat(64)}`
const good = makeZip([{ name: 'baseline.json', content: '{"kind":"baseline"}' }])

const run = (id: number, change: Partial<WorkflowRun> = {}): WorkflowRun => ({
  id,
  path: '.github/workflows/gate.yml',
  event: 'push',
  status: 'completed',
  conclusion: 'success',
  headBranch: 'main',
  headSha: 'a'.repeat(40),
  headRepositoryId: 1,
  createdAt: '2026-01-01T00:00:00Z',
  ...change,
})

interface Stored extends Partial<ArtifactInfo> {
  readonly zip?: Buffer
  readonly mismatch?: boolean
}

/** GitHub in memory: runs newest first, one list of artifacts for each run. */
function store(runs: readonly WorkflowRun[], artifacts: Record<number, Stored[]>): BaselineStore {
  return {
    listRuns: async (_workflow, _branch, page) => runs.slice((page - 1) * 100, page * 100),
    listArtifacts: async (runId) =>
      (artifacts[runId] ?? []).map((stored, index) => ({
        id: runId * 10 + index,
        name: 'base',
        expired: false,
        sizeBytes: 100,
        digest,
        ...stored,
      })),
    download: async (runId, { id }, directory) => {
      const stored = artifacts[runId]?.[id % 10]
      writeFileSync(join(directory, 'artifact'), stored?.zip ?? good)
      return stored?.mismatch !== true
    },
  }
}

const search = (from: BaselineStore, deadlineMs?: number) =>
  findBaseline(from, {
    workflowFile: 'gate.yml',
    branch: 'main',
    repositoryId: 1,
    ownRunId: 99,
    artifactName: 'base',
    makeDirectory: () => mkdtempSync(join(root, 'd-')),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  })

test('the newest run that can be trusted is taken, and read to a fresh file', async () => {
  const { baseline, rejections } = await search(store([run(55), run(54)], { 55: [{}], 54: [{}] }))
  expect(rejections).toEqual([])
  expect(baseline.status).toBe('file')
  if (baseline.status !== 'file') return
  expect(readFileSync(baseline.path, 'utf8')).toBe('{"kind":"baseline"}')
  expect(baseline.source).toContain('run 55 of 2026-01-01T00:00:00Z at aaaaaaa')
})

test.each([
  [
    'a pull request of a fork whose branch is called main',
    { event: 'pull_request', headRepositoryId: 2 },
    /event pull_request/,
  ],
  ['pull_request_target', { event: 'pull_request_target' }, /event pull_request_target/],
  ['another repository', { headRepositoryId: 2 }, /another repository/],
  ['a deleted repository', { headRepositoryId: null }, /another repository/],
  ['another branch', { headBranch: 'feature' }, /branch is feature/],
  ['another workflow', { path: '.github/workflows/evil.yml' }, /workflow is evil\.yml/],
  ['a run that failed', { conclusion: 'failure' }, /ended with failure/],
  ['a run that goes on', { status: 'in_progress', conclusion: null }, /it is in_progress/],
  ['this very run', { id: 99 }, /this very run/],
])('passed over with its reason, the next one taken: %s', async (_, change, reason) => {
  const other = run(60, change)
  const { baseline, rejections } = await search(store([other, run(54)], { [other.id]: [{}], 54: [{}] }))
  expect(baseline).toMatchObject({ status: 'file', source: expect.stringContaining('run 54') })
  expect(rejections).toEqual([expect.stringMatching(reason)])
})

test.each<[string, Stored, RegExp]>([
  ['another digest', { mismatch: true }, /has another digest/],
  ['no digest', { digest: null }, /has no sha256 digest/],
  ['a digest of another kind', { digest: 'md5:00' }, /has no sha256 digest/],
  ['too many bytes', { sizeBytes: 2 ** 30 }, /above the limit/],
  ['more bytes than announced', { zip: Buffer.alloc(17 * 2 ** 20) }, /arrived with more than/],
  ['no zip', { zip: Buffer.from('{"kind":"baseline"}') }, /not a zip archive/],
  ['another file in it', { zip: makeZip([{ name: '../baseline.json' }]) }, /instead of baseline\.json/],
])('refused as untrusted: %s', async (_, stored, reason) => {
  const alone = await search(store([run(55)], { 55: [stored] }))
  expect(alone.baseline).toMatchObject({ status: 'untrusted', why: expect.stringMatching(reason) })
  expect(alone.rejections).toHaveLength(1)

  const withOlder = await search(store([run(55), run(54)], { 55: [stored], 54: [{}] }))
  expect(withOlder.baseline).toMatchObject({
    status: 'file',
    source: expect.stringMatching(new RegExp(`run 54 .*newer ones refused: run 55: .*${reason.source}`)),
  })
})

test('of several attempts of one run the newest artifact holds', async () => {
  const second = makeZip([{ name: 'baseline.json', content: 'second' }])
  const { baseline } = await search(store([run(55)], { 55: [{}, { zip: second }] }))
  expect(baseline.status === 'file' && readFileSync(baseline.path, 'utf8')).toBe('second')
})

test('no run, an expired artifact, an unknown workflow: absent, with the next step', async () => {
  for (const from of [
    store([], {}),
    store([run(55)], { 55: [{ expired: true }] }),
    store([run(55)], { 55: [{ name: 'base-2' }] }),
    { ...store([], {}), listRuns: async () => null },
  ]) {
    const { baseline } = await search(from)
    expect(baseline).toMatchObject({
      status: 'absent',
      next: expect.stringContaining('run gate.yml on main'),
    })
  }
})

test('the search goes on to later pages, and ends after three', async () => {
  const failed = (from: number) =>
    Array.from({ length: 100 }, (_, index) => run(from - index, { conclusion: 'failure' }))
  const found = await search(store([...failed(1000), ...failed(900), run(55)], { 55: [{}] }))
  expect(found.baseline.status).toBe('file')
  expect(found.rejections).toHaveLength(200)
  const tooFar = await search(store([...failed(1000), ...failed(900), ...failed(800), run(55)], { 55: [{}] }))
  expect(tooFar.baseline.status).toBe('absent')
})

test('an answer that does not come, or an error, is unreadable: never absent', async () => {
  const hung: BaselineStore = { ...store([run(55)], { 55: [{}] }), download: () => new Promise(() => {}) }
  const late = await search(hung, 20)
  expect(late.baseline).toMatchObject({ status: 'unreadable', why: 'GitHub did not answer within 0.02 s' })

  const forbidden = {
    ...hung,
    listRuns: () => Promise.reject(new Error('Resource not accessible by integration')),
  }
  const refused = await search(forbidden)
  expect(refused.baseline).toMatchObject({
    status: 'unreadable',
    why: 'Resource not accessible by integration',
    next: expect.stringContaining('actions: read'),
  })
})
