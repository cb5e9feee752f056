import { createHash } from 'node:crypto'
import type { OpenedBaseline } from '../baseline/find.ts'
import { withHistoriesOf } from '../baseline/history.ts'
import { readBaselineBytes } from '../baseline/read.ts'
import { messageOf } from '../domain/error.ts'
import { type Baseline, maxBaselineBytes } from '../domain/measurements.ts'
import { statusOf } from './http-status.ts'
import type { ArtifactInfo, RunStore, WorkflowRun } from './run-store.ts'
import { readZipEntry } from './zip.ts'

export interface BaselineSearch {
  /** File name of the workflow that uploads baselines. */
  readonly workflowFile: string
  readonly branch: string
  readonly repositoryId: number
  readonly ownRunId: number
  readonly artifactName: string
  /** The commit that a baseline must be, or be an ancestor of. */
  readonly reference: string
  /**
   * Commits that are judged: their own baseline, which main may have stored before they were tagged or branched, would say that
   * nothing has changed. Empty where the user has named the reference, or only the history is wanted.
   */
  readonly underTest: readonly string[]
  /** This run's baseline and no other, as the user asked; branch, workflow and ancestry are then theirs to answer for. */
  readonly runId: number | null
  /** Baselines whose history is carried on, the chosen one among them; 1 where only its numbers are needed. */
  readonly histories: number
}

export const baselineFile = 'baseline.json'

/**
 * As many as are likely to overlap: GitHub runs pushes of one branch at once, where no concurrency group
 * forbids it, and each of them knows only of what was finished when it began.
 */
export const carriedHistories = 4

/** The events whose runs only a writer of this repository can start, on a branch of this repository. */
const trustedEvents = ['push', 'schedule', 'workflow_dispatch']
/** 300 runs of each event: a month of ten pushes a day. Older artifacts are near their end of life (90 days) anyway. */
const maxPages = 3
const runsPerPage = 100
/** What is written is read again, however little of it can be packed; a zip's own few bytes come on top. */
const maxZipBytes = maxBaselineBytes + 2 ** 16
/** More reasons than a person reads; the log has them all. */
const maxPassedOver = 30

/** What the search has seen so far. */
interface Sightings {
  readonly found: { readonly source: string; readonly baseline: Baseline }[]
  /** Every run and artifact that was passed over, with the reason. */
  readonly passedOver: string[]
  /** Among them, those of artifacts that looked like the baseline and could not be trusted. */
  readonly distrusted: string[]
  /** The newest that is whole, but written by a newer program than this one. */
  newer: Extract<OpenedBaseline, { status: 'incompatible' }> | null
}

/**
 * The nearest baseline: the newest that this repository's own branch has made, of the reference or one of its
 * ancestors, and nobody has touched since. Runs come in the order of the branch's commits, so the newest
 * ancestor is the nearest. What GitHub does not answer is `unreadable`, never `absent`.
 *
 * @param say hears of every run and artifact that is passed over, with the reason
 */
export async function findBaseline(
  store: RunStore,
  search: BaselineSearch,
  say: (message: string) => void = () => undefined,
): Promise<OpenedBaseline> {
  const { artifactName, workflowFile, branch, runId } = search
  const place = runId === null ? `${workflowFile} on ${branch}` : `run ${runId}`
  const source = `artifact ${artifactName} of ${place}`
  const seen: Sightings = { found: [], passedOver: [], distrusted: [], newer: null }
  let opened: OpenedBaseline
  try {
    await (runId === null ? searchBranch(store, search, seen) : lookAt(store, runId, search, seen))
    opened = judge(seen, source, search)
  } catch (error) {
    const next = 'check that the job has `permissions: actions: read` and `contents: read`, and run it again'
    // What is found stays found where only a further history could not be read.
    opened =
      seen.found.length > 0
        ? judge(seen, source, search)
        : { status: 'unreadable', source, why: messageOf(error), next }
  }
  for (const reason of seen.passedOver) say(`passed over: ${reason}`)
  if (opened.status === 'notRequested' || seen.passedOver.length === 0) return opened
  const more = seen.passedOver.length - maxPassedOver
  const shown = seen.passedOver.slice(0, maxPassedOver)
  return { ...opened, passedOver: more > 0 ? [...shown, `and ${more} more, see the log`] : shown }
}

function judge(
  { found, passedOver, distrusted, newer }: Sightings,
  source: string,
  search: BaselineSearch,
): OpenedBaseline {
  const [chosen, ...others] = found
  if (chosen !== undefined) {
    const baseline = withHistoriesOf(
      chosen.baseline,
      others.map(({ baseline }) => baseline),
    )
    return { status: 'found', source: chosen.source, baseline }
  }
  const { workflowFile, branch, runId } = search
  // An older baseline would have been taken; without one this is what stands there.
  if (newer !== null) return newer
  const start = `start ${workflowFile} on ${branch} (push, schedule or workflow_dispatch)`
  if (distrusted.length > 0) {
    return {
      status: 'untrusted',
      source,
      why: distrusted.join('; '),
      next: `${start} to store a new baseline`,
    }
  }
  if (runId !== null) {
    const why = passedOver.join('; ')
    return {
      status: 'untrusted',
      source,
      why,
      next: 'give baseline-run-id the number of another run, or leave it out',
    }
  }
  const count = passedOver.length === 0 ? 'no run found' : `${passedOver.length} runs passed over`
  return { status: 'absent', source, next: `${start} once; ${count}` }
}

async function searchBranch(store: RunStore, search: BaselineSearch, seen: Sightings): Promise<void> {
  const ancestry = ancestryOf(store, search.reference)
  for await (const run of trustedRuns(store, search)) {
    if (run.id === search.ownRunId) continue
    const why =
      distrust(run, search) ??
      misplaced(run, search) ??
      ownCommit(run, search) ??
      (await ancestry(run.headSha))
    if (why === null) await takeFrom(store, run, search, seen)
    else seen.passedOver.push(`run ${run.id}: ${why}`)
    if (seen.found.length >= search.histories) return
  }
}

/**
 * Runs of the branch, newest first. GitHub is asked for each event by itself: a list of all of them ends somewhere,
 * and pull requests of a fork whose branch bears the same name could fill it. A run's number grows with time.
 */
async function* trustedRuns(store: RunStore, search: BaselineSearch): AsyncGenerator<WorkflowRun> {
  const lists = await Promise.all(
    trustedEvents.map(async (event) => {
      const runs = runsOf(store, search, event)
      return { runs, head: await runs.next() }
    }),
  )
  for (;;) {
    const open = lists.flatMap((list) => (list.head.done === true ? [] : [{ list, run: list.head.value }]))
    const [newest] = open.sort((a, b) => b.run.id - a.run.id)
    if (newest === undefined) return
    yield newest.run
    newest.list.head = await newest.list.runs.next()
  }
}

async function* runsOf(store: RunStore, search: BaselineSearch, event: string): AsyncGenerator<WorkflowRun> {
  for (let page = 1; page <= maxPages; page++) {
    const runs = await store.listRuns(search.workflowFile, search.branch, event, page)
    yield* runs ?? []
    if (runs === null || runs.length < runsPerPage) return
  }
}

async function lookAt(
  store: RunStore,
  runId: number,
  search: BaselineSearch,
  seen: Sightings,
): Promise<void> {
  const run = await store.getRun(runId)
  const why = run === null ? 'does not exist' : distrust(run, search)
  if (run !== null && why === null) await takeFrom(store, run, search, seen)
  else seen.passedOver.push(`run ${runId}: ${why}`)
}

/** Why nothing of this run must be used, or null. A fork's branch may bear the same name: names prove nothing. */
function distrust(run: WorkflowRun, search: BaselineSearch): string | null {
  if (run.id === search.ownRunId) return 'is this very run'
  if (!trustedEvents.includes(run.event))
    return `its event ${run.event} is none of ${trustedEvents.join(', ')}`
  if (run.headRepositoryId !== search.repositoryId) return 'it comes from another repository'
  if (run.status !== 'completed') return `it is ${run.status ?? 'of unknown status'}`
  if (run.conclusion !== 'success') return `it ended with ${run.conclusion ?? 'no conclusion'}`
  return null
}

/** Why this run is none of those that were asked for, or null. */
function misplaced(run: WorkflowRun, search: BaselineSearch): string | null {
  if (run.headBranch !== search.branch)
    return `its branch is ${run.headBranch ?? 'unknown'}, not ${search.branch}`
  const path = run.path.split('@', 1)[0]
  if (path !== `.github/workflows/${search.workflowFile}`)
    return `its workflow is ${path ?? 'unknown'}, not ${search.workflowFile}`
  return null
}

function ownCommit({ headSha }: WorkflowRun, { underTest }: BaselineSearch): string | null {
  return underTest.includes(headSha) ? `its commit ${headSha.slice(0, 7)} is the one under test` : null
}

/** Why a commit cannot be compared with the reference, or null; each commit is asked for once. */
function ancestryOf(store: RunStore, reference: string): (commit: string) => Promise<string | null> {
  const known = new Map<string, Promise<boolean | null>>()
  return async (commit) => {
    if (commit === reference) return null
    const asked = known.get(commit) ?? store.isAncestor(commit, reference)
    known.set(commit, asked)
    const ancestor = await asked
    if (ancestor === true) return null
    const name = `its commit ${commit.slice(0, 7)}`
    if (ancestor === null) return `${name} is not known any more`
    return `${name} is no ancestor of the reference ${reference.slice(0, 7)}`
  }
}

async function takeFrom(
  store: RunStore,
  run: WorkflowRun,
  search: BaselineSearch,
  seen: Sightings,
): Promise<void> {
  // A re-run leaves one artifact per attempt under the same name: the newest holds.
  const artifact = (await store.listArtifacts(run.id, search.artifactName))
    .filter(({ name }) => name === search.artifactName)
    .sort((a, b) => b.id - a.id)[0]
  if (artifact === undefined || artifact.expired) {
    const why = artifact === undefined ? 'does not exist' : 'has expired'
    seen.passedOver.push(`run ${run.id}: its artifact ${why}`)
    return
  }
  const source = `artifact ${artifact.name} of run ${run.id} of ${run.createdAt} at ${run.headSha.slice(0, 7)}, ${artifact.digest ?? 'no digest'}`
  const content = await fetchTrusted(store, run, artifact, source)
  if ('baseline' in content) {
    seen.found.push({ source, baseline: content.baseline })
    return
  }
  if ('differences' in content) {
    seen.newer ??= content
    seen.passedOver.push(`run ${run.id}: its artifact cannot be read: ${content.differences.join('; ')}`)
    return
  }
  const reason = `run ${run.id}: its artifact ${content.why}`
  seen.distrusted.push(reason)
  seen.passedOver.push(reason)
}

async function fetchTrusted(
  store: RunStore,
  run: WorkflowRun,
  { id, digest, sizeBytes }: ArtifactInfo,
  source: string,
): Promise<{ readonly baseline: Baseline } | { readonly why: string } | NonNullable<Sightings['newer']>> {
  if (digest === null || !/^sha256:[0-9a-f]{64}$/.test(digest)) return { why: 'has no sha256 digest' }
  if (sizeBytes > maxZipBytes) return { why: `has ${sizeBytes} bytes, above the limit of ${maxZipBytes}` }
  const zip = await store.download(id, maxZipBytes).catch((error: unknown) => {
    // Gone since it was listed, or larger than it was said to be.
    if ([404, 410, 413].includes(statusOf(error) ?? 0)) return { why: `cannot be had: ${messageOf(error)}` }
    throw error
  })
  if ('why' in zip) return zip
  if (`sha256:${createHash('sha256').update(zip).digest('hex')}` !== digest)
    return { why: `has another digest than ${digest}` }
  let bytes: Buffer
  try {
    bytes = readZipEntry(zip, baselineFile, { maxBytes: maxBaselineBytes, maxEntries: 1 })
  } catch (error) {
    return { why: messageOf(error) }
  }
  const read = readBaselineBytes(bytes, source)
  if (read.status === 'unreadable') return { why: `is of no use: ${read.why}` }
  if (read.status === 'incompatible') return read
  const { commit, runId } = read.baseline
  if (commit !== run.headSha) return { why: `says that it was measured at ${commit ?? 'no commit'}` }
  if (runId !== String(run.id)) return { why: `says that it was made by run ${runId ?? 'unknown'}` }
  return { baseline: read.baseline }
}
