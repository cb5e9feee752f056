import { loadLabel } from '../domain/load.ts'
import { betterInWords, betterThan } from '../domain/words.ts'
import { describe, violationWords } from './answer-words.ts'
import type { ConcurrentAnswer, ConcurrentModel } from './concurrent-state.ts'
import { excess } from './score.ts'
import type { SearchAnswer } from './state.ts'

/** The answer's part of each model; what is to be said of all of them together, the first one says. */
export function answersOf(
  models: readonly ConcurrentModel[],
  answer: ConcurrentAnswer,
): Omit<SearchAnswer, 'configuration' | 'load'>[] {
  const explanation = explain(models, answer)
  return models.map((_, index) => ({
    metrics: answer.metrics[index] ?? {},
    measurements: answer.measurements,
    gain: answer.gains[index] ?? null,
    tie: answer.tie,
    meetsConstraints: answer.meetsConstraints,
    explanation:
      index === 0
        ? explanation
        : `Part of one combination with ${models[0]?.name}, where all of it is described.`,
  }))
}

function explain(models: readonly ConcurrentModel[], answer: ConcurrentAnswer): string {
  const { configurations, loads, metrics, committed, gain, gains, tie, meetsConstraints } = answer
  const parts = models.map(({ name, weight }, index) => {
    const [configuration, load] = [configurations[index], loads[index]]
    if (configuration === undefined || load === undefined) return name
    const own = gains[index]
    const change = own == null || tie ? '' : `, ${betterInWords(own)}`
    return `${name} (weight ${Number(weight.toFixed(2))}): ${describe({ configuration, load, metrics: metrics[index] ?? {} })}${change}`
  })
  const all = parts.join('; ')
  if (!meetsConstraints) {
    const broken = models.flatMap(({ name, constraints }, index) =>
      constraints
        .filter((constraint) => excess(metrics[index] ?? {}, constraint) > 0)
        .map((constraint) => `of ${name}, ${violationWords(metrics[index] ?? {}, constraint)}`),
    )
    return `No combination that was measured meets the constraints of every model. The least violating is ${all}: ${broken.join('; ')}.`
  }
  if (tie) return `A tie, so the committed configurations stand: ${all}.`
  if (configurations.every((each) => each.committed))
    return `The committed configurations are the best combination of those measured: ${all}.`
  if (gain === null)
    return `The best combination is ${all}; the committed configurations meet the constraints at no measured load, or gave no measurement.`
  const before = (committed?.configurations ?? [])
    .map((_, index) => {
      const load = committed?.loads[index]
      return load === undefined ? '' : `${models[index]?.name} at ${loadLabel(load)}`
    })
    .join(', ')
  return `The best combination is ${betterThan(gain)} the committed configurations at their best loads (${before}), by the weighted sum of the gains: ${all}. It was measured as a whole: change all of it, or none.`
}
