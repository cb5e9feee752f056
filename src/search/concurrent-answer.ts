import { type Load, loadLabel } from '../domain/load.ts'
import { betterInWords, betterThan } from '../domain/words.ts'
import { describe, violationWords } from './answer-words.ts'
import type { ConcurrentAnswer, ConcurrentModel } from './concurrent-state.ts'
import { excess, gain as gainOf, violation } from './score.ts'
import type { SearchAnswer } from './state.ts'
import { standingWords } from './unsteady.ts'

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
  const { configurations, loads, metrics, committed, unsteady, gain, gains, tie, meetsConstraints } = answer
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
    const own = committed === null ? ` ${nothingMeasured}` : ''
    return `No combination that was measured meets the constraints of every model. The least violating is ${all}: ${broken.join('; ')}.${own}`
  }
  if (tie) return `A tie, so the committed configurations stand: ${all}.`
  if (configurations.every((each) => each.committed)) {
    const besides = unsteady === null ? '' : ` ${committedWords(models, answer)}`
    return `The committed configurations are the best combination of those measured: ${all}.${besides}`
  }
  const whole = 'It was measured as a whole: change all of it, or none.'
  if (gain === null) return `The best combination is ${all}. ${whole} ${committedWords(models, answer)}`
  const before = loadsInWords(models, committed?.loads ?? [])
  return `The best combination is ${betterThan(gain)} the committed configurations at their best loads (${before}), by the weighted geometric mean of what each model gains: ${all}. ${whole}`
}

const nothingMeasured = 'The committed configurations gave no measurement.'

/** Why by how much it is better is not told. */
function committedWords(
  models: readonly ConcurrentModel[],
  { committed, unsteady, metrics }: ConcurrentAnswer,
): string {
  if (committed === null) return nothingMeasured
  if (unsteady !== null)
    return `The committed configurations are unsteady: at their loads (${loadsInWords(models, unsteady.loads)}) all constraints were met ${standingWords(unsteady.standing)}; at no measured loads they always were.`
  const breaks = models.some(
    ({ constraints }, index) => violation(committed.metrics[index] ?? {}, constraints) > 0,
  )
  if (breaks) return 'The committed configurations meet the constraints at no measured load.'
  const unknown = models.filter(
    ({ objectives }, index) =>
      gainOf(metrics[index] ?? {}, committed.metrics[index] ?? {}, objectives) === null,
  )
  return `By how much it is better is not known, since of ${unknown.map(({ name }) => name).join(' and ')} one of the two has no value of what is sought.`
}

function loadsInWords(models: readonly ConcurrentModel[], loads: readonly Load[]): string {
  return loads.map((load, index) => `${models[index]?.name} at ${loadLabel(load)}`).join(', ')
}
