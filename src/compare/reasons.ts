import { loadKey, loadLabel } from '../domain/load.ts'
import { repeatedNames } from '../domain/measurements.ts'
import type { Comparison, Reason } from '../domain/result.ts'
import { gatedScenarios, type ModelMeasurement } from '../domain/scenario.ts'
import { baselineMaker } from '../domain/words.ts'
import type { ComparedModel } from './compare.ts'
import { judgeWithItsBaseline, remedyFor } from './remedies.ts'
import { comparisonReason, constraintReason, invalidReason } from './sentences.ts'
import { otherwiseReason } from './settings.ts'
import { type CompareInput, modelState, type Opponent, opponentFor, opponentOf, scenarioAt } from './sides.ts'
import { modelProblems, scenarioProblem } from './validity.ts'

/** What is wrong with, or missing from, the run as a whole. */
export function runReasons(input: CompareInput): Reason[] {
  const { models, complete, reference } = input.measurements
  const { config } = input
  const invalid = (message: string, next: string): Reason => ({ outcome: 'invalid', message, next })
  const reasons: Reason[] = []
  if (!complete) {
    reasons.push(
      invalid('The measurement was stopped before its end.', 'Run it again, with more time if it ran out.'),
    )
  }
  if (models.length === 0)
    reasons.push(invalid('No model was measured.', 'Check the model repository and profile_models.'))
  const measured = new Set(models.map(({ name }) => name))
  for (const name of config.models ?? []) {
    if (measured.has(name)) continue
    reasons.push(
      invalid(
        `${name} was not measured, though the configuration names it.`,
        'If a shard was lost, measure it again and merge all; else take the model out of profile_models.',
      ),
    )
  }
  for (const [side, list] of [
    ['', models],
    [' of the reference', reference?.models ?? []],
  ] as const) {
    for (const name of repeatedNames(list.map((model) => model.name))) {
      reasons.push(
        invalid(`${name}${side} stands in the measurements twice.`, 'Merge each model from one shard only.'),
      )
    }
  }
  return [...reasons, ...baselineReasons(input)]
}

/** What became of the baseline, where that matters: a reference measured in this run makes up for one that is missing or foreign. */
function baselineReasons(input: CompareInput): Reason[] {
  const { baselineStatus: status, mode, config } = input
  const needed = mode === 'gate' && opponentOf(input).kind === 'none'
  switch (status.status) {
    case 'found':
      return []
    case 'absent': {
      const outcome = config.gate.onMissingBaseline
      return needed
        ? [
            {
              outcome,
              message: `There is no baseline to compare with (${status.source}).`,
              next: status.next,
            },
          ]
        : []
    }
    case 'notRequested': {
      const next = 'Give a baseline (--baseline) or a reference (--reference).'
      const outcome = config.gate.onMissingBaseline
      return needed ? [{ outcome, message: 'There is nothing to compare with.', next }] : []
    }
    case 'incompatible': {
      const message = `The baseline (${status.source}) cannot be compared with what is measured here: ${status.differences.join('; ')}.`
      return needed ? [{ outcome: 'invalid', message, next: status.next }] : []
    }
    case 'untrusted': {
      const message = `The baseline (${status.source}) is not trusted: ${status.why}.`
      return needed ? [{ outcome: 'invalid', message, next: status.next }] : []
    }
    // A file that is there and broken is somebody's mistake to be seen, even where nothing depends on it today.
    case 'unreadable':
      return [
        {
          outcome: 'invalid',
          message: `The baseline (${status.source}) cannot be read: ${status.why}.`,
          next: status.next,
        },
      ]
    default:
      return status satisfies never
  }
}

/** All that is to be said of one model, from its state down to each row that is not a pass. */
export function modelReasons(
  input: CompareInput,
  model: ModelMeasurement,
  compared: ComparedModel,
): Reason[] {
  const opponent = opponentFor(input, model)
  const state = modelState(model, opponent, input.measurements)
  const isComparable = state.kind === 'comparable' || state.kind === 'otherwise'
  if (input.mode === 'gate' && model.screening === 'cleared' && !isComparable) return [uncleared(model)]
  if (state.kind === 'failed') return [failedReason(model, state.regressed, opponent)]
  const problems = modelProblems(model, input).map(
    (problem): Reason => ({
      outcome: 'invalid',
      model: model.name,
      message: `${model.name}: ${problem}.`,
      next: remedyFor(problem),
    }),
  )
  const bad = (load: Comparison['load']) => {
    const scenario = scenarioAt(model, load)
    return scenario !== undefined && scenarioProblem(scenario, input.config.gate.maxFailureRatio) !== null
  }
  return [
    ...problems,
    ...(state.kind === 'otherwise' ? [otherwiseReason(state)] : stateReasons(state.kind, model, opponent)),
    ...(state.kind === 'comparable' ? otherLoads(model, opponent) : []),
    // A scenario with a problem has said so above, once and not for each of its metrics.
    ...comparisonReasons(
      model,
      compared.comparisons.filter(({ load }) => !bad(load)),
    ),
    ...compared.constraints
      .filter(({ status, load }) => status === 'fail' || (status !== 'pass' && !bad(load)))
      .map((constraint) => constraintReason(model, constraint)),
  ]
}

/** Its reference was never measured, so that without the baseline nothing at all speaks for it. */
function uncleared({ name }: ModelMeasurement): Reason {
  return {
    outcome: 'invalid',
    model: name,
    message: `${name}: measured alone and judged by a baseline that is not given here.`,
    next: judgeWithItsBaseline,
  }
}

function failedReason(model: ModelMeasurement, regressed: boolean, opponent: Opponent): Reason {
  const { message, hint } = model.error ?? { message: 'no reason given', hint: undefined }
  const why = message.replace(/\.$/, '')
  const other = opponent.kind === 'none' ? '' : opponent.name
  return {
    outcome: regressed ? 'fail' : 'invalid',
    model: model.name,
    message: regressed
      ? `${model.name} works on ${other} but could not be measured here: ${why}.`
      : `${model.name} could not be measured: ${why}.`,
    next: hint ?? 'See the server log in the report.',
  }
}

function stateReasons(
  kind: 'comparable' | 'alone' | 'referenceFailed',
  model: ModelMeasurement,
  opponent: Opponent,
): Reason[] {
  if (kind === 'comparable' || opponent.kind === 'none') return []
  if (kind === 'alone') {
    const message = `${model.name} is not part of ${opponent.name}: a new model, judged by its budgets alone.`
    return [{ outcome: 'pass', model: model.name, message }]
  }
  const error = opponent.models.find(({ name }) => name === model.name)?.error?.message ?? 'no reason given'
  return [
    {
      outcome: 'inconclusive',
      model: model.name,
      message: `${model.name} could not be measured on ${opponent.name}, so there is nothing to compare with: ${error.replace(/\.$/, '')}.`,
      next: 'If the model was broken before and this change repairs it, accept it by hand; else run it again.',
    },
  ]
}

/**
 * Loads on one side only. New ones are measured properly, but no regression can be ruled out there; dropped ones are
 * the configuration's choice, and said. (Against a reference both are lost measurements, reported as such.)
 */
function otherLoads(model: ModelMeasurement, opponent: Opponent): Reason[] {
  const stored =
    opponent.kind === 'baseline' ? opponent.models.find(({ name }) => name === model.name) : undefined
  if (stored === undefined) return []
  const added = gatedScenarios(model).filter(({ load }) => scenarioAt(stored, load) === undefined)
  const dropped = gatedScenarios(stored).filter(({ load }) => scenarioAt(model, load) === undefined)
  return [
    ...added.map(
      ({ load }): Reason => ({
        outcome: 'inconclusive',
        model: model.name,
        message: `${model.name}: the baseline has no value at ${loadLabel(load)}.`,
        next: `Compare with --reference, or measure the main branch again with these loads (${baselineMaker}).`,
      }),
    ),
    ...dropped.map(
      ({ load }): Reason => ({
        outcome: 'pass',
        model: model.name,
        message: `${model.name}: ${loadLabel(load)} is part of the baseline and no longer measured.`,
      }),
    ),
  ]
}

function comparisonReasons(model: ModelMeasurement, comparisons: readonly Comparison[]): Reason[] {
  const invalid = new Map<string, Comparison[]>()
  for (const comparison of comparisons.filter(({ status }) => status === 'invalid')) {
    const cause = `${loadKey(comparison.load)} ${comparison.footnotes.join('; ')}`
    invalid.set(cause, [...(invalid.get(cause) ?? []), comparison])
  }
  return [
    ...[...invalid.values()].map((group) => invalidReason(model.name, group)),
    ...comparisons
      .filter(({ status }) => status === 'fail' || status === 'inconclusive' || status === 'accepted')
      .map((comparison) => comparisonReason(model.name, comparison, cutShort(model, comparison.load))),
  ]
}

/** Whether time ran out before the last look: then no wish for more repetitions brings one. */
function cutShort(model: ModelMeasurement, load: Comparison['load']) {
  const made = scenarioAt(model, load)?.repetitions.length ?? 0
  const planned = model.looks?.at(-1) ?? 0
  return made < planned ? { made, planned } : null
}

/** Models that the other side has and the candidate has not: for information, since deleting a model is no regression. */
export function removedReasons(input: CompareInput): Reason[] {
  const opponent = opponentOf(input)
  // A configuration that names its models leaves the others out on purpose.
  if (opponent.kind === 'none' || input.config.models !== null) return []
  const present = new Set(input.measurements.models.map(({ name }) => name))
  return opponent.models
    .filter(({ name }) => !present.has(name))
    .map(({ name }) => ({
      outcome: 'pass',
      model: name,
      message: `${name} is part of ${opponent.name} and no longer of this repository: not compared.`,
    }))
}
