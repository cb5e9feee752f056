import type { BaselineSearch } from '../../../src/action/find-baseline.ts'
import type { RunStore } from '../../../src/action/run-store.ts'
import { baselineOf, makeRun, makeStore, sha, zipOf } from '../github/run-store.ts'
import { makeZip } from '../github/zip.ts'
import type { Fault } from './fault.ts'

const onGithub = (store: RunStore, change: Partial<BaselineSearch> = {}) => ({
  files: { baseline: null },
  search: { store, change },
})
const artifact = (content: Parameters<typeof makeStore>[1][number][number]) =>
  onGithub(makeStore([makeRun(55)], { 55: [content] }))

export const baselineOnGithub: Fault[] = [
  { name: 'no run has stored one', met: 'inconclusive', ...onGithub(makeStore([], {})) },
  {
    name: 'no run has stored one, and that is to fail',
    met: 'fail',
    ...onGithub(makeStore([], {})),
    options: { onMissingBaseline: 'fail' },
  },
  {
    name: 'no run has stored one, for a release',
    met: 'fail',
    ...onGithub(makeStore([], {})),
    options: { release: true },
  },
  { name: 'the artifact has expired', met: 'inconclusive', ...artifact({ expired: true }) },
  {
    name: 'it comes from a fork whose branch is called main',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { headRepositoryId: 2 })], { 55: [{}] })),
  },
  {
    name: 'its run has failed',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { conclusion: 'failure' })], { 55: [{}] })),
  },
  {
    name: 'its commit is no ancestor',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { headSha: sha('f') })], { 55: [{}] })),
  },
  {
    name: 'a run was named that is of another repository',
    met: 'invalid',
    ...onGithub(makeStore([makeRun(55, { headRepositoryId: 2 })], { 55: [{}] }), { runId: 55 }),
  },
  {
    name: 'the bytes are not those that were uploaded',
    met: 'invalid',
    ...artifact({ digest: `sha256:${'0'.repeat(64)}` }),
  },
  {
    name: 'another commit is in it',
    met: 'invalid',
    ...artifact({ zip: zipOf(baselineOf(55, { commit: sha('c') })) }),
  },
  { name: 'another run is in it', met: 'invalid', ...artifact({ zip: zipOf(baselineOf(54)) }) },
  {
    name: 'a path that leaves the folder',
    met: 'invalid',
    ...artifact({ zip: makeZip([{ name: '../baseline.json' }]) }),
  },
  {
    name: 'an archive that inflates without end',
    met: 'invalid',
    ...artifact({
      zip: makeZip([{ name: 'baseline.json', content: Buffer.alloc(65 * 2 ** 20), claimedBytes: 10 }]),
    }),
  },
  {
    name: 'GitHub refuses to answer',
    met: 'invalid',
    ...onGithub({
      ...makeStore([], {}),
      listRuns: () =>
        Promise.reject(Object.assign(new Error('Resource not accessible by integration'), { status: 403 })),
    }),
  },
]
