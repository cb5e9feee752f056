import { statusOf } from './http-status.ts'
import type { Octokit } from './octokit.ts'

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

/** A job of a run. Its name is what the workflow file says, so on a pull request it is the author's. */
export interface Job {
  readonly name: string
  /** The attempt of the run that it belongs to, from 1. */
  readonly attempt: number
  readonly conclusion: string | null
}

export interface ArtifactInfo {
  readonly id: number
  readonly name: string
  readonly expired: boolean
  readonly sizeBytes: number
  /** `sha256:…` of the zip; null where GitHub gives none. */
  readonly digest: string | null
}

/** GitHub's runs, artifacts and history as far as anybody here needs them. Needs `actions: read` and `contents: read`. */
export interface RunStore {
  /**
   * Those that one event has started, newest first, 100 a page, counted from 1; null where the workflow does not
   * exist on GitHub.
   */
  readonly listRuns: (
    workflow: string,
    branch: string,
    event: string,
    page: number,
  ) => Promise<readonly WorkflowRun[] | null>
  /** null where there is no such run. */
  readonly getRun: (id: number) => Promise<WorkflowRun | null>
  /** Of every attempt. */
  readonly listJobs: (runId: number) => Promise<readonly Job[]>
  /** Those of this name, or all of them. */
  readonly listArtifacts: (runId: number, name: string | null) => Promise<readonly ArtifactInfo[]>
  /** The zip, still packed. Throws where it is larger than `maxBytes`, or gone. */
  readonly download: (artifactId: number, maxBytes: number) => Promise<Buffer>
  /** Whether `ancestor` is `descendant` or one of its ancestors; null where GitHub does not know one of them. */
  readonly isAncestor: (ancestor: string, descendant: string) => Promise<boolean | null>
}

/** @param fetchBlob gets a blob by a URL that carries its own permission: no token is sent along */
export function runStore(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
  fetchBlob: (url: string, maxBytes: number) => Promise<Buffer>,
): RunStore {
  const { actions, repos } = octokit.rest
  const place = { owner: repository.owner, repo: repository.name }
  return {
    listRuns: (workflow, branch, event, page) =>
      orNull(404, async () => {
        const filter = {
          workflow_id: workflow,
          branch,
          event,
          exclude_pull_requests: true,
          per_page: 100,
          page,
        }
        const { data } = await actions.listWorkflowRuns({ ...place, ...filter })
        return data.workflow_runs.map(toRun)
      }),
    getRun: (id) =>
      orNull(404, async () => toRun((await actions.getWorkflowRun({ ...place, run_id: id })).data)),
    async listJobs(runId) {
      const filter = { run_id: runId, filter: 'all', per_page: 100 } as const
      const jobs = await octokit.paginate(actions.listJobsForWorkflowRun, { ...place, ...filter })
      return jobs.map(
        ({ name, run_attempt, conclusion }): Job => ({ name, attempt: run_attempt ?? 1, conclusion }),
      )
    },
    async listArtifacts(runId, name) {
      const filter = { run_id: runId, per_page: 100, ...(name === null ? {} : { name }) }
      const artifacts = await octokit.paginate(actions.listWorkflowRunArtifacts, { ...place, ...filter })
      return artifacts.map(
        (artifact): ArtifactInfo => ({
          id: artifact.id,
          name: artifact.name,
          expired: artifact.expired,
          sizeBytes: artifact.size_in_bytes,
          digest: artifact.digest ?? null,
        }),
      )
    },
    async download(artifactId, maxBytes) {
      const { headers } = await actions.downloadArtifact({
        ...place,
        artifact_id: artifactId,
        archive_format: 'zip',
        // Octokit would follow, with the token, and hold whatever comes in memory.
        request: { redirect: 'manual' },
      })
      if (headers.location === undefined) throw new Error(`GitHub names no place of artifact ${artifactId}`)
      return fetchBlob(headers.location, maxBytes)
    },
    isAncestor: (ancestor, descendant) =>
      orNull(404, async () => {
        const basehead = `${ancestor}...${descendant}`
        const { data } = await repos.compareCommitsWithBasehead({ ...place, basehead, per_page: 1 })
        return data.status === 'ahead' || data.status === 'identical'
      }),
  }
}

type ApiRun = Awaited<ReturnType<Octokit['rest']['actions']['getWorkflowRun']>>['data']

function toRun(run: ApiRun): WorkflowRun {
  return {
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
  }
}

async function orNull<T>(status: number, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (statusOf(error) === status) return null
    throw error
  }
}
