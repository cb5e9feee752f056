import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { messageOf } from '../domain/error.ts'
import { type Result, resultSchema } from '../domain/result.ts'
import type { TriggeringRun } from './context.ts'
import type { Job, RunStore } from './run-store.ts'
import { untouchedFile, untouchedSchema } from './untouched-file.ts'
import { resultArtifactName } from './upload.ts'
import { hasZipEntry, readZipEntry } from './zip.ts'

/** Open pull requests, as GitHub tells of them. */
export interface PullRequestStore {
  /** Those whose head is this branch of this owner's repository. */
  readonly withHead: (owner: string, branch: string) => Promise<readonly OpenPullRequest[]>
}

export interface OpenPullRequest {
  readonly number: number
  readonly headSha: string
  readonly headRepositoryId: number | null
  readonly baseRepositoryId: number
}

export type Relayed =
  | { readonly status: 'found'; readonly pullRequest: number; readonly result: Result }
  /** The gate ran, and the change touches no model. */
  | { readonly status: 'untouched'; readonly pullRequest: number; readonly why: string }
  /** The run did not fail and has left no result: its gate was not run, or could not keep what it found. */
  | { readonly status: 'silent'; readonly pullRequest: number; readonly why: string }
  /** The run has left nothing that can be shown; the pull request must still not keep an older, green comment. */
  | { readonly status: 'unusable'; readonly pullRequest: number; readonly why: string }
  | { readonly status: 'nothing'; readonly why: string }

/** result.json of the largest reports; what is larger is no report. */
const maxResultBytes = 64 * 2 ** 20
const maxZipBytes = 64 * 2 ** 20
/** The gate's own files are a dozen, and a patch for each model. */
const maxEntries = 1000
const resultFile = 'result.json'

/**
 * What another workflow's run has measured, for the comment that it had no permission to write.
 *
 * That run executed the pull request's code, so its artifact may say anything: it is data to show, escaped, and
 * names nothing. Which pull request it belongs to comes from GitHub alone: the event's head repository,
 * branch and commit, and the pull requests that GitHub knows of them.
 *
 * @param key the comment's; it names the artifact, and the job whose conclusion a pass must agree with
 */
export async function findRelayed(
  runs: RunStore,
  pullRequests: PullRequestStore,
  run: TriggeringRun,
  repositoryId: number,
  key: string,
): Promise<Relayed> {
  if (run.event !== 'pull_request') {
    return { status: 'nothing', why: `run ${run.id} was started by ${run.event}, not by pull_request` }
  }
  const head = run.headRepository
  if (head === null) return { status: 'nothing', why: `the repository of run ${run.id} is deleted` }
  const open = await pullRequests.withHead(head.owner, run.headBranch)
  const ours = open.filter(
    (pull) => pull.headRepositoryId === head.id && pull.baseRepositoryId === repositoryId,
  )
  const current = ours.filter(({ headSha }) => headSha === run.headSha)
  const [pull] = current
  if (pull === undefined) {
    const why = ours.length === 0 ? 'no open pull request has its head' : 'its pull request has moved on'
    return { status: 'nothing', why: `${why} (commit ${run.headSha.slice(0, 7)})` }
  }
  if (current.length > 1) {
    const numbers = current.map(({ number }) => `#${number}`).join(', ')
    return { status: 'nothing', why: `several pull requests have this head: ${numbers}` }
  }
  const end = await endOf(runs, run, key)
  const left = await readLeft(runs, run, end, resultArtifactName(key))
  // What says better than GitHub says itself was made by something else than the gate.
  if (!saysPass(left) || end.conclusion === 'success') return { pullRequest: pull.number, ...left }
  return { status: 'unusable', pullRequest: pull.number, why: `The result says pass, but ${inWords(end)}.` }
}

type Left =
  | { readonly status: 'found'; readonly result: Result }
  | { readonly status: 'untouched' | 'silent' | 'unusable'; readonly why: string }

function saysPass(left: Left): boolean {
  if (left.status === 'untouched') return true
  return (
    left.status === 'found' && (left.result.verdict.exitCode === 0 || left.result.verdict.outcome === 'pass')
  )
}

/** How what a result comes from has ended. */
interface End {
  /** `run 55`, `the job gate (a100)` */
  readonly of: string
  readonly conclusion: string | null
}

const inWords = ({ of, conclusion }: End) => `${of} ended with ${conclusion ?? 'no conclusion'}`

/** A run or job that ended so has not failed at anything; `action_required` waits for a maintainer's approval. */
const notFailed = ['success', 'skipped', 'neutral', 'action_required']

/**
 * In a run that has failed the job of the key counts, since another leg's regression says nothing of this one; the
 * worst of them where there are several, the run itself where there is none. A job's name is the workflow's word, but
 * so is all that makes a run green: who can change it can as well take the gate out.
 */
async function endOf(runs: RunStore, run: TriggeringRun, key: string): Promise<End> {
  const whole: End = { of: `run ${run.id}`, conclusion: run.conclusion }
  if (notFailed.includes(run.conclusion ?? '')) return whole
  const newest = new Map<string, Job>()
  for (const job of await runs.listJobs(run.id)) {
    // Of a later attempt another run of this workflow will tell.
    const known = newest.get(job.name)?.attempt ?? 0
    if (isLegOf(job.name, key) && job.attempt <= run.attempt && job.attempt > known) newest.set(job.name, job)
  }
  const ends = [...newest.values()].map(
    ({ name, conclusion }): End => ({ of: `the job ${name}`, conclusion }),
  )
  const failed = ends.find(({ conclusion }) => !notFailed.includes(conclusion ?? ''))
  return failed ?? ends.find(({ conclusion }) => conclusion !== 'success') ?? ends[0] ?? whole
}

/** GitHub calls the legs of a matrix `JOB (VALUE, VALUE)`; the key is one of the values, or all of them with dashes. */
function isLegOf(jobName: string, key: string): boolean {
  const values = /\(([^()]+)\)$/.exec(jobName)?.[1]?.split(', ') ?? []
  return values.includes(key) || values.join('-') === key
}

async function readLeft(runs: RunStore, run: TriggeringRun, end: End, artifactName: string): Promise<Left> {
  const unusable = (why: string) =>
    ({ status: 'unusable', why: `The artifact ${artifactName} ${why}.` }) as const
  const artifact = (await runs.listArtifacts(run.id, artifactName))
    .filter(({ name }) => name === artifactName)
    .sort((a, b) => b.id - a.id)[0]
  if (artifact === undefined) {
    if (!notFailed.includes(end.conclusion ?? '')) return unusable('does not exist')
    return { status: 'silent', why: `${inWords(end)} and has no artifact ${artifactName}` }
  }
  if (artifact.expired) return unusable('has expired')
  if (artifact.sizeBytes > maxZipBytes) return unusable(`has ${artifact.sizeBytes} bytes, which is too much`)
  const zip = await runs.download(artifact.id, maxZipBytes)
  const digest = `sha256:${createHash('sha256').update(zip).digest('hex')}`
  if (digest !== artifact.digest) return unusable(`has another digest than ${artifact.digest ?? 'none'}`)
  try {
    // Where both are there, what was measured stands.
    const isUntouched =
      hasZipEntry(zip, untouchedFile, { maxEntries }) && !hasZipEntry(zip, resultFile, { maxEntries })
    if (!isUntouched) return { status: 'found', result: readJson(zip, resultFile, resultSchema) }
    return { status: 'untouched', why: readJson(zip, untouchedFile, untouchedSchema).why }
  } catch (error) {
    return unusable(messageOf(error))
  }
}

/** @throws Error that says, as the end of a sentence, why it is none */
function readJson<T>(zip: Buffer, name: string, schema: z.ZodType<T>): T {
  const text = readZipEntry(zip, name, { maxBytes: maxResultBytes, maxEntries }).toString('utf8')
  const parsed = schema.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Error(
    `holds no ${name} of this version (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`,
  )
}
