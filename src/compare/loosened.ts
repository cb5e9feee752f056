import { acceptedInWords, untilInWords } from '../config/accepted.ts'
import { limitsOf } from '../config/limits.ts'
import type { AcceptedRegression } from '../domain/accepted.ts'
import type { Limits, ModelLimits } from '../domain/limits.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { CompareInput } from './sides.ts'
import { inWords, shareInWords } from './words.ts'

/**
 * What the configuration that judges lets pass and the reference's does not, one clause each: a pull request may
 * change its own limits, but not unseen. null where the reference's configuration is not known.
 */
export function loosened({
  measurements,
  config,
}: Pick<CompareInput, 'measurements' | 'config'>): string[] | null {
  const reference = measurements.git?.reference
  if (reference?.status !== 'read') return null
  const names = reference.limits.models.map(({ name }) => name)
  return looserThan(reference.limits, limitsOf(config, names))
}

/** What `after` lets pass and `before` does not, and what is sent otherwise, of which nobody can say whether it is easier. */
export function looserThan(before: Limits, after: Limits): string[] {
  return [
    ...gatedLess(before, after),
    ...before.models.flatMap((model) => {
      const own = after.models.find(({ name }) => name === model.name)
      return own === undefined ? [] : modelLooser(model, own)
    }),
    ...policiesLooser(before, after, 'gate'),
    ...policiesLooser(before.release, after.release, 'gate.release'),
    ...risen('gate.max_failure_ratio', before.maxFailureRatio, after.maxFailureRatio, shareInWords),
    ...(after.repetitions < before.repetitions
      ? [`gate.repetitions ${before.repetitions} → ${after.repetitions}`]
      : []),
    ...(before.onCreep === 'fail' && after.onCreep !== 'fail' ? ['gate.on_creep fail → warn'] : []),
    ...(before.screening === 'off' && after.screening !== 'off'
      ? ['gate.screening off → history: a reference is not always measured']
      : []),
    ...after.accepted.flatMap((entry) => acceptedMore(before.accepted, entry)),
  ]
}

function gatedLess(before: Limits, after: Limits): string[] {
  const { gated } = after
  if (gated === null) return []
  if (before.gated === null) return [`only ${gated.join(', ')} gated, before every model`]
  return before.gated.filter((name) => !gated.includes(name)).map((name) => `${name} is no longer gated`)
}

function modelLooser(before: ModelLimits, after: ModelLimits): string[] {
  const { name } = before
  const loads = new Set(after.loads.map(loadKey))
  const checks = ['off', 'given', 'first'] as const
  return [
    ...before.constraints.flatMap((constraint) => constraintLooser(name, constraint, after)),
    ...Object.entries(before.tolerance).flatMap(([key, own]) => {
      const metric = key as MetricName
      const next = after.tolerance[metric] ?? { ratio: 0, absolute: 0 }
      const of = `tolerance of ${metrics[metric].label} of ${name}`
      return [
        ...risen(of, own.ratio, next.ratio, shareInWords),
        ...risen(`absolute ${of}`, own.absolute, next.absolute, (value) => inWords(metric, value)),
      ]
    }),
    ...before.loads
      .filter((load) => !loads.has(loadKey(load)))
      .map((load) => `${name} is no longer gated at ${loadLabel(load)}`),
    ...(checks.indexOf(after.checkOutputs) < checks.indexOf(before.checkOutputs)
      ? [`check_outputs of ${name} ${before.checkOutputs} → ${after.checkOutputs}`]
      : []),
    ...askedOtherwise(before, after),
  ]
}

/** Both sides are measured with the candidate's requests: lighter ones meet a budget, and hide what only the old ones show. */
function askedOtherwise({ name, asked: before }: ModelLimits, { asked: after }: ModelLimits): string[] {
  if (before === undefined || after === undefined) return []
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys
    .filter((key) => before[key] !== after[key])
    .map(
      (key) =>
        `${name} is asked otherwise, more easily perhaps: ${key} ${short(before[key])} → ${short(after[key])}`,
    )
}

/** Values that are listed by hand may be long. */
const mostCharacters = 80

function short(text = 'none'): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`
}

function constraintLooser(
  model: string,
  before: ModelLimits['constraints'][number],
  { constraints }: ModelLimits,
): string[] {
  const { name, metric, bound, limit } = before
  const same = constraints.filter((each) => each.metric === metric && each.bound === bound)
  const from = `${name} of ${model} ${inWords(metric, limit)}`
  // The strictest of them is the one that holds.
  const limits = same.map((each) => each.limit)
  if (limits.length === 0) return [`${from} → none`]
  const next = bound === 'max' ? Math.min(...limits) : Math.max(...limits)
  return (bound === 'max' ? next > limit : next < limit) ? [`${from} → ${inWords(metric, next)}`] : []
}

type Policies = Pick<Limits, 'onInconclusive' | 'onMissingBaseline'>

function policiesLooser(before: Policies, after: Policies, section: string): string[] {
  const changed = (key: string, from: string, to: string) =>
    from === 'fail' && to !== 'fail' ? [`${section}.${key} ${from} → ${to}`] : []
  return [
    ...changed('on_inconclusive', before.onInconclusive, after.onInconclusive),
    ...changed('on_missing_baseline', before.onMissingBaseline, after.onMissingBaseline),
  ]
}

function risen(what: string, from: number, to: number, words: (value: number) => string): string[] {
  return to > from ? [`${what} ${words(from)} → ${words(to)}`] : []
}

/** An entry that is new or was changed in any way: its end and its reason are part of what was reviewed. */
function acceptedMore(before: readonly AcceptedRegression[], entry: AcceptedRegression): string[] {
  if (before.some((each) => JSON.stringify(each) === JSON.stringify(entry))) return []
  const { upTo, reason } = entry
  return [
    `accepts up to ${shareInWords(upTo)} worse ${acceptedInWords(entry)} (${reason}; ${untilInWords(entry)})`,
  ]
}
