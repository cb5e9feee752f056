import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeZip, type ZipEntry } from '../../test/support/github/zip.ts'
import { failResult, passResult } from '../../test/support/result-fixtures.ts'
import type { TriggeringRun } from './context.ts'
import { findRelayed, type OpenPullRequest } from './relay.ts'
import type { ArtifactInfo, Job, RunStore } from './run-store.ts'
import { resultArtifactName } from './upload.ts'

const headSha = 'd'.repeat(40)
const run: TriggeringRun = {
  id: 55,
  attempt: 1,
  event: 'pull_request',
  conclusion: 'failure',
  headSha,
  headBranch: 'main',
  headRepository: { id: 2, owner: 'fork' },
}
const pull: OpenPullRequest = { number: 7, headSha, headRepositoryId: 2, baseRepositoryId: 1 }
const json = (value: unknown): ZipEntry => ({ name: 'result.json', content: JSON.stringify(value) })
const good = makeZip([json(failResult()), { name: 'report.md' }, { name: 'best-config/m.patch' }])

function relayed(
  change: Partial<TriggeringRun> = {},
  pulls: readonly OpenPullRequest[] = [pull],
  zip = good,
  artifact: Partial<ArtifactInfo> | null = {},
  { key = 'default', jobs = [] }: { key?: string; jobs?: readonly Job[] } = {},
) {
  const digest = `sha256:${createHash('sha256').update(zip).digest('hex')}`
  const listed = { id: 1, name: resultArtifactName(key), expired: false, sizeBytes: 100, digest, ...artifact }
  const runs: RunStore = {
    listRuns: () => Promise.reject(new Error('not asked')),
    getRun: () => Promise.reject(new Error('not asked')),
    listJobs: async () => jobs,
    listArtifacts: async () => (artifact === null ? [] : [listed]),
    download: async () => zip,
    isAncestor: () => Promise.reject(new Error('not asked')),
  }
  const asked: string[] = []
  const store = {
    withHead: async (owner: string, branch: string) => {
      asked.push(`${owner}:${branch}`)
      return pulls
    },
  }
  return findRelayed(runs, store, { ...run, ...change }, 1, key).then((found) => ({ found, asked }))
}

test('the pull request comes from GitHub, by the head of the run that GitHub tells of', async () => {
  const { found, asked } = await relayed()
  expect(asked).toEqual(['fork:main'])
  expect(found).toMatchObject({ status: 'found', pullRequest: 7, result: { verdict: { outcome: 'fail' } } })
})

test.each<[string, Partial<TriggeringRun>, readonly OpenPullRequest[], RegExp]>([
  ['a push', { event: 'push' }, [pull], /started by push/],
  ['a deleted fork', { headRepository: null }, [pull], /is deleted/],
  ['no pull request', {}, [], /no open pull request/],
  [
    "another repository's branch of this name",
    {},
    [{ ...pull, headRepositoryId: 3 }],
    /no open pull request/,
  ],
  ['a pull request into another repository', {}, [{ ...pull, baseRepositoryId: 9 }], /no open pull request/],
  ['a pull request that has moved on', {}, [{ ...pull, headSha: 'e'.repeat(40) }], /has moved on/],
  ['two with one head', {}, [pull, { ...pull, number: 8 }], /several pull requests have this head: #7, #8/],
])('nothing is written for %s', async (_, change, pulls, why) => {
  expect((await relayed(change, pulls)).found).toMatchObject({
    status: 'nothing',
    why: expect.stringMatching(why),
  })
})

test.each<[string, Buffer, Partial<ArtifactInfo> | null, RegExp]>([
  ['none', good, null, /does not exist/],
  ['an expired one', good, { expired: true }, /has expired/],
  ['a huge one', good, { sizeBytes: 2 ** 31 }, /too much/],
  ['another digest', good, { digest: `sha256:${'0'.repeat(64)}` }, /another digest/],
  ['no digest', good, { digest: null }, /another digest/],
  ['no zip', Buffer.from('x'), {}, /not a zip/],
  ['zip-slip', makeZip([json(failResult()), { name: '../../x' }]), {}, /holds the path/],
  ['a link', makeZip([json(failResult()), { name: 'x', unixMode: 0o120777 }]), {}, /symbolic link/],
  [
    'too many files',
    makeZip(Array.from({ length: 1001 }, (_, n) => ({ name: `f${n}` }))),
    {},
    /1001 entries/,
  ],
  ['two results', makeZip([json(failResult()), json(passResult())]), {}, /more than once/],
  ['no result', makeZip([{ name: 'report.md' }]), {}, /instead of result\.json/],
  ['no JSON', makeZip([{ name: 'result.json', content: '<' }]), {}, /JSON/],
  ['another kind', makeZip([json({ kind: 'baseline' })]), {}, /no result\.json of this version/],
  [
    'more than a result',
    makeZip([json({ ...failResult(), pull: 9 })]),
    {},
    /no result\.json of this version/,
  ],
])(
  'an artifact that cannot be shown makes the comment invalid, not absent: %s',
  async (_, zip, artifact, why) => {
    expect((await relayed({}, [pull], zip, artifact)).found).toMatchObject({
      status: 'unusable',
      pullRequest: 7,
      why: expect.stringMatching(why),
    })
  },
)

test('a result that says better than GitHub says of the run is not shown', async () => {
  const zip = makeZip([json(passResult())])
  expect((await relayed({ conclusion: 'success' }, [pull], zip)).found).toMatchObject({ status: 'found' })
  for (const conclusion of ['failure', 'cancelled', null]) {
    expect((await relayed({ conclusion }, [pull], zip)).found).toMatchObject({
      status: 'unusable',
      why: expect.stringContaining('The result says pass'),
    })
  }
})

const untouched = {
  kind: 'untouched',
  schemaVersion: 1,
  why: 'none of the 2 changed files belongs to a model',
}
const untouchedJson = (value: unknown): ZipEntry => ({
  name: 'untouched.json',
  content: JSON.stringify(value),
})

test('a run that had nothing to measure says so itself, and only in a green run', async () => {
  const zip = makeZip([untouchedJson(untouched)])
  expect((await relayed({ conclusion: 'success' }, [pull], zip)).found).toEqual({
    status: 'untouched',
    pullRequest: 7,
    why: untouched.why,
  })
  expect((await relayed({ conclusion: 'failure' }, [pull], zip)).found).toMatchObject({ status: 'unusable' })
  for (const value of [
    { ...untouched, kind: 'result' },
    { ...untouched, pull: 9 },
    { ...untouched, why: 1 },
  ]) {
    const forged = makeZip([untouchedJson(value)])
    expect((await relayed({ conclusion: 'success' }, [pull], forged)).found).toMatchObject({
      status: 'unusable',
      why: expect.stringContaining('no untouched.json of this version'),
    })
  }
})

test('what was measured stands beside a word that nothing was', async () => {
  const zip = makeZip([untouchedJson(untouched), json(failResult())])
  expect((await relayed({ conclusion: 'success' }, [pull], zip)).found).toMatchObject({ status: 'found' })
})

test.each(['success', 'skipped', 'neutral', 'action_required'])(
  'a run that ended with %s and left nothing says nothing, neither pass nor invalid',
  async (conclusion) => {
    expect((await relayed({ conclusion }, [pull], good, null)).found).toEqual({
      status: 'silent',
      pullRequest: 7,
      why: `run 55 ended with ${conclusion} and has no artifact triton-perf-gate-result`,
    })
  },
)

const job = (name: string, conclusion: string | null, attempt = 1): Job => ({ name, conclusion, attempt })

test.each<[string, string, readonly Job[], string | null]>([
  ["another leg's failure", 'a100', [job('gate (a100)', 'success'), job('gate (h100)', 'failure')], null],
  ['a called workflow', 'a100', [job('perf / gate (a100)', 'success'), job('x', 'failure')], null],
  ['one of several values', 'a100', [job('gate (a100, 24.09)', 'success')], null],
  ['all of them', 'a100-24.09', [job('gate (a100, 24.09)', 'success')], null],
  ['its own failure', 'h100', [job('gate (h100)', 'failure')], 'the job gate (h100) ended with failure'],
  [
    'one of two jobs of the key',
    'a100',
    [job('gate (a100, 1)', 'success'), job('gate (a100, 2)', 'failure')],
    'the job gate (a100, 2) ended with failure',
  ],
  ['no end', 'h100', [job('gate (h100)', null)], 'the job gate (h100) ended with no conclusion'],
  ['a skipped job', 'h100', [job('gate (h100)', 'skipped')], 'the job gate (h100) ended with skipped'],
  // Attempt 2 runs what has failed again; what has passed is not run again, and is of attempt 1.
  ['a newer attempt', 'a100', [job('gate (a100)', 'failure'), job('gate (a100)', 'success', 2)], null],
  [
    'an attempt after this one',
    'a100',
    [job('gate (a100)', 'success', 3), job('gate (a100)', 'failure', 2)],
    'the job gate (a100) ended with failure',
  ],
  [
    'no job of the key',
    'a100',
    [job('a100', 'success'), job('lint (a100x)', 'success')],
    'run 55 ended with failure',
  ],
  ['no matrix', 'default', [job('gate', 'success')], 'run 55 ended with failure'],
])('in a run that failed, a pass must agree with the job of its key: %s', async (_, key, jobs, why) => {
  const zip = makeZip([json(passResult())])
  const { found } = await relayed({ attempt: 2 }, [pull], zip, {}, { key, jobs })
  expect(found).toMatchObject(
    why === null ? { status: 'found' } : { status: 'unusable', why: `The result says pass, but ${why}.` },
  )
})

test('a leg that was skipped beside one that failed says nothing', async () => {
  const jobs = [job('gate (l4)', 'skipped'), job('gate (h100)', 'failure')]
  expect((await relayed({}, [pull], good, null, { key: 'l4', jobs })).found).toMatchObject({
    status: 'silent',
    why: expect.stringContaining('the job gate (l4) ended with skipped'),
  })
})
