import { createHash } from 'node:crypto'
import { messageOf } from '../domain/error.ts'
import { type Result, resultSchema } from '../domain/result.ts'
import type { TriggeringRun } from './context.ts'
import type { RunStore } from './run-store.ts'
import { readZipEntry } from './zip.ts'

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
  /** The run has left nothing that can be shown; the pull request must still not keep an older, green comment. */
  | { readonly status: 'unusable'; readonly pullRequest: number; readonly why: string }
  | { readonly status: 'nothing'; readonly why: string }

/** result.json of the largest reports; what is larger is no report. */
const maxResultBytes = 64 * 2 ** 20
const maxZipBytes = 64 * 2 ** 20
/** The gate's own files are a dozen, and a patch for each model. */
const maxEntries = 1000

/**
 * What another workflow's run has measured, for the comment that it had no permission to write.
 *
 * That run executed the pull request's code, so its artifact may say anything: it is data to show, escaped, and
 * names nothing. Which pull request it belongs to comes from GitHub alone: the event's head repository,
 * branch and commit, and the pull requests that GitHub knows of them.
 */
export async function findRelayed(
  runs: RunStore,
  pullRequests: PullRequestStore,
  run: TriggeringRun,
  repositoryId: number,
  artifactName: string,
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
  const content = await readResult(runs, run.id, artifactName)
  // A result that says better than GitHub says of the run itself was made by something else than the gate.
  const saysPass = ({ exitCode, outcome }: Result['verdict']) => exitCode === 0 || outcome === 'pass'
  if (content.status === 'found' && saysPass(content.result.verdict) && run.conclusion !== 'success') {
    const { outcome } = content.result.verdict
    const why = `The result says ${outcome}, but the run ended with ${run.conclusion ?? 'no conclusion'}.`
    return { status: 'unusable', pullRequest: pull.number, why }
  }
  return { pullRequest: pull.number, ...content }
}

async function readResult(
  runs: RunStore,
  runId: number,
  artifactName: string,
): Promise<{ status: 'found'; result: Result } | { status: 'unusable'; why: string }> {
  const unusable = (why: string) =>
    ({ status: 'unusable', why: `The artifact ${artifactName} ${why}.` }) as const
  const artifact = (await runs.listArtifacts(runId, artifactName))
    .filter(({ name }) => name === artifactName)
    .sort((a, b) => b.id - a.id)[0]
  if (artifact === undefined) return unusable('does not exist')
  if (artifact.expired) return unusable('has expired')
  if (artifact.sizeBytes > maxZipBytes) return unusable(`has ${artifact.sizeBytes} bytes, which is too much`)
  const zip = await runs.download(artifact.id, maxZipBytes)
  const digest = `sha256:${createHash('sha256').update(zip).digest('hex')}`
  if (digest !== artifact.digest) return unusable(`has another digest than ${artifact.digest ?? 'none'}`)
  try {
    const text = readZipEntry(zip, 'result.json', { maxBytes: maxResultBytes, maxEntries }).toString('utf8')
    const parsed = resultSchema.safeParse(JSON.parse(text))
    if (parsed.success) return { status: 'found', result: parsed.data }
    const issue = parsed.error.issues[0]
    return unusable(
      `holds no result of this version (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`,
    )
  } catch (error) {
    return unusable(messageOf(error))
  }
}
