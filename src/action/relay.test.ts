import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeZip, type ZipEntry } from '../../test/support/github/zip.ts'
import { failResult, passResult } from '../../test/support/result-fixtures.ts'
import type { TriggeringRun } from './context.ts'
import { findRelayed, type OpenPullRequest } from './relay.ts'
import type { ArtifactInfo, RunStore } from './run-store.ts'

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
) {
  const digest = `sha256:${createHash('sha256').update(zip).digest('hex')}`
  const listed = { id: 1, name: 'result', expired: false, sizeBytes: 100, digest, ...artifact }
  const runs: RunStore = {
    listRuns: () => Promise.reject(new Error('not asked')),
    getRun: () => Promise.reject(new Error('not asked')),
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
  return findRelayed(runs, store, { ...run, ...change }, 1, 'result').then((found) => ({ found, asked }))
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
  ['another kind', makeZip([json({ kind: 'baseline' })]), {}, /no result of this version/],
  ['more than a result', makeZip([json({ ...failResult(), pull: 9 })]), {}, /no result of this version/],
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
