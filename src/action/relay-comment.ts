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
import { findRelayed, type Relayed } from './relay.ts'
import { errorReport, maxSummaryBytes, relayedNote, silentReport, untouchedReport } from './summary.ts'

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
    inputs.commentKey,
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
  const render = (maxBytes: number) => reportOf(relayed, runUrl, maxBytes - Buffer.byteLength(note)) + note
  core.setOutput('verdict', verdictOf(relayed))
  await writeSummary(render(maxSummaryBytes))
  // Of what was not measured nobody has to read, unless an earlier report stands there.
  const make = relayed.status === 'untouched' || relayed.status === 'silent' ? 'ifThere' : 'always'
  const report = render(maxReportBytes(sticky))
  const outcome = await putComment(commentStore(octokit, repository), sticky, report, make)
  sayComment(relayed.pullRequest, outcome)
  // Writing is all that this run is for.
  return outcome.status === 'failed' ? exitCodes.environment : exitCodes.pass
}

type Shown = Exclude<Relayed, { status: 'nothing' }>

function reportOf(relayed: Shown, runUrl: string, maxBytes: number): string {
  switch (relayed.status) {
    case 'found':
      return renderMarkdown(relayed.result, { maxBytes, candidateLabel: 'This PR' })
    case 'untouched':
      return untouchedReport(relayed.why)
    case 'silent':
      return silentReport(relayed.why)
    case 'unusable':
      return errorReport(relayed.why, runUrl)
    default:
      return relayed satisfies never
  }
}

function verdictOf(relayed: Shown): string {
  switch (relayed.status) {
    case 'found':
      return relayed.result.verdict.outcome
    case 'untouched':
      return 'pass'
    case 'silent':
      return ''
    case 'unusable':
      return 'invalid'
    default:
      return relayed satisfies never
  }
}
