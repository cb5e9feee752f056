import { join } from 'node:path'
import * as core from '@actions/core'
import { messageOf } from '../domain/error.ts'
import type { Result } from '../domain/result.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { type Annotation, annotationsOf } from './annotations.ts'
import { artifactClient } from './artifact-client.ts'
import { type CommentOutcome, maxReportBytes, putComment } from './comment.ts'
import { commentStore } from './comment-store.ts'
import type { ActionContext, Plan } from './context.ts'
import { isEnterpriseServer, noArtifacts } from './enterprise.ts'
import { baselineFile } from './find-baseline.ts'
import type { Inputs } from './inputs.ts'
import { inertLog, inertText } from './log.ts'
import { connect } from './octokit.ts'
import { outputsOf } from './outputs.ts'
import { suggestBest } from './suggest.ts'
import { errorReport, maxSummaryBytes, untouchedReport } from './summary.ts'
import { writeUntouched } from './untouched-file.ts'
import { gateFiles, resultArtifactName, type UploadOutcome, upload } from './upload.ts'

/** What publishing needs to know of the run, the same with and without a result. */
export interface Publication {
  readonly inputs: Inputs
  readonly context: ActionContext
  readonly plan: Plan
  readonly workspace: string
  /** Absolute. */
  readonly outputDirectory: string
  /** When the run began, as in `Date.now()`. */
  readonly startedMs: number
}

/** Where a change of a model shows in the checkout. */
export type LineOf = (path: string) => Promise<number | null>

/** One minute's wait for a secondary rate limit fits twice; the job's minutes are dear on a GPU machine. */
export const commentPatienceMs = 150_000

/**
 * Shows the result everywhere it can be seen. What cannot be shown is a warning: the verdict stands.
 *
 * @param lineOf the first line of a file that this change has touched
 * @returns false where the run was there to store a baseline and could not
 */
export async function publish(
  publication: Publication,
  modelRepository: string,
  result: Result,
  lineOf: LineOf,
): Promise<boolean> {
  const { inputs, context, plan, workspace } = publication
  setOutputs(publication, result)
  const candidateLabel = labelOf(plan)
  await writeSummary(renderMarkdown(result, { maxBytes: maxSummaryBytes, candidateLabel, charts: true }))
  for (const annotation of await annotationsOf(result, modelRepository, workspace, lineOf))
    annotate(annotation)
  await uploadResult(publication)
  const maxBytes = maxReportBytes({ key: inputs.commentKey, ...context })
  await comment(publication, renderMarkdown(result, { maxBytes, candidateLabel }))
  if (inputs.suggest) await suggest(publication, modelRepository, result)
  return plan.mode !== 'baseline' || (await storeBaseline(publication, result))
}

function labelOf({ pullRequest, mode }: Plan): string {
  if (pullRequest !== null) return 'This PR'
  return mode === 'release' ? 'This release' : 'This commit'
}

/** The same for a run that ended without a result; an earlier run's green comment must not stay. */
export async function publishError(publication: Publication, description: string): Promise<void> {
  setOutputs(publication, null)
  const report = errorReport(description, publication.context.runUrl)
  await writeSummary(report)
  await uploadResult(publication)
  await comment(publication, report)
}

/**
 * A change that touches no model passes without a measurement; only a comment that is there already is told, by
 * this run or, for a pull request, by the one that writes what this run has left.
 */
export async function publishUntouched(publication: Publication, why: string): Promise<void> {
  const outputs = { ...outputsOf(null, publication.outputDirectory, []), verdict: 'pass' }
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value)
  const report = untouchedReport(why)
  await writeSummary(report)
  if (publication.plan.pullRequest !== null) {
    writeUntouched(publication.outputDirectory, why)
    await uploadResult(publication)
  }
  await comment(publication, report, 'ifThere')
}

function setOutputs({ outputDirectory, startedMs }: Publication, result: Result | null): void {
  const outputs = outputsOf(result, outputDirectory, gateFiles(outputDirectory, startedMs))
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value)
}

export async function writeSummary(markdown: string): Promise<void> {
  try {
    await core.summary.addRaw(markdown).write({ overwrite: true })
  } catch (error) {
    core.warning(`the job summary could not be written: ${messageOf(error)}`)
  }
}

function annotate({ level, message, ...properties }: Annotation): void {
  if (level === 'error') core.error(message, properties)
  else core.warning(message, properties)
}

async function comment(
  { inputs, context, plan }: Publication,
  report: string,
  make: 'always' | 'ifThere' = 'always',
): Promise<void> {
  if (!inputs.comment || plan.pullRequest === null) return
  if (inputs.githubToken === null) return core.warning('no comment: the input github-token is empty')
  const { runId, runAttempt, repository } = context
  const octokit = connect(inputs.githubToken, { totalMs: commentPatienceMs })
  const sticky = { issue: plan.pullRequest, key: inputs.commentKey, runId, runAttempt }
  sayComment(plan.pullRequest, await putComment(commentStore(octokit, repository), sticky, report, make))
}

/** Tells the log what became of the comment. */
export function sayComment(pullRequest: number, outcome: CommentOutcome): void {
  const on = `comment on #${pullRequest}`
  if (outcome.status === 'failed') {
    core.warning(`no comment; the report stands in the job summary: ${inertText(outcome.why)}`)
  } else if (outcome.status === 'none') core.info(`no ${on}: there is nothing to correct`)
  else if (outcome.status === 'superseded') {
    core.info(`the ${on} is of the later run ${outcome.byRun}; left as it is`)
  } else core.info(`${on} ${outcome.status}`)
}

async function suggest(publication: Publication, modelRepository: string, result: Result): Promise<void> {
  const { inputs, context, plan, workspace } = publication
  if (plan.pullRequest === null || context.pullRequest === null || inputs.githubToken === null) return
  try {
    const octokit = connect(inputs.githubToken, { totalMs: commentPatienceMs })
    const place = {
      pullRequest: plan.pullRequest,
      headSha: context.pullRequest.headSha,
      key: inputs.commentKey,
    }
    const said = await suggestBest(octokit, context.repository, place, { modelRepository, workspace, result })
    for (const line of said) core.info(inertLog(line))
  } catch (error) {
    core.warning(`no suggestion; the patch stands in the report: ${inertText(messageOf(error))}`)
  }
}

async function uploadResult({ inputs, outputDirectory, startedMs }: Publication): Promise<void> {
  const files = gateFiles(outputDirectory, startedMs)
  if (files.length === 0) return
  const outcome = await uploadArtifact(resultArtifactName(inputs.commentKey), files, outputDirectory)
  if (outcome.status !== 'uploaded') {
    core.warning(`the files of this run are not kept, and stay in ${outputDirectory}: ${outcome.why}`)
  }
}

/**
 * A run that could not be judged must not become what others are judged by; one that broke its budgets
 * ends in failure, and the search takes only runs that ended in success.
 */
async function storeBaseline({ inputs, outputDirectory }: Publication, result: Result): Promise<boolean> {
  const { outcome } = result.verdict
  if (outcome === 'invalid' || outcome === 'fail') {
    core.warning(`no baseline is stored, since the verdict is ${outcome}`)
    return true
  }
  const file = join(outputDirectory, baselineFile)
  const stored = await uploadArtifact(inputs.baselineArtifactName, [file], outputDirectory)
  switch (stored.status) {
    case 'uploaded':
      core.info(`baseline stored as artifact ${stored.name}, sha256:${stored.digest}`)
      return true
    case 'unsupported':
      core.warning(
        `the baseline is not stored: ${stored.why}. Keep the file of the output baseline-path where pull ` +
          'requests can read it, and give it to them by the input baseline.',
      )
      return true
    case 'failed':
      core.setFailed(`the baseline could not be stored: ${stored.why}`)
      return false
    default:
      return stored satisfies never
  }
}

async function uploadArtifact(name: string, files: string[], root: string): Promise<UploadOutcome> {
  // The client would say that errors can be temporary.
  if (isEnterpriseServer(process.env.GITHUB_SERVER_URL))
    return { status: 'unsupported', name, why: noArtifacts }
  core.startGroup(`Uploading ${name}`)
  try {
    return await upload(await artifactClient(), name, files, root)
  } finally {
    core.endGroup()
  }
}
