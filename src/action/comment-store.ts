import type { CommentStore, IssueComment } from './comment.ts'
import type { Octokit } from './octokit.ts'
import { type Clock, realClock } from './retry.ts'

/** Comments of one issue or pull request. Needs `pull-requests: write`. */
export function commentStore(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
  clock: Pick<Clock, 'sleep'> = realClock,
): CommentStore {
  const place = { owner: repository.owner, repo: repository.name }
  return {
    async login() {
      try {
        // The job's own token may not read GET /user, but it may ask who it is here.
        const { viewer } = await octokit.graphql<{ viewer: { login: string } }>('query { viewer { login } }')
        return viewer.login
      } catch {
        return 'github-actions[bot]'
      }
    },
    async list(issue) {
      const options = { ...place, issue_number: issue, per_page: 100 }
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
      await octokit.rest.issues.createComment({ ...place, issue_number: issue, body })
    },
    async update(id, body) {
      await octokit.rest.issues.updateComment({ ...place, comment_id: id, body })
    },
    async remove(id) {
      await octokit.rest.issues.deleteComment({ ...place, comment_id: id })
    },
    sleep: clock.sleep,
  }
}
