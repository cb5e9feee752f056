import * as core from '@actions/core'
import { exitCodes, GateError } from '../domain/error.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { hub } from './choose-baseline.ts'
import { maxReportBytes, putComment } from './comment.ts'
import { commentStore } from './comment-store.ts'
import { inertText } from './log.ts'
import { connect } from './octokit.ts'
import { outputNames } from './outputs.ts'
import { commentPatienceMs, type Publication, sayComment, writeSummary } from './publish.ts'
import { pullRequestStore } from './pull-request-store.ts'
import { findRelayed } from './relay.ts'
import { errorReport, maxSummaryBytes, relayedNote } from './summary.ts'
import { resultArtifactName } from './upload.ts'

/**
 * The second half of a pair of workflows: writes what another run has measured, which had no permission to write.
 * Nothing of the pull request is checked out or run here.
 *
 * @returns 0 where the comment stands, or there is rightly none
 */
export async function commentForRun({ inputs, context }: Publication): Promise<number> {
  const run = context.workflowRun
  const { id: repositoryId, ...repository } = context.repository
  if (inputs.githubToken === null || run === null || repositoryId === null) {
    throw new GateError('usage', 'mode: comment needs the input github-token and the event workflow_run')
  }
  const octokit = connect(inputs.githubToken, { totalMs: commentPatienceMs })
  const relayed = await findRelayed(
    hub(inputs.githubToken, repository).runs,
    pullRequestStore(octokit, repository),
    run,
    repositoryId,
    resultArtifactName(inputs.commentKey),
  )
  for (const name of outputNames) core.setOutput(name, '')
  if (relayed.status === 'nothing') {
    core.notice(`no comment: ${inertText(relayed.why)}`)
    return exitCodes.pass
  }
  const runUrl = context.runUrl.replace(/\d+$/, String(run.id))
  const note = relayedNote(run.id, runUrl)
  const sticky = {
    issue: relayed.pullRequest,
    key: inputs.commentKey,
    runId: run.id,
    runAttempt: run.attempt,
  }
  const render = (maxBytes: number) =>
    relayed.status === 'found'
      ? renderMarkdown(relayed.result, {
          maxBytes: maxBytes - Buffer.byteLength(note),
          candidateLabel: 'This PR',
        }) + note
      : errorReport(relayed.why, runUrl) + note
  core.setOutput('verdict', relayed.status === 'found' ? relayed.result.verdict.outcome : 'invalid')
  await writeSummary(render(maxSummaryBytes))
  const outcome = await putComment(commentStore(octokit, repository), sticky, render(maxReportBytes(sticky)))
  sayComment(relayed.pullRequest, outcome)
  // Writing is all that this run is for.
  return outcome.status === 'failed' ? exitCodes.environment : exitCodes.pass
}
