import { configurationKey } from '../domain/configuration.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import { patchedModels } from '../domain/patched-models.ts'
import {
  type Comparison,
  type ConstraintResult,
  keepsLimit,
  patchFile,
  type Reason,
} from '../domain/result.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { changeInWords, listInWords } from '../domain/words.ts'
import { minRepetitions } from './draft.ts'
import { undecidable } from './judge.ts'
import { remedyFor } from './remedies.ts'
import { scenarioAt } from './sides.ts'
import { inWords, shareInWords } from './words.ts'

interface CutShort {
  readonly made: number
  readonly planned: number
}

/**
 * What a comparison that is not a pass says, with all of its numbers.
 * @param cut repetitions that were made, and that were to be made had there been time; null where there was, or nobody knows
 */
export function comparisonReason(model: string, comparison: Comparison, cut: CutShort | null): Reason {
  const { metric, load, status, against } = comparison
  const subject = `${model}: ${metrics[metric].label} at ${loadLabel(load)}`
  const message = `${subject} ${movement(comparison)}${endingOf(comparison)}`
  switch (status) {
    case 'fail':
      return {
        outcome: 'fail',
        model,
        message,
        ...(comparison.cause === undefined ? {} : { cause: comparison.cause }),
        next:
          against === 'baseline'
            ? 'Confirm it with --reference, which measures both sides in turns on this machine.'
            : 'See where the server time goes in the report; if the change is intended, accept it by an entry under gate.accepted.',
      }
    case 'inconclusive':
      return {
        outcome: 'inconclusive',
        model,
        message,
        next: nextAfterInconclusive(comparison, cut),
      }
    case 'accepted':
      return { outcome: 'pass', model, message }
    default:
      return invalidReason(model, [comparison])
  }
}

function nextAfterInconclusive(
  { against, detectableChange, repetitions, footnotes }: Comparison,
  cut: CutShort | null,
): string {
  // Enough was measured and noise is not what stands against a pass: more requests fail than on the other side.
  if (detectableChange === null && repetitions >= minRepetitions) {
    return 'See in the repetitions and the server log which requests fail and why; more repetitions do not help.'
  }
  if (against === 'baseline')
    return 'Compare with --reference, which measures both sides in turns on this machine.'
  if (footnotes.includes(undecidable))
    return 'Use a quieter machine, accept it by an entry under gate.accepted, or allow more by gate.tolerance.'
  return cut !== null
    ? `Raise gate.time_budget (--time-budget): there was time for ${cut.made} of ${cut.planned} repetitions. Or use a quieter machine.`
    : 'Raise gate.repetitions or gate.measurement_seconds, or use a quieter machine.'
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
    next: remedyFor(first?.footnotes.join('; ') ?? ''),
  }
}

/**
 * From what to what, and by how much. The two values are of whole repetitions, the change of p99 is that of the typical
 * block where there are blocks: where the two tell different stories, both are told.
 */
function movement(comparison: Comparison): string {
  const { metric, reference, candidate, changeRatio, changeInterval, tolerance } = comparison
  if (reference === null || candidate === null) return 'could not be compared'
  const whole = reference > 0 ? candidate / reference : null
  const change = changeRatio ?? whole ?? (candidate > reference ? Number.POSITIVE_INFINITY : 1)
  const opposite = whole !== null && directionOf(whole) * directionOf(change) < 0
  const apart = whole !== null && (opposite || Math.abs(whole / change - 1) > tolerance)
  const verb = opposite || directionOf(change) === 0 ? 'went' : change > 1 ? 'rose' : 'fell'
  const details = [
    ...(apart ? [`pooled ${changeInWords(whole)}`] : []),
    ...(changeRatio === null ? [] : [`${apart ? 'typical block ' : ''}${changeInWords(changeRatio)}`]),
    ...(changeInterval === null ? [] : [`95 % interval ${changeInterval.map(changeInWords).join(' to ')}`]),
  ].join(', ')
  return `${verb} from ${inWords(metric, reference)} to ${inWords(metric, candidate)}${details === '' ? '' : ` (${details})`}`
}

/** Up, down, or too little to be seen in a percentage with one decimal. */
function directionOf(ratio: number): number {
  return Math.abs(ratio - 1) < 0.0005 ? 0 : Math.sign(ratio - 1)
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
  const { name, metric, standsInFor, bound, limit, value, status, close, load } = constraint
  const limitText = `${bound === 'max' ? 'at most' : 'at least'} ${inWords(metric, limit)}`
  const where = ` at ${loadLabel(load)}`
  const measured = scenarioAt(model, load)?.metrics
  if (value === null) {
    const why = measured?.[metric]?.reason ?? 'it is not available on this machine'
    return {
      outcome: 'invalid',
      model: model.name,
      message: `${model.name}: ${metrics[metric].label}${where} cannot be judged against ${name} (${limitText}): ${why}.`,
      next: 'Measure where this metric is available and long enough, or remove the constraint for this model.',
    }
  }
  const why = standsInFor && (measured?.[standsInFor]?.reason ?? 'there were too few requests')
  if (status === 'inconclusive' && standsInFor !== undefined) {
    return {
      outcome: 'inconclusive',
      model: model.name,
      message: `${model.name}: ${metrics[standsInFor].label}${where} cannot be judged against ${name} (${limitText}): ${why}; that ${metrics[metric].label} is ${inWords(metric, value)} does not prove it.`,
      next: 'Raise gate.measurement_seconds or the time budget, so that there are enough requests.',
    }
  }
  const standIn = standsInFor === undefined ? '' : `; ${metrics[metric].label} judged: ${why}`
  const closeness = close ? '; a close call, its 95 % interval straddles the limit' : ''
  return {
    outcome: 'fail',
    model: model.name,
    message: `${model.name}: ${metrics[metric].label}${where} is ${inWords(metric, value)}, ${name} allows ${limitText}${standIn}${closeness}.`,
    next: `${sweptRemedy(model, constraint)}Make the model faster or smaller, or change the constraint if it asks for more than is needed.`,
  }
}

/** That the sweep measured its answer at this load too, where it holds the limit: the shortest way out. */
function sweptRemedy(model: ModelMeasurement, constraint: ConstraintResult): string {
  const { search, scenarios } = model
  const { load, metric, standsInFor } = constraint
  const answer = search?.answer
  if (answer == null || !answer.meetsConstraints || answer.configuration.committed) return ''
  const asked = standsInFor ?? metric
  const values = scenarios
    .filter(
      ({ role, configuration, load: at }) =>
        role === 'sweep' &&
        configurationKey(configuration) === configurationKey(answer.configuration) &&
        loadKey(at) === loadKey(load),
    )
    .map(({ metrics: measured }) => measured[asked]?.value ?? null)
  const [first] = values
  if (first == null || !values.every((value) => value !== null && keepsLimit(value, constraint))) return ''
  const files = patchedModels(model, answer).map(patchFile)
  return `Apply the best configuration found (${listInWords(files)}), of which ${inWords(asked, first)} was measured at this load. Or: `
}
