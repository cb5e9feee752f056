import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  baselineOf,
  makeRun as run,
  type Stored,
  searchOptions,
  sha,
  makeStore as store,
  zipOf,
} from '../../test/support/github/run-store.ts'
import { makeZip } from '../../test/support/github/zip.ts'
import { makePoint } from '../../test/support/make-measurements.ts'
import type { Baseline } from '../domain/measurements.ts'
import { type BaselineSearch, findBaseline } from './find-baseline.ts'
import type { RunStore, WorkflowRun } from './run-store.ts'

const search = (from: RunStore, change: Partial<BaselineSearch> = {}) =>
  findBaseline(from, { ...searchOptions, ...change })

test('the newest run that can be trusted is taken; where it came from is said', async () => {
  const opened = await search(store([run(55), run(54)], { 55: [{}], 54: [{}] }))
  expect(opened).toMatchObject({ status: 'found', baseline: { runId: '55' } })
  expect(opened).not.toHaveProperty('passedOver')
  expect('source' in opened && opened.source).toMatch(
    /^artifact base of run 55 of 2026-01-01T00:00:00Z at aaaaaaa, sha256:[0-9a-f]{64}$/,
  )
})

test.each<[string, Partial<WorkflowRun>, RegExp]>([
  [
    'a fork whose branch is called main',
    { event: 'pull_request', headRepositoryId: 2 },
    /event pull_request/,
  ],
  ['a pull request within the repository', { event: 'pull_request' }, /event pull_request/],
  ['pull_request_target', { event: 'pull_request_target' }, /event pull_request_target/],
  ['workflow_run', { event: 'workflow_run' }, /event workflow_run/],
  ['a comment', { event: 'issue_comment' }, /event issue_comment/],
  ['another repository', { headRepositoryId: 2 }, /another repository/],
  ['a deleted repository', { headRepositoryId: null }, /another repository/],
  ['another branch', { headBranch: 'feature' }, /branch is feature/],
  ['no branch', { headBranch: null }, /branch is unknown/],
  ['another workflow', { path: '.github/workflows/evil.yml' }, /workflow is .*evil\.yml/],
  ['a workflow of this name elsewhere', { path: 'dynamic/gate.yml' }, /workflow is dynamic\/gate\.yml/],
  ['a run that failed', { conclusion: 'failure' }, /ended with failure/],
  ['a run that was cancelled', { conclusion: 'cancelled' }, /ended with cancelled/],
  ['a run that goes on', { status: 'in_progress', conclusion: null }, /it is in_progress/],
  [
    'a commit beside the reference',
    { headSha: sha('f') },
    /commit fffffff is no ancestor of the reference bbbbbbb/,
  ],
  ['a commit that is gone', { headSha: sha('e') }, /commit eeeeeee is not known any more/],
])('passed over with its reason in the report, the next one taken: %s', async (_, change, reason) => {
  const other = run(60, change)
  const from = store([other, run(54)], { 60: [{}], 54: [{}] })
  // GitHub is asked by event; whatever it answers is checked again.
  const listRuns: RunStore['listRuns'] = async (_workflow, _branch, event) =>
    event === 'push' ? [other, run(54)] : []
  const opened = await search({ ...from, listRuns })
  expect(opened).toMatchObject({
    status: 'found',
    baseline: { runId: '54' },
    passedOver: [expect.stringMatching(reason)],
  })
})

test('the present run is never read, and is nothing worth telling', async () => {
  const opened = await search(store([run(99), run(54)], { 99: [{}], 54: [{}] }))
  expect(opened).toMatchObject({ status: 'found', baseline: { runId: '54' } })
  expect(opened).not.toHaveProperty('passedOver')
})

const older = { ...baselineOf(55), schemaVersion: 0 }
test.each<[string, Stored, RegExp]>([
  ['another digest', { digest: `sha256:${'0'.repeat(64)}` }, /has another digest/],
  ['no digest', { digest: null }, /has no sha256 digest/],
  ['a digest of another kind', { digest: 'md5:00' }, /has no sha256 digest/],
  ['too many bytes', { sizeBytes: 2 ** 30 }, /above the limit/],
  ['more bytes than announced', { zip: Buffer.alloc(65 * 2 ** 20) }, /cannot be had: it is larger/],
  ['no zip', { zip: Buffer.from('{"kind":"baseline"}') }, /not a zip archive/],
  ['another file in it', { zip: makeZip([{ name: 'x.json' }]) }, /instead of baseline\.json/],
  ['zip-slip', { zip: makeZip([{ name: '../baseline.json' }]) }, /holds the path/],
  ['a symbolic link', { zip: makeZip([{ name: 'baseline.json', unixMode: 0o120777 }]) }, /symbolic link/],
  [
    'a zip bomb',
    { zip: makeZip([{ name: 'baseline.json', content: Buffer.alloc(65 * 2 ** 20) }]) },
    /above the limit/,
  ],
  [
    'a zip bomb that lies',
    { zip: makeZip([{ name: 'baseline.json', content: Buffer.alloc(65 * 2 ** 20), claimedBytes: 10 }]) },
    /inflates beyond/,
  ],
  ['an older schema', { zip: zipOf(older) }, /older triton-perf-gate/],
  ['another kind of file', { zip: zipOf({ kind: 'result' }) }, /not a baseline/],
  ['unknown keys', { zip: zipOf({ ...baselineOf(55), extra: 1 }) }, /of no use/],
  ['no model', { zip: zipOf(baselineOf(55, { models: [] })) }, /holds no model/],
  ['no JSON', { zip: makeZip([{ name: 'baseline.json', content: 'x' }]) }, /not JSON/],
  ['cut off', { zip: makeZip([{ name: 'baseline.json', content: '{"kind":"baseline",' }]) }, /truncated/],
  ['another commit in it', { zip: zipOf(baselineOf(55, { commit: sha('c') })) }, /measured at c{40}/],
  ['no commit in it', { zip: zipOf(baselineOf(55, { commit: null })) }, /measured at no commit/],
  ['another run in it', { zip: zipOf(baselineOf(54)) }, /made by run 54/],
])('refused as untrusted: %s', async (_, stored, reason) => {
  const alone = await search(store([run(55)], { 55: [stored] }))
  expect(alone).toMatchObject({
    status: 'untrusted',
    why: expect.stringMatching(reason),
    passedOver: [expect.stringMatching(reason)],
  })
  const withOlder = await search(store([run(55), run(54)], { 55: [stored], 54: [{}] }))
  expect(withOlder).toMatchObject({
    status: 'found',
    baseline: { runId: '54' },
    passedOver: [expect.stringMatching(reason)],
  })
})

test('of several attempts of one run the newest artifact holds', async () => {
  const second = zipOf(baselineOf(55, { createdAt: '2026-02-02T00:00:00Z' }))
  const opened = await search(store([run(55)], { 55: [{}, { zip: second }] }))
  expect(opened).toMatchObject({ status: 'found', baseline: { createdAt: '2026-02-02T00:00:00Z' } })
})

test('a commit is asked for once, however many runs it had', async () => {
  let asked = 0
  const from = store([run(58, { headSha: sha('f') }), run(57, { headSha: sha('f') }), run(56)], { 56: [{}] })
  const isAncestor: RunStore['isAncestor'] = (ancestor, descendant) => {
    asked++
    return from.isAncestor(ancestor, descendant)
  }
  await search({ ...from, isAncestor })
  expect(asked).toBe(2)
})

test('the reference itself needs no question', async () => {
  const from = store([run(55)], { 55: [{}] })
  const isAncestor = () => Promise.reject(new Error('asked'))
  expect((await search({ ...from, isAncestor }, { reference: sha('a') })).status).toBe('found')
})

test('no run, an expired artifact, an unknown workflow: absent, with the next step', async () => {
  for (const from of [
    store([], {}),
    store([run(55)], { 55: [{ expired: true }] }),
    store([run(55)], { 55: [{ name: 'base-2' }] }),
    { ...store([], {}), listRuns: async () => null },
  ]) {
    expect(await search(from)).toMatchObject({
      status: 'absent',
      next: expect.stringContaining('start gate.yml on main'),
    })
  }
})

test('the search goes on to later pages, and ends after three', async () => {
  const failed = (from: number) =>
    Array.from({ length: 100 }, (_, index) => run(from - index, { conclusion: 'failure' }))
  const found = await search(store([...failed(1000), ...failed(900), run(55)], { 55: [{}] }))
  expect(found.status).toBe('found')
  expect('passedOver' in found && found.passedOver).toHaveLength(31)
  expect('passedOver' in found && found.passedOver?.at(-1)).toBe('and 170 more, see the log')
  const tooFar = await search(store([...failed(1000), ...failed(900), ...failed(800), run(55)], { 55: [{}] }))
  expect(tooFar.status).toBe('absent')
})

test('an error is unreadable: never absent', async () => {
  const forbidden = Object.assign(new Error('Resource not accessible by integration'), { status: 403 })
  const from = store([run(55)], { 55: [{}] })
  for (const broken of ['listRuns', 'listArtifacts', 'download', 'isAncestor'] as const) {
    expect(await search({ ...from, [broken]: () => Promise.reject(forbidden) })).toMatchObject({
      status: 'unreadable',
      why: 'Resource not accessible by integration',
      next: expect.stringContaining('actions: read'),
    })
  }
})

test('gone since it was listed: passed over', async () => {
  const from = store([run(55), run(54)], { 55: [{}], 54: [{}] })
  const download: RunStore['download'] = (id, maxBytes) =>
    id === 550
      ? Promise.reject(Object.assign(new Error('Artifact has expired'), { status: 410 }))
      : from.download(id, maxBytes)
  expect(await search({ ...from, download })).toMatchObject({
    status: 'found',
    passedOver: [expect.stringContaining('Artifact has expired')],
  })
})

test("a run that is asked for by its number is taken from any branch, but no stranger's", async () => {
  const other = run(60, { headBranch: 'release/1', path: '.github/workflows/nightly.yml', headSha: sha('f') })
  const zip = zipOf(baselineOf(60, { commit: sha('f') }))
  const opened = await search(store([run(61), other], { 60: [{ zip }], 61: [{}] }), { runId: 60 })
  expect(opened).toMatchObject({ status: 'found', baseline: { runId: '60' } })
  for (const [change, reason] of [
    [{ event: 'pull_request' }, /event pull_request/],
    [{ headRepositoryId: 2 }, /another repository/],
    [{ conclusion: 'failure' }, /ended with failure/],
  ] as const) {
    const foreign = store([run(60, change), run(54)], { 60: [{}], 54: [{}] })
    expect(await search(foreign, { runId: 60 })).toMatchObject({
      status: 'untrusted',
      why: expect.stringMatching(reason),
    })
  }
  expect(await search(store([run(54)], { 54: [{}] }), { runId: 60 })).toMatchObject({
    status: 'untrusted',
    why: 'run 60: does not exist',
  })
})

test('what a newer program stored is passed over for an older baseline; without one it is incompatible', async () => {
  const newer = { zip: zipOf({ ...baselineOf(55), schemaVersion: 99 }) }
  const reason = /^run 55: its artifact cannot be read: schema version: .* newer triton-perf-gate \(99/
  expect(await search(store([run(55), run(54)], { 55: [newer], 54: [{}] }))).toMatchObject({
    status: 'found',
    baseline: { runId: '54' },
    passedOver: [expect.stringMatching(reason)],
  })
  expect(await search(store([run(55)], { 55: [newer] }))).toMatchObject({
    status: 'incompatible',
    commit: sha('a'),
    next: expect.stringMatching(/^Update triton-perf-gate/),
  })
})

test('pushes that overlap lose no history: whoever comes after joins them', async () => {
  const point = (commit: string, day: number) =>
    makePoint({ commit, createdAt: `2026-01-0${day}T00:00:00Z`, value: day })
  const zip = (id: number, history: Baseline['history']) => ({ zip: zipOf(baselineOf(id, { history })) })
  const first = point('1', 1)
  // 52 and 53 began after 51 and before each other's end.
  const from = store([run(53), run(52), run(51)], {
    51: [zip(51, [first])],
    52: [zip(52, [first, point('2', 2)])],
    53: [zip(53, [first, point('3', 3)])],
  })
  const opened = await search(from, { histories: 4 })
  expect(opened).toMatchObject({
    baseline: { runId: '53', history: [first, point('2', 2), point('3', 3)] },
  })
  const failing: RunStore['download'] = (id, maxBytes) =>
    id === 530 ? from.download(id, maxBytes) : Promise.reject(new Error('down'))
  expect(await search({ ...from, download: failing }, { histories: 4 })).toMatchObject({
    status: 'found',
    baseline: { runId: '53' },
  })
})

test('whatever is written can be read: a zip as large as its baseline', { timeout: 60_000 }, async () => {
  // Nothing in it is packed, and it is larger than the limit of earlier versions.
  const noise = randomBytes(12 * 2 ** 20 + 2 ** 16).toString('base64')
  const [model] = baselineOf(55).models
  if (model === undefined) throw new Error('it has no model')
  const content = JSON.stringify(baselineOf(55, { models: [{ ...model, warnings: [noise] }] }))
  const zip = makeZip([{ name: 'baseline.json', content, compressed: false }])
  expect(zip.length).toBeGreaterThan(16 * 2 ** 20)
  const from = store([run(55)], { 55: [{ zip, sizeBytes: zip.length }] })
  expect((await search(from)).status).toBe('found')
})

test('runs of the three events are looked at in the order in which they began', async () => {
  const from = store(
    [run(59, { event: 'workflow_dispatch' }), run(58, { event: 'schedule' }), run(57), run(56), run(55)],
    { 59: [{ expired: true }], 58: [{ expired: true }], 57: [{ expired: true }], 56: [{}], 55: [{}] },
  )
  const opened = await search(from)
  expect(opened).toMatchObject({
    status: 'found',
    baseline: { runId: '56' },
    passedOver: ['59', '58', '57'].map((id) => `run ${id}: its artifact has expired`),
  })
})

test("pull requests from a fork's branch called main cannot push the baseline out", async () => {
  const forks = Array.from({ length: 1000 }, (_, index) =>
    run(2000 - index, { event: 'pull_request', headRepositoryId: 2 }),
  )
  const opened = await search(store([...forks, run(55)], { 55: [{}] }))
  expect(opened).toMatchObject({ status: 'found', baseline: { runId: '55' } })
})

test('the baseline of the very commit under test is passed over: it says nothing of what has changed', async () => {
  const own = run(60, { headSha: sha('d') })
  const zip = zipOf(baselineOf(60, { commit: sha('d') }))
  const from = store([own, run(54)], { 60: [{ zip }], 54: [{}] })
  const reference = sha('d')
  expect(await search(from, { reference, underTest: [sha('d')] })).toMatchObject({
    status: 'found',
    baseline: { runId: '54' },
    passedOver: ['run 60: its commit ddddddd is the one under test'],
  })
  expect(await search(from, { reference })).toMatchObject({ status: 'found', baseline: { runId: '60' } })
  const alone = store([own], { 60: [{ zip }] })
  expect(await search(alone, { reference, underTest: [sha('d')] })).toMatchObject({
    status: 'absent',
    passedOver: ['run 60: its commit ddddddd is the one under test'],
  })
  // Whoever names a run means it.
  expect(await search(alone, { reference, underTest: [sha('d')], runId: 60 })).toMatchObject({
    status: 'found',
  })
})
