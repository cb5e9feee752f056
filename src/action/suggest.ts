import { join, posix, relative } from 'node:path'
import { parsePatch, type StructuredPatchHunk } from 'diff'
import type { Best, Result } from '../domain/result.ts'
import { markdownFence } from '../report/escape.ts'
import { commentStore } from './comment-store.ts'
import type { Octokit } from './octokit.ts'

/** Lines of a file that are to be replaced, from 1, both ends included. */
export interface Suggestion {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  /** What stands there now: a comment is only made where GitHub shows the same. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/**
 * A patch as suggestions, one for each hunk, without the context around them. An insertion replaces the line
 * before it, since a suggestion cannot stand between lines.
 */
export function suggestionsOf(patch: string, pathOf: (model: string) => string): readonly Suggestion[] {
  return parsePatch(patch).flatMap(({ newFileName = '', hunks }) =>
    hunks.map((hunk) => suggestionOf(hunk, pathOf(posix.basename(posix.dirname(newFileName))))),
  )
}

function suggestionOf({ lines, oldStart }: StructuredPatchHunk, path: string): Suggestion {
  const real = lines.filter((line) => !line.startsWith('\\'))
  const first = real.findIndex((line) => !line.startsWith(' '))
  const last = real.findLastIndex((line) => !line.startsWith(' '))
  const inserts = real.slice(first, last + 1).every((line) => line.startsWith('+'))
  const from = inserts && first > 0 ? first - 1 : first
  const to = inserts && first === 0 ? last + 1 : last
  const inside = real.slice(from, to + 1)
  const side = (mark: string) =>
    inside.filter((line) => line.startsWith(mark) || line.startsWith(' ')).map((line) => line.slice(1))
  const before = side('-')
  const startLine = oldStart + real.slice(0, from).filter((line) => !line.startsWith('+')).length
  return { path, startLine, endLine: startLine + before.length - 1, before, after: side('+') }
}

/**
 * Whether GitHub lets a comment stand on these lines: they are in one hunk of the pull request's diff, and they
 * read there as they do here.
 *
 * @param filePatch the diff of the file as GitHub lists it; undefined where it shows none
 */
export function fitsDiff(suggestion: Suggestion, filePatch: string | undefined): boolean {
  return hunksOf(filePatch ?? '').some((hunk) => {
    const right = hunk.lines.filter((line) => line.startsWith('+') || line.startsWith(' '))
    const at = suggestion.startLine - hunk.newStart
    const shown = right.slice(Math.max(0, at), at + suggestion.before.length).map((line) => line.slice(1))
    return at >= 0 && shown.length > 0 && shown.join('\n') === suggestion.before.join('\n')
  })
}

/** None where GitHub has cut the diff short. */
function hunksOf(filePatch: string): readonly StructuredPatchHunk[] {
  try {
    return parsePatch(`--- a/f\n+++ b/f\n${filePatch}\n`)[0]?.hunks ?? []
  } catch {
    return []
  }
}

interface ForModel {
  readonly name: string
  readonly suggestions: readonly Suggestion[]
}

/**
 * Of models whose suggestions are for the same file, since one needs the other or both a third, only the first's: taken together they
 * are what nobody measured. And a line for each other.
 */
export function withoutClashes(models: readonly ForModel[]): {
  readonly kept: readonly Suggestion[]
  readonly said: readonly string[]
} {
  const owners = new Map<string, string>()
  const kept: Suggestion[] = []
  const said: string[] = []
  for (const { name, suggestions } of models) {
    const clash = suggestions.find(({ path }) => owners.has(path))
    if (clash !== undefined) {
      const owner = owners.get(clash.path)
      said.push(
        `no suggestion for ${name}: it changes ${clash.path}, as that for ${owner} does; take that one, and measure again`,
      )
      continue
    }
    for (const { path } of suggestions) owners.set(path, name)
    kept.push(...suggestions)
  }
  return { kept, said }
}

interface Place {
  readonly pullRequest: number
  readonly headSha: string
  readonly key: string
}

/**
 * Puts the best configuration of each model as a one-click suggestion on the pull request, once: what an earlier
 * run has suggested and is not the answer any more is taken away. Needs `pull-requests: write`.
 *
 * @returns what was done, a line each
 */
export async function suggestBest(
  octokit: Octokit,
  { owner, name: repo }: { readonly owner: string; readonly name: string },
  { pullRequest, headSha, key }: Place,
  { modelRepository, workspace, result }: { modelRepository: string; workspace: string; result: Result },
): Promise<readonly string[]> {
  const { pulls } = octokit.rest
  const place = { owner, repo, pull_number: pullRequest }
  const said: string[] = []
  const marker = `<!-- triton-perf-gate-suggestion:${key} -->`
  const login = await commentStore(octokit, { owner, name: repo }).login()
  const earlier = (await octokit.paginate(pulls.listReviewComments, { ...place, per_page: 100 })).filter(
    // Anybody can paste a marker.
    ({ body, user }) => body.startsWith(marker) && user.login === login,
  )
  const files = await octokit.paginate(pulls.listFiles, { ...place, per_page: 100 })
  const shown = result.models.flatMap(({ name, best }) => {
    if (best === null || !isWorthIt(best) || best.patch === null) return []
    const all = suggestionsOf(best.patch, (model) =>
      relative(workspace, join(modelRepository, model, 'config.pbtxt')),
    )
    // Half of what was measured would be something else: all of it, or none.
    const isShown =
      all.length > 0 &&
      all.every((each) => fitsDiff(each, files.find(({ filename }) => filename === each.path)?.patch))
    if (isShown && all.every(isTakenAsIs)) return [{ name, suggestions: all }]
    said.push(
      isShown
        ? `no suggestion for ${name}: it has characters, or an empty line at its end, that a suggestion does not carry`
        : `no suggestion for ${name}: the pull request's diff does not show the lines to be changed`,
    )
    return []
  })
  const wanted = withoutClashes(shown)
  said.push(...wanted.said)
  const comments = wanted.kept.map((suggestion) => ({
    ...placed(suggestion),
    body: bodyOf(marker, suggestion),
  }))
  const isThere = (comment: (typeof comments)[number]) =>
    earlier.some(
      ({ body, path, line }) => body === comment.body && path === comment.path && line === comment.line,
    )
  for (const old of earlier) {
    const kept = comments.some(
      ({ body, path, line }) => old.body === body && old.path === path && old.line === line,
    )
    if (!kept) await pulls.deleteReviewComment({ owner, repo, comment_id: old.id })
  }
  const missing = comments.filter((comment) => !isThere(comment))
  if (missing.length === 0) return said
  await pulls.createReview({ ...place, commit_id: headSha, event: 'COMMENT', comments: missing })
  return [...said, ...missing.map(({ path, line }) => `suggested the best configuration on ${path}:${line}`)]
}

function isWorthIt({ configuration, tie, meetsConstraints }: Best): boolean {
  return meetsConstraints && !tie && !configuration.committed
}

function placed({ path, startLine, endLine }: Suggestion) {
  const side = 'RIGHT' as const
  const range = startLine === endLine ? {} : { start_line: startLine, start_side: side }
  return { path, line: endLine, side, ...range }
}

function bodyOf(marker: string, suggestion: Suggestion): string {
  const text = 'The best configuration that was measured, with the change that the report explains:'
  return `${marker}\n${text}\n\n${suggestionBlock(suggestion)}`
}

/** A block without a line takes the lines away; one with an empty line would leave that. */
export function suggestionBlock({ after }: Pick<Suggestion, 'after'>): string {
  return after.length === 0 ? '```suggestion\n```' : markdownFence(after.join('\n'), 'suggestion')
}

/** A click commits what is shown, and that is cleaned of characters that hide or reorder text, and of empty lines at the end. */
export function isTakenAsIs({ after }: Pick<Suggestion, 'after'>): boolean {
  const shown = suggestionBlock({ after }).split('\n').slice(1, -1)
  return after.at(-1) !== '' && shown.join('\n') === after.join('\n')
}
