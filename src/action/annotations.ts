import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome, Result } from '../domain/result.ts'

export interface Annotation {
  readonly level: 'error' | 'warning'
  readonly title: string
  readonly message: string
  /** Relative to the checkout; the model's config.pbtxt where it is known. */
  readonly file?: string
  /** The first line that the change has touched; the first of all where it has touched none. */
  readonly startLine?: number
}

/** GitHub shows ten of each level for a step; ten in all keeps the worst in sight. */
const maxAnnotations = 10

const rank: Record<Outcome, number> = { invalid: 0, fail: 1, inconclusive: 2, pass: 3 }

/**
 * The reasons against a pass as annotations, the worst first.
 *
 * @param modelRepository as given, relative to `workspace` or absolute
 */
export async function annotationsOf(
  result: Result,
  modelRepository: string,
  workspace: string,
  lineOf: (path: string) => Promise<number | null>,
): Promise<readonly Annotation[]> {
  const reasons = result.verdict.reasons
    .filter(({ outcome }) => outcome !== 'pass')
    .sort((a, b) => rank[a.outcome] - rank[b.outcome])
  const shown = reasons.length > maxAnnotations ? reasons.slice(0, maxAnnotations - 1) : reasons
  const annotations: Annotation[] = []
  for (const reason of shown) {
    const subject = reason.model === undefined ? '' : `: ${reason.model}`
    const file = reason.model === undefined ? null : configFile(modelRepository, reason.model, workspace)
    annotations.push({
      level: levelOf(reason.outcome, result),
      title: `Performance gate ${reason.outcome}${subject}`,
      message: [reason.message, reason.cause, reason.next].filter((line) => line !== undefined).join('\n'),
      ...(file === null ? {} : { file, startLine: (await lineOf(join(workspace, file))) ?? 1 }),
    })
  }
  const hidden = reasons.slice(shown.length)
  const [worst] = hidden
  if (worst === undefined) return annotations
  const message = `${hidden.length} more reasons stand in the job summary.`
  return [...annotations, { level: levelOf(worst.outcome, result), title: 'Performance gate', message }]
}

/** What the policy lets pass is a warning, all else an error. */
function levelOf(outcome: Outcome, result: Result): Annotation['level'] {
  return outcome === 'inconclusive' && result.verdict.exitCode === 0 ? 'warning' : 'error'
}

function configFile(modelRepository: string, model: string, workspace: string): string | null {
  // Names come from measurement: one that climbs out of the repository is no file of ours.
  if (model.includes('/') || model === '..') return null
  const path = join(modelRepository, model, 'config.pbtxt')
  const relative = path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path
  return !relative.startsWith('/') && existsSync(join(workspace, relative)) ? relative : null
}
