import { examineSeries, trendOf } from '../compare/trend.ts'
import { exitCodes, GateError } from '../domain/error.ts'
import { renderHistory } from '../report/history.ts'
import { renderJson } from '../report/json.ts'
import { openAsked } from './asked-baseline.ts'
import { listOf } from './flag-values.ts'
import type { Shell } from './shell.ts'

export interface HistoryOptions {
  readonly baseline: string
  readonly since?: string
  readonly models?: string
  readonly json?: boolean
}

/** `history`: the runs of the main branch that a baseline carries, and the steps in their level. */
export async function history(shell: Shell, options: HistoryOptions): Promise<number> {
  const opened = await openAsked(shell, options.baseline)
  if (opened.status !== 'found') throw new GateError('internal', `the baseline is ${opened.status}`)
  const wanted = options.models === undefined ? null : listOf(options.models)
  const points = opened.baseline.history.filter(({ model }) => wanted?.includes(model) ?? true)
  const since = commitOf(points, options.since)
  const series = examineSeries(points, since).map(({ trend }) => trend)
  if (options.json === true) shell.out(renderJson({ since, series }))
  else shell.out(renderHistory(series, trendOf(points, since), since))
  return exitCodes.pass
}

/** The one commit of the history that begins so. */
function commitOf(points: readonly { readonly commit: string | null }[], start: string | undefined) {
  if (start === undefined) return null
  const commits = [...new Set(points.flatMap(({ commit }) => (commit?.startsWith(start) ? [commit] : [])))]
  const [commit] = commits
  if (commit !== undefined && commits.length === 1) return commit
  throw new GateError(
    'usage',
    `--since: ${commits.length === 0 ? 'no run of the history is' : 'several runs of the history are'} of a commit that begins with '${start}'`,
    { hint: 'Leave it out to see the whole history; --json lists its commits.' },
  )
}
