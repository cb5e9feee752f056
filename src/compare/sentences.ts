import { loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Comparison, ConstraintResult, Reason } from '../domain/result.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { scenarioAt } from './sides.ts'
import { changeInWords, inWords, listInWords, shareInWords } from './words.ts'

/** What a comparison that is not a pass says, with all of its numbers. */
export function comparisonReason(model: string, comparison: Comparison): Reason {
  const { metric, load, status, against } = comparison
  const subject = `${model}: ${metrics[metric].label} at ${loadLabel(load)}`
  const message = `${subject} ${movement(comparison)}${endingOf(comparison)}`
  switch (status) {
    case 'fail':
      return {
        outcome: 'fail',
        model,
        message,
        next:
          against === 'baseline'
            ? 'Confirm it with --reference, which measures both sides in turns on this machine.'
            : 'See where the server time goes in the report; if the change is intended, raise the tolerance of this metric.',
      }
    case 'inconclusive':
      return {
        outcome: 'inconclusive',
        model,
        message,
        next:
          against === 'baseline'
            ? 'Compare with --reference, which measures both sides in turns on this machine.'
            : 'Raise gate.repetitions or gate.measurement_seconds, or use a quieter machine.',
      }
    default:
      return invalidReason(model, [comparison])
  }
}

/** One sentence for all metrics that could not be compared for the same cause at the same load. */
export function invalidReason(model: string, comparisons: readonly Comparison[]): Reason {
  const [first] = comparisons
  const labels = listInWords(comparisons.map(({ metric }) => metrics[metric].label))
  const where = first === undefined ? '' : ` at ${loadLabel(first.load)}`
  return {
    outcome: 'invalid',
    model,
    message: `${model}: ${labels}${where} could not be compared: ${first?.footnotes.join('; ') ?? 'no comparison'}.`,
    next: 'Run it again; if it stays so, see the repetitions and the server log in the report.',
  }
}

function movement({ metric, reference, candidate, changeRatio, changeInterval }: Comparison): string {
  if (reference === null || candidate === null) return 'could not be compared'
  const verb = candidate > reference ? 'rose' : candidate < reference ? 'fell' : 'stayed'
  const change = changeRatio === null ? [] : [changeInWords(changeRatio)]
  const interval =
    changeInterval === null
      ? []
      : [`95 % interval ${changeInWords(changeInterval[0])} to ${changeInWords(changeInterval[1])}`]
  const details = [...change, ...interval].join(', ')
  return `${verb} from ${inWords(metric, reference)} to ${inWords(metric, candidate)}${details === '' ? '' : ` (${details})`}`
}

function endingOf({
  metric,
  status,
  tolerance,
  repetitions,
  detectableChange,
  footnotes,
}: Comparison): string {
  const notes = footnotes.length === 0 ? '.' : `; ${footnotes.join('; ')}.`
  const tolerated = `, tolerance ${shareInWords(tolerance)}`
  if (status !== 'inconclusive') return tolerated + notes
  const seen =
    detectableChange === null
      ? ''
      : `: too close to call, ${repetitions} repetitions show a change of ${shareInWords(detectableChange)} and more (${metrics[metric].better === 'lower' ? 'upwards' : 'downwards'})`
  return tolerated + seen + notes
}

/** What a budget that is broken or cannot be judged says. */
export function constraintReason(model: ModelMeasurement, constraint: ConstraintResult): Reason {
  const { name, metric, bound, limit, value, close, load } = constraint
  const limitText = `${bound === 'max' ? 'at most' : 'at least'} ${inWords(metric, limit)}`
  const subject = `${model.name}: ${metrics[metric].label} at ${loadLabel(load)}`
  if (value === null) {
    const measured = scenarioAt(model, load)?.metrics[metric]
    const why = measured?.reason ?? 'it is not available on this machine'
    return {
      outcome: 'invalid',
      model: model.name,
      message: `${subject} cannot be judged against ${name} (${limitText}): ${why}.`,
      next: 'Measure where this metric is available and long enough, or remove the constraint for this model.',
    }
  }
  const closeness = close ? '; a close call, its 95 % interval straddles the limit' : ''
  return {
    outcome: 'fail',
    model: model.name,
    message: `${subject} is ${inWords(metric, value)}, ${name} allows ${limitText}${closeness}.`,
    next: 'Make the model faster or smaller, or change the constraint if it asks for more than is needed.',
  }
}
