import { loadKeyLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Reason, Trend } from '../domain/result.ts'
import { changeInWords, countInWords } from '../domain/words.ts'
import type { CompareInput } from './sides.ts'

/**
 * What creep since the last release does to a release, if `gate.on_creep` is `fail`. A pull request is not to blame for what the
 * main branch became, and a main branch that fails would store no baseline any more: elsewhere creep is reported, not judged.
 */
export function creepReasons({ config, recent = null }: CompareInput, trend: Trend): Reason[] {
  if (recent === null || config.gate.onCreep !== 'fail') return []
  const since = trend.since === null ? '' : ` since ${trend.since.slice(0, 7)}`
  return trend.crept.map(({ model, load, metric, changeRatio, shifts }) => ({
    outcome: 'fail',
    model,
    message: `${metrics[metric].label} of ${model} at ${loadKeyLabel(load)} has crept by ${changeInWords(changeRatio)}${since}, in ${countInWords(shifts.length, 'step')}.`,
    next: 'See the commits of each step under Trend; accept what was meant, and set gate.on_creep to warn to release anyway.',
  }))
}
