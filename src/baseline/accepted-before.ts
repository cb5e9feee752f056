import type { AcceptedStep, HistoryPoint } from '../domain/measurements.ts'

/** The steps that these points show to be accepted. */
export function stepsIn(history: readonly HistoryPoint[]): AcceptedStep[] {
  return history.flatMap(({ model, load, metric, commit, accepted: reason }) =>
    reason === undefined ? [] : [{ model, load, metric, commit, reason }],
  )
}

/** Of accepted steps those that a history does not show, each once: the first that is named. */
export function notShown(steps: readonly AcceptedStep[], history: readonly HistoryPoint[]): AcceptedStep[] {
  const known = new Set(stepsIn(history).map(keyOf))
  return steps.filter((step) => {
    const key = keyOf(step)
    if (known.has(key)) return false
    known.add(key)
    return true
  })
}

/** An entry takes one step of each series, whichever commit brought it. */
function keyOf({ model, load, metric, reason }: AcceptedStep): string {
  return JSON.stringify([model, load, metric, reason])
}
