import { loadKeyLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { BaselineStatus, Reason, Trend } from '../domain/result.ts'
import { changeInWords, countInWords } from '../domain/words.ts'
import { type CompareInput, usableRecent } from './sides.ts'

/**
 * What creep since the last release does to a release, if `gate.on_creep` is `fail`. A pull request is not to blame for what the
 * main branch became, and a main branch that fails would store no baseline any more: elsewhere creep is reported, not judged.
 * A history that is there and cannot be used does not pass for one without creep; one that is missing or yet short does.
 */
export function creepReasons(input: CompareInput, trend: Trend | null): Reason[] {
  if (!isCreepJudged(input)) return []
  const unknown = unknownCreep(input)
  if (unknown !== null && input.recentStatus?.status !== 'absent')
    return [
      {
        outcome: 'inconclusive',
        message: `${unknown.message}, and gate.on_creep is fail.`,
        next: unknown.next,
      },
    ]
  if (usableRecent(input) === null || trend === null) return []
  const since = trend.since === null ? '' : ` since ${trend.since.slice(0, 7)}`
  return trend.crept.map(({ model, load, metric, changeRatio, shifts }) => ({
    outcome: 'fail',
    model,
    message: `${metrics[metric].label} of ${model} at ${loadKeyLabel(load)} has crept by ${changeInWords(changeRatio)}${since}, in ${countInWords(shifts.length, 'step')}.`,
    next: 'See the commits of each step under Trend; accept what was meant, and set gate.on_creep to warn to release anyway.',
  }))
}

/** The same for a reader, where nothing is judged by it. */
export function creepWarnings(input: CompareInput): string[] {
  const unknown = unknownCreep(input)
  const isJudged = isCreepJudged(input) && input.recentStatus?.status !== 'absent'
  return unknown === null || isJudged ? [] : [`${unknown.message}. ${unknown.next}`]
}

function isCreepJudged({ config, mode }: CompareInput): boolean {
  return mode === 'gate' && config.overrides.release === true && config.gate.onCreep === 'fail'
}

/** Why there is no trend, though a newer baseline was asked for. */
function unknownCreep({
  recentStatus: status,
}: CompareInput): { readonly message: string; readonly next: string } | null {
  if (status === undefined || status.status === 'found' || status.status === 'notRequested') return null
  const message = `What the main branch became since then is not known: its newest baseline (${status.source}) ${stateOf(status)}`
  return { message, next: status.next }
}

function stateOf(status: Exclude<BaselineStatus, { status: 'found' | 'notRequested' }>): string {
  switch (status.status) {
    case 'absent':
      return 'was not found'
    case 'incompatible':
      return `cannot be compared with what is measured here: ${status.differences.join('; ')}`
    case 'untrusted':
      return `is not trusted: ${status.why}`
    case 'unreadable':
      return `cannot be read: ${status.why}`
    default:
      return status satisfies never
  }
}
