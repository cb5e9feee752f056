import { acceptedInWords, untilInWords } from '../config/accepted.ts'
import { defaultModelBudgetNs } from '../config/defaults.ts'
import { limitsOf } from '../config/limits.ts'
import type { AcceptedRegression } from '../domain/accepted.ts'
import { conditionChanges } from '../domain/conditions.ts'
import type { Limits, ModelLimits } from '../domain/limits.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import { nsPerSecond } from '../domain/world.ts'
import { sentOtherwise } from './sent-otherwise.ts'
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
  const own = asMeasured(limitsOf(config, names), reference.measured)
  return [
    ...looserThan(reference.limits, own),
    ...sentOtherwise(reference.limits, own, measurements.environment),
  ]
}

/**
 * What a configuration judges by, with what it was measured by: whoever judges the files again has other flags, of which those that say how
 * to measure have no say any more.
 */
function asMeasured(judging: Limits, measured: Limits | undefined): Limits {
  if (measured === undefined) return judging
  const { served, measurementNs, timeBudgetNs, runnerClass, repetitions, screening } = measured
  const models = judging.models.map((model) => {
    const then = measured.models.find(({ name }) => name === model.name)
    return then === undefined ? model : { ...model, asked: then.asked, conditions: then.conditions }
  })
  return { ...judging, served, measurementNs, timeBudgetNs, runnerClass, repetitions, screening, models }
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
    ...shortened(before, after),
    ...servedOtherwise(before, after),
    ...(before.onCreep === 'fail' && after.onCreep !== 'fail' ? ['gate.on_creep fail → warn'] : []),
    ...(before.screening === 'off' && after.screening !== 'off'
      ? ['gate.screening off → history: a reference is not always measured']
      : []),
    ...after.accepted.flatMap((entry) => acceptedMore(before.accepted, entry)),
  ]
}

/** Fewer numbers pass as little as they fail, and an inconclusive report does not fail by default. */
function shortened(before: Limits, after: Limits): string[] {
  const seconds = (ns: number | null) => (ns === null ? 'by the number of models' : `${ns / nsPerSecond} s`)
  const class_ = (name: string | null = null) => name ?? 'by the machine'
  const [from, to] = [before.measurementNs ?? 0, after.measurementNs ?? 0]
  const budgets = [before.timeBudgetNs, after.timeBudgetNs] as const
  const byModels = Math.max(1, before.models.length) * defaultModelBudgetNs
  const isLess = budgets[0] !== undefined && budgets[1] != null && budgets[1] < (budgets[0] ?? byModels)
  return [
    ...(to < from ? [`gate.measurement_seconds ${from / nsPerSecond} → ${to / nsPerSecond}`] : []),
    ...(isLess ? [`gate.time_budget ${seconds(budgets[0] ?? null)} → ${seconds(budgets[1])}`] : []),
    ...(before.runnerClass !== undefined && before.runnerClass !== after.runnerClass
      ? [
          `gate.runner_class ${class_(before.runnerClass)} → ${class_(after.runnerClass)}: whose baseline is taken for this machine's`,
        ]
      : []),
  ]
}

/** The reference is served as the candidate is: a slower server, or a repository that is not the one in use, is on both sides. */
function servedOtherwise({ served: before }: Limits, { served: after }: Limits): string[] {
  if (before === undefined || after === undefined) return []
  // Where no repository was named, nothing was served before.
  const changes = conditionChanges(before, after).filter(
    ({ key, before: from }) => key !== 'model_repository' || from !== 'none',
  )
  return changes.map(
    ({ key, before: from, after: to }) =>
      `both sides are served otherwise than the reference was, and what that changes is not seen: ${key} ${from} → ${to}`,
  )
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

/**
 * Both sides are measured with the candidate's requests and in its way: lighter ones, or a server that answers from its cache, meet a
 * budget, and hide what only the old ones show.
 */
function askedOtherwise(before: ModelLimits, after: ModelLimits): string[] {
  const differences = new Map(
    (['conditions', 'asked'] as const).flatMap((record) => {
      const [from, to] = [before[record], after[record]]
      // An older version did not look.
      return from === undefined || to === undefined
        ? []
        : conditionChanges(from, to).map((change): [string, typeof change] => [change.key, change])
    }),
  )
  return [...differences.values()].map(
    ({ key, before: from, after: to }) =>
      `${before.name} is asked otherwise, more easily perhaps: ${key} ${from} → ${to}`,
  )
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
