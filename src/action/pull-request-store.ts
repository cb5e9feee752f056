import type { Octokit } from './octokit.ts'
import type { PullRequestStore } from './relay.ts'

/** Open pull requests of one repository. Needs `pull-requests: read`. */
export function pullRequestStore(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
): PullRequestStore {
  const place = { owner: repository.owner, repo: repository.name }
  return {
    async withHead(owner, branch) {
      const filter = { state: 'open', head: `${owner}:${branch}`, per_page: 100 } as const
      const pulls = await octokit.paginate(octokit.rest.pulls.list, { ...place, ...filter })
      return pulls.map(({ number, head, base }) => ({
        number,
        headSha: head.sha,
        // Typed as always there, but null for a deleted fork.
        headRepositoryId: (head.repo as { id: number } | null)?.id ?? null,
        baseRepositoryId: base.repo.id,
      }))
    },
  }
}
