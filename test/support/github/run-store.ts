import { createHash } from 'node:crypto'
import type { BaselineSearch } from '../../../src/action/find-baseline.ts'
import type { ArtifactInfo, RunStore, WorkflowRun } from '../../../src/action/run-store.ts'
import type { Baseline } from '../../../src/domain/measurements.ts'
import { makeBaseline, makeModel, makeRepetition, makeScenario } from '../make-measurements.ts'
import { makeZip } from './zip.ts'

// GitHub's runs and artifacts in memory: for tests of what is concluded from them.

export const sha = (letter: string) => letter.repeat(40)
const repetitions = [0, 1].map((index) => makeRepetition(index, { latencyP99Ns: 5e6, inferPerSec: 300 }))
const models = [makeModel('m', [makeScenario(repetitions)])]

/** What run `id` uploads; its commit is `a…` where nothing else is said. */
export const baselineOf = (id: number, change: Partial<Baseline> = {}): Baseline => ({
  ...makeBaseline(models),
  commit: sha('a'),
  runId: String(id),
  ...change,
})
export const zipOf = (content: unknown) =>
  makeZip([{ name: 'baseline.json', content: JSON.stringify(content) }])

/** A run of the workflow that stores baselines, on the main branch. */
export const makeRun = (id: number, change: Partial<WorkflowRun> = {}): WorkflowRun => ({
  id,
  path: '.github/workflows/gate.yml',
  event: 'push',
  status: 'completed',
  conclusion: 'success',
  headBranch: 'main',
  headSha: sha('a'),
  headRepositoryId: 1,
  createdAt: '2026-01-01T00:00:00Z',
  ...change,
})

export interface Stored extends Partial<ArtifactInfo> {
  readonly zip?: Buffer
}

/** Runs newest first, one list of artifacts for each run; all commits are ancestors but `f…`, and `e…` is gone. */
export function makeStore(runs: readonly WorkflowRun[], artifacts: Record<number, Stored[]>): RunStore {
  const zips = (runId: number) => (artifacts[runId] ?? []).map(({ zip }) => zip ?? zipOf(baselineOf(runId)))
  return {
    listRuns: async (_workflow, _branch, event, page) =>
      runs.filter((each) => each.event === event).slice((page - 1) * 100, page * 100),
    listJobs: () => Promise.reject(new Error('not asked')),
    getRun: async (id) => runs.find((each) => each.id === id) ?? null,
    listArtifacts: async (runId) =>
      (artifacts[runId] ?? []).map(({ zip: _, ...stored }, index) => ({
        id: runId * 10 + index,
        name: 'base',
        expired: false,
        sizeBytes: 100,
        digest: digestOf(zips(runId)[index] ?? Buffer.alloc(0)),
        ...stored,
      })),
    download: async (id, maxBytes) => {
      const zip = zips(Math.floor(id / 10))[id % 10] ?? Buffer.alloc(0)
      if (zip.length > maxBytes) throw Object.assign(new Error('it is larger'), { status: 413 })
      return zip
    },
    isAncestor: async (commit) => (commit === sha('e') ? null : commit !== sha('f')),
  }
}

const digestOf = (zip: Buffer) => `sha256:${createHash('sha256').update(zip).digest('hex')}`

/** Asks this store as the workflow gate.yml does from a branch off `b…`. */
export const searchOptions: BaselineSearch = {
  workflowFile: 'gate.yml',
  branch: 'main',
  repositoryId: 1,
  ownRunId: 99,
  artifactName: 'base',
  reference: sha('b'),
  underTest: [],
  runId: null,
  histories: 1,
}
