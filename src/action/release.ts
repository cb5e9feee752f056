import type { Release } from '../git/last-release.ts'
import { statusOf } from './http-status.ts'
import type { Octokit } from './octokit.ts'
import type { RunStore } from './run-store.ts'

/** A tag that an earlier release bears, and the commit it stands on; newest first. */
export interface ReleaseStore {
  readonly tags: () => Promise<readonly string[]>
  /** null where there is no such tag. */
  readonly commitOf: (tag: string) => Promise<string | null>
}

/** Further back than this nobody compares; each costs two requests. */
const maxReleases = 20

export function releaseStore(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
): ReleaseStore {
  const place = { owner: repository.owner, repo: repository.name }
  return {
    async tags() {
      // Filtered before they are counted: many pre-releases must not hide the release below them.
      const { data } = await octokit.rest.repos.listReleases({ ...place, per_page: 100 })
      const published = data.filter(({ draft, prerelease }) => !draft && !prerelease)
      return published.slice(0, maxReleases).map(({ tag_name }) => tag_name)
    },
    async commitOf(tag) {
      try {
        const { data } = await octokit.rest.repos.getCommit({ ...place, ref: `tags/${tag}`, per_page: 1 })
        return data.sha
      } catch (error) {
        if ([404, 422].includes(statusOf(error) ?? 0)) return null
        throw error
      }
    },
  }
}

/**
 * The newest published release that this commit grew out of: a fix of version 1 is compared with the version 1
 * before it, not with version 2. null where there is none.
 */
export async function releaseBefore(
  store: ReleaseStore,
  runs: Pick<RunStore, 'isAncestor'>,
  head: string,
): Promise<Release | null> {
  for (const tag of await store.tags()) {
    const commit = await store.commitOf(tag)
    if (commit === null || commit === head) continue
    if ((await runs.isAncestor(commit, head)) === true) return { tag, commit }
  }
  return null
}
