import { getOctokit } from '@actions/github'
import type { CommentStore, IssueComment } from './comment.ts'
import type { ArtifactInfo, BaselineStore, WorkflowRun } from './find-baseline.ts'
import { statusOf } from './http-status.ts'
import type { ArtifactUploader } from './upload.ts'

type Repository = { readonly owner: string; readonly name: string }

/** No single request of GitHub's REST interface takes this long; a hung one must not hold the report back. */
const requestTimeoutMs = 30_000

/** Runs and artifacts by GitHub's REST interface and artifact client. Needs `actions: read`. */
export function baselineStore(token: string, repository: Repository): BaselineStore {
  const { actions } = getOctokit(token).rest
  const place = { owner: repository.owner, repo: repository.name }
  return {
    async listRuns(workflow, branch, page, signal) {
      try {
        const { data } = await actions.listWorkflowRuns({
          ...place,
          workflow_id: workflow,
          branch,
          exclude_pull_requests: true,
          per_page: 100,
          page,
          request: { signal },
        })
        return data.workflow_runs.map(
          (run): WorkflowRun => ({
            id: run.id,
            path: run.path,
            event: run.event,
            status: run.status,
            conclusion: run.conclusion,
            headBranch: run.head_branch,
            headSha: run.head_sha,
            // Typed as always there, but null for a deleted fork.
            headRepositoryId: (run.head_repository as { id: number } | null)?.id ?? null,
            createdAt: run.created_at,
          }),
        )
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    },
    async listArtifacts(runId, name, signal) {
      const { data } = await actions.listWorkflowRunArtifacts({
        ...place,
        run_id: runId,
        name,
        per_page: 100,
        request: { signal },
      })
      return data.artifacts.map(
        (artifact): ArtifactInfo => ({
          id: artifact.id,
          name: artifact.name,
          expired: artifact.expired,
          sizeBytes: artifact.size_in_bytes,
          digest: artifact.digest ?? null,
        }),
      )
    },
    async download(runId, artifact, directory) {
      const client = await artifactClient()
      const { digestMismatch } = await client.downloadArtifact(artifact.id, {
        path: directory,
        expectedHash: artifact.digest,
        // Stay packed: the client's unzip has no limit on size (see zip.ts).
        skipDecompress: true,
        findBy: { token, workflowRunId: runId, repositoryOwner: place.owner, repositoryName: place.repo },
      })
      return digestMismatch === false
    },
  }
}

/** Comments of one issue or pull request. Needs `pull-requests: write`. */
export function commentStore(token: string, repository: Repository): CommentStore {
  const octokit = getOctokit(token)
  const place = { owner: repository.owner, repo: repository.name }
  const request = () => ({ signal: AbortSignal.timeout(requestTimeoutMs) })
  return {
    async login() {
      try {
        // The job's own token may not read GET /user, but it may ask who it is here.
        const { viewer } = await octokit.graphql<{ viewer: { login: string } }>(
          'query { viewer { login } }',
          {
            request: request(),
          },
        )
        return viewer.login
      } catch {
        return 'github-actions[bot]'
      }
    },
    async list(issue) {
      const options = { ...place, issue_number: issue, per_page: 100, request: request() }
      const comments = await octokit.paginate(octokit.rest.issues.listComments, options)
      return comments.map(
        (comment): IssueComment => ({
          id: comment.id,
          author: comment.user?.login ?? null,
          body: comment.body ?? '',
        }),
      )
    },
    async create(issue, body) {
      await octokit.rest.issues.createComment({ ...place, issue_number: issue, body, request: request() })
    },
    async update(id, body) {
      await octokit.rest.issues.updateComment({ ...place, comment_id: id, body, request: request() })
    },
    async remove(id) {
      await octokit.rest.issues.deleteComment({ ...place, comment_id: id, request: request() })
    },
  }
}

/** The artifact client, loaded only where it is needed: it doubles the time the action takes to start. */
export async function artifactClient(): Promise<Pick<ArtifactUploader, 'uploadArtifact'> & DownloadClient> {
  const { DefaultArtifactClient } = await import('@actions/artifact')
  return new DefaultArtifactClient()
}

interface DownloadClient {
  readonly downloadArtifact: (
    id: number,
    options: {
      path: string
      expectedHash: string
      skipDecompress: boolean
      findBy: { token: string; workflowRunId: number; repositoryOwner: string; repositoryName: string }
    },
  ) => Promise<{ digestMismatch?: boolean }>
}
