import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BaselineRequest } from '../baseline/find.ts'
import { messageOf } from '../domain/error.ts'
import { readOnlyEntry } from './zip.ts'

/** The fields of a workflow run that trust depends on, in GitHub's terms. */
export interface WorkflowRun {
  readonly id: number
  readonly path: string
  readonly event: string
  readonly status: string | null
  readonly conclusion: string | null
  readonly headBranch: string | null
  readonly headSha: string
  readonly headRepositoryId: number | null
  readonly createdAt: string
}

export interface ArtifactInfo {
  readonly id: number
  readonly name: string
  readonly expired: boolean
  readonly sizeBytes: number
  /** `sha256:…` of the zip; null where GitHub gives none. */
  readonly digest: string | null
}

/** GitHub's runs and artifacts as far as the search needs them. */
export interface BaselineStore {
  /** Newest first, 100 a page, counted from 1; null where the workflow does not exist on GitHub. */
  readonly listRuns: (
    workflow: string,
    branch: string,
    page: number,
    signal: AbortSignal,
  ) => Promise<readonly WorkflowRun[] | null>
  readonly listArtifacts: (
    runId: number,
    name: string,
    signal: AbortSignal,
  ) => Promise<readonly ArtifactInfo[]>
  /** Puts the zip, still packed, into the empty `directory`; false where its digest is another. */
  readonly download: (
    runId: number,
    artifact: { id: number; digest: string },
    directory: string,
  ) => Promise<boolean>
}

export interface BaselineSearch {
  /** File name of the workflow that uploads baselines. */
  readonly workflowFile: string
  readonly branch: string
  readonly repositoryId: number
  readonly ownRunId: number
  readonly artifactName: string
  /** Makes a new, empty folder at each call. */
  readonly makeDirectory: () => string
  readonly deadlineMs?: number
}

export interface BaselineSearchResult {
  readonly baseline: Extract<BaselineRequest, { status: 'file' | 'absent' | 'untrusted' | 'unreadable' }>
  /** Every run and artifact that was passed over, with the reason. */
  readonly rejections: readonly string[]
}

export const baselineFile = 'baseline.json'

/** The events whose runs only a writer of this repository can start, on a branch of this repository. */
const trustedEvents = ['push', 'schedule', 'workflow_dispatch']
/** 300 runs: a month of ten pushes a day. Older artifacts are near their end of life (90 days) anyway. */
const maxPages = 3
/** Ten models with 40 scenarios make about 1 MB of JSON, history about 30 MB at its bound; packed a tenth of it. */
const maxZipBytes = 16 * 2 ** 20
const maxBaselineBytes = 64 * 2 ** 20
/** The artifact client repeats a failed download five times with 5 s between. */
const defaultDeadlineMs = 120_000

/**
 * The newest baseline artifact that this repository's own branch has made and nobody has touched since.
 * What GitHub does not answer in time is `unreadable`, never `absent`.
 */
export async function findBaseline(
  store: BaselineStore,
  search: BaselineSearch,
): Promise<BaselineSearchResult> {
  const source = `artifact ${search.artifactName} of ${search.workflowFile} on ${search.branch}`
  const rejections: string[] = []
  const deadlineMs = search.deadlineMs ?? defaultDeadlineMs
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`GitHub did not answer within ${deadlineMs / 1000} s`)
      abort.abort(error)
      reject(error)
    }, deadlineMs)
  })
  try {
    const baseline = await Promise.race([
      newestTrusted(store, search, source, rejections, abort.signal),
      late,
    ])
    return { baseline, rejections }
  } catch (error) {
    const baseline = {
      status: 'unreadable',
      source,
      why: messageOf(error),
      next: 'check that the job has `permissions: actions: read`, and run it again',
    } as const
    return { baseline, rejections }
  } finally {
    clearTimeout(timer)
  }
}

async function newestTrusted(
  store: BaselineStore,
  search: BaselineSearch,
  source: string,
  rejections: string[],
  signal: AbortSignal,
): Promise<BaselineSearchResult['baseline']> {
  /** Among the rejections, those of artifacts that looked like the baseline and could not be trusted. */
  const distrusted: string[] = []
  for (let page = 1; page <= maxPages; page++) {
    const runs = await store.listRuns(search.workflowFile, search.branch, page, signal)
    for (const run of runs ?? []) {
      const why = whyNot(run, search)
      if (why !== null) {
        rejections.push(`run ${run.id}: ${why}`)
        continue
      }
      const artifacts = await store.listArtifacts(run.id, search.artifactName, signal)
      // A re-run leaves one artifact per attempt under the same name: the newest holds.
      const artifact = artifacts
        .filter(({ name }) => name === search.artifactName)
        .sort((a, b) => b.id - a.id)[0]
      if (artifact === undefined || artifact.expired) {
        rejections.push(
          `run ${run.id}: its artifact ${artifact === undefined ? 'does not exist' : 'has expired'}`,
        )
        continue
      }
      const content = await fetchTrusted(store, run.id, artifact, search.makeDirectory())
      if (content.ok) {
        const path = join(search.makeDirectory(), baselineFile)
        writeFileSync(path, content.bytes)
        const skipped = distrusted.length === 0 ? '' : `; newer ones refused: ${distrusted.join('; ')}`
        const commit = run.headSha.slice(0, 7)
        return {
          status: 'file',
          path,
          source: `${source}, run ${run.id} of ${run.createdAt} at ${commit}${skipped}`,
        }
      }
      distrusted.push(`run ${run.id}: its artifact ${content.why}`)
      rejections.push(`run ${run.id}: its artifact ${content.why}`)
    }
    if (runs === null || runs.length < 100) break
  }
  if (distrusted.length > 0) {
    const next = `start the workflow ${search.workflowFile} on ${search.branch} to store a new baseline`
    return { status: 'untrusted', source, why: distrusted.join('; '), next }
  }
  const seen = rejections.length === 0 ? 'no run found' : `${rejections.length} runs passed over, see the log`
  const next = `run ${search.workflowFile} on ${search.branch} (push, schedule or workflow_dispatch) once; ${seen}`
  return { status: 'absent', source, next }
}

/** Why this run's artifacts must not be used, or null. A fork's branch may bear the same name: names prove nothing. */
function whyNot(run: WorkflowRun, search: BaselineSearch): string | null {
  const file = run.path.split('@', 1)[0]?.split('/').at(-1)
  if (run.id === search.ownRunId) return 'is this very run'
  if (!trustedEvents.includes(run.event))
    return `its event ${run.event} is none of ${trustedEvents.join(', ')}`
  if (run.headRepositoryId !== search.repositoryId) return 'it comes from another repository'
  if (run.headBranch !== search.branch)
    return `its branch is ${run.headBranch ?? 'unknown'}, not ${search.branch}`
  if (file !== search.workflowFile) return `its workflow is ${file ?? 'unknown'}, not ${search.workflowFile}`
  if (run.status !== 'completed') return `it is ${run.status ?? 'of unknown status'}`
  if (run.conclusion !== 'success') return `it ended with ${run.conclusion ?? 'no conclusion'}`
  return null
}

type Content = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly why: string }

async function fetchTrusted(
  store: BaselineStore,
  runId: number,
  artifact: ArtifactInfo,
  directory: string,
): Promise<Content> {
  const { digest, sizeBytes, id } = artifact
  if (digest === null || !/^sha256:[0-9a-f]{64}$/.test(digest))
    return { ok: false, why: 'has no sha256 digest' }
  if (sizeBytes > maxZipBytes)
    return { ok: false, why: `has ${sizeBytes} bytes, above the limit of ${maxZipBytes}` }
  if (!(await store.download(runId, { id, digest }, directory))) {
    return { ok: false, why: `has another digest than ${digest}` }
  }
  const files = readdirSync(directory)
  const path = join(directory, files[0] ?? '')
  if (files.length !== 1 || !statSync(path).isFile()) return { ok: false, why: 'did not arrive as one file' }
  if (statSync(path).size > maxZipBytes)
    return { ok: false, why: `arrived with more than ${maxZipBytes} bytes` }
  try {
    return { ok: true, bytes: readOnlyEntry(readFileSync(path), baselineFile, maxBaselineBytes) }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}
