import * as core from '@actions/core'
import type { OpenedBaseline } from '../baseline/find.ts'
import { fetchBlob } from './blob.ts'
import { isEnterpriseServer, noArtifacts } from './enterprise.ts'
import { carriedHistories, findBaseline } from './find-baseline.ts'
import { connect } from './octokit.ts'
import type { Publication } from './publish.ts'
import { type ReleaseStore, releaseStore } from './release.ts'
import { type RunStore, runStore } from './run-store.ts'

/** A minute's wait for a secondary rate limit and all the answers fit; the job's minutes are dear on a GPU machine. */
const searchPatienceMs = 120_000
/** 16 MB at the slowest line that a job survives on. */
const downloadPatienceMs = 60_000

/** Who names a commit to compare with may name this very one; `none` names no commit. */
function isChosen(reference: string | null): boolean {
  return reference !== null && reference !== 'none'
}

/** What is read of GitHub before anything is measured. */
export function hub(
  token: string,
  repository: { readonly owner: string; readonly name: string },
): { readonly runs: RunStore; readonly releases: ReleaseStore } {
  const octokit = connect(token, { totalMs: searchPatienceMs })
  const blob = (url: string, maxBytes: number) => fetchBlob(url, maxBytes, downloadPatienceMs)
  return { runs: runStore(octokit, repository, blob), releases: releaseStore(octokit, repository) }
}

/**
 * The baseline artifact to compare with; in baseline mode the one before, whose history is carried on.
 *
 * @param reference the commit of which it should be; where that is not known, the newest of this commit's ancestors is meant
 */
export async function chooseBaseline(
  { inputs, context, plan }: Publication,
  reference: string | null,
  say: (message: string) => void,
): Promise<OpenedBaseline> {
  const { id: repositoryId, ...repository } = context.repository
  const workflowFile = inputs.baselineWorkflow ?? context.workflowFile
  const source = `artifact ${inputs.baselineArtifactName}`
  if (inputs.githubToken === null) {
    return { status: 'absent', source, next: 'give the input github-token, so that artifacts can be listed' }
  }
  if (isEnterpriseServer(process.env.GITHUB_SERVER_URL)) {
    const next = `${noArtifacts}: store the file of the output baseline-path where this job can read it, and give it by the input baseline`
    if (plan.mode === 'baseline') return { status: 'notRequested' }
    say(`baseline: absent, ${source}: ${next}`)
    return { status: 'absent', source, next }
  }
  if (workflowFile === null || plan.baselineBranch === null || repositoryId === null) {
    const why = 'the event names no workflow, branch or repository to look for it'
    return { status: 'unreadable', source, why, next: 'give the file by the input baseline' }
  }
  const isBaseline = plan.mode === 'baseline'
  core.startGroup('Looking for the baseline')
  const search = {
    workflowFile,
    branch: plan.baselineBranch,
    repositoryId,
    ownRunId: context.runId,
    artifactName: inputs.baselineArtifactName,
    reference: reference ?? context.pullRequest?.baseSha ?? context.mergeGroup?.baseSha ?? context.sha,
    underTest: isBaseline || isChosen(inputs.reference) ? [] : [plan.commit, context.sha],
    runId: inputs.baselineRunId,
    histories: isBaseline ? carriedHistories : 1,
  }
  const opened = await findBaseline(hub(inputs.githubToken, repository).runs, search, say)
  core.endGroup()
  if (opened.status === 'notRequested') return opened
  say(`baseline: ${opened.status}, ${opened.source}${'why' in opened ? `: ${opened.why}` : ''}`)
  if (!isBaseline || opened.status === 'found') return opened
  // Without an earlier baseline there is no history to carry on, which is no fault of this run.
  if (opened.status !== 'absent') {
    core.warning(
      'the history of earlier baselines is not carried on by this run; the next one joins it again',
    )
  }
  return { status: 'notRequested' }
}
