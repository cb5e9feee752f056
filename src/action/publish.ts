import { join } from 'node:path'
import * as core from '@actions/core'
import { messageOf } from '../domain/error.ts'
import type { Result } from '../domain/result.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { annotationsOf } from './annotations.ts'
import { maxReportBytes, putComment } from './comment.ts'
import type { ActionContext, Plan } from './context.ts'
import { baselineFile } from './find-baseline.ts'
import { artifactClient, commentStore } from './github.ts'
import type { Inputs } from './inputs.ts'
import { inertLog } from './log.ts'
import { outputsOf } from './outputs.ts'
import { errorReport, maxSummaryBytes } from './summary.ts'
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

/**
 * Shows the result everywhere it can be seen. What cannot be shown is a warning: the verdict stands.
 *
 * @returns false where the run was there to store a baseline and could not
 */
export async function publish(
  publication: Publication,
  modelRepository: string,
  result: Result,
): Promise<boolean> {
  const { inputs, context, plan, workspace } = publication
  setOutputs(publication, result)
  const candidateLabel = plan.pullRequest === null ? 'This commit' : 'This PR'
  await writeSummary(renderMarkdown(result, { maxBytes: maxSummaryBytes, candidateLabel }))
  for (const { level, message, ...properties } of annotationsOf(result, modelRepository, workspace)) {
    if (level === 'error') core.error(message, properties)
    else core.warning(message, properties)
  }
  await uploadResult(publication)
  await comment(
    publication,
    renderMarkdown(result, { maxBytes: reportBytes(inputs, context), candidateLabel }),
  )
  return plan.mode !== 'baseline' || (await storeBaseline(publication, result))
}

/** The same for a run that ended without a result; an earlier run's green comment must not stay. */
export async function publishError(publication: Publication, description: string): Promise<void> {
  setOutputs(publication, null)
  const report = errorReport(description, publication.context.runUrl)
  await writeSummary(report)
  await uploadResult(publication)
  await comment(publication, report)
}

function setOutputs({ outputDirectory, startedMs }: Publication, result: Result | null): void {
  const outputs = outputsOf(result, outputDirectory, gateFiles(outputDirectory, startedMs))
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value)
}

async function writeSummary(markdown: string): Promise<void> {
  try {
    await core.summary.addRaw(markdown).write({ overwrite: true })
  } catch (error) {
    core.warning(`the job summary could not be written: ${messageOf(error)}`)
  }
}

function reportBytes({ commentKey }: Inputs, { runId, runAttempt }: ActionContext): number {
  return maxReportBytes({ key: commentKey, runId, runAttempt })
}

async function comment({ inputs, context, plan }: Publication, report: string): Promise<void> {
  if (!inputs.comment || plan.pullRequest === null) return
  if (inputs.githubToken === null) return core.warning('no comment: the input github-token is empty')
  const { runId, runAttempt, repository } = context
  const outcome = await putComment(
    commentStore(inputs.githubToken, repository),
    { issue: plan.pullRequest, key: inputs.commentKey, runId, runAttempt },
    report,
  )
  switch (outcome.status) {
    case 'created':
    case 'updated':
      return core.info(`comment on #${plan.pullRequest} ${outcome.status}`)
    case 'superseded':
      return core.info(
        `the comment on #${plan.pullRequest} is of the later run ${outcome.byRun}; left as it is`,
      )
    case 'failed':
      return core.warning(`no comment; the report stands in the job summary: ${inertLog(outcome.why)}`)
    default:
      return outcome satisfies never
  }
}

async function uploadResult({ inputs, outputDirectory, startedMs }: Publication): Promise<void> {
  const files = gateFiles(outputDirectory, startedMs)
  if (files.length === 0) return
  const outcome = await uploadArtifact(resultArtifactName(inputs.commentKey), files, outputDirectory)
  if (outcome.status !== 'uploaded') core.warning(`the files of this run are not kept: ${outcome.why}`)
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
        `the baseline is not stored: ${stored.why} Keep the file of the output baseline-path where pull ` +
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
  core.startGroup(`Uploading ${name}`)
  try {
    return await upload(await artifactClient(), name, files, root)
  } finally {
    core.endGroup()
  }
}
