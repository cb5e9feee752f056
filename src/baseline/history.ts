import { isOtherwise, matchMeasured } from '../domain/conditions.ts'
import { incomparable } from '../domain/environment.ts'
import type { Baseline, HistoryPoint } from '../domain/measurements.ts'
import { notShown, stepsIn } from './accepted-before.ts'

/**
 * `baseline` with the history of others of its kind joined to its own. Of two runs that overlap each knows only
 * of what was finished when it began: whoever reads both loses neither's points. A commit that stands in
 * several counts once, as measured last. Of those of other machines only what was accepted is taken over.
 */
export function withHistoriesOf(baseline: Baseline, others: readonly Baseline[]): Baseline {
  const comparable = others.filter(
    (other) => incomparable(other.environment, baseline.environment).length === 0,
  )
  if (others.length === 0) return baseline
  const joined = new Map<string, HistoryPoint>()
  const histories = [baseline.history, ...comparable.map((other) => alike(other, baseline))]
  for (const point of histories.flat()) {
    const key = JSON.stringify([point.commit ?? point.createdAt, point.model, point.load, point.metric])
    const known = joined.get(key)
    if (known === undefined || known.createdAt < point.createdAt) joined.set(key, point)
  }
  const history = [...joined.values()].sort((a, b) =>
    a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0,
  )
  const steps = [baseline, ...others].flatMap((each) => [...stepsIn(each.history), ...each.acceptedBefore])
  return { ...baseline, history, acceptedBefore: notShown(steps, history) }
}

/** Of another history the series that were measured in the same way: numbers that mean something else, or may, are no part of one. */
function alike(other: Baseline, baseline: Baseline): HistoryPoint[] {
  const names = baseline.models.map(({ name }) => name)
  const same = new Set(names.filter((name) => !isOtherwise(matchMeasured(name, other, baseline))))
  return other.history.filter(({ model }) => same.has(model))
}
