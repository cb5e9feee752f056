import { matchMeasured } from '../domain/conditions.ts'
import { notTheSame } from '../domain/environment.ts'
import type { Reason } from '../domain/result.ts'
import { baselineMaker, listInWords } from '../domain/words.ts'
import { type CompareInput, type ModelState, opponentFor, usableBaseline } from './sides.ts'

/** Why a model is not compared with a baseline that measured it otherwise. No tolerance helps: the numbers mean something else. */
export function otherwiseReason({
  candidate: { name },
  match,
}: Extract<ModelState, { kind: 'otherwise' }>): Reason {
  const again = `measure the main branch again (${baselineMaker})`
  const { sentUnknown = [] } = match.kind === 'unknown' ? match : {}
  // As where a whole file says nothing of it: a run always knows what it sends, so that something is wrong with the file.
  if (sentUnknown.length > 0) {
    return {
      outcome: 'invalid',
      model: name,
      message: `${name}: whether the baseline was measured with the same input data is not known: what was sent to ${listInWords(sentUnknown)} is known of one side only.`,
      next: `Compare with --reference, which gives both sides the same, or ${again}.`,
    }
  }
  if (match.kind === 'unknown') {
    return {
      outcome: 'inconclusive',
      model: name,
      message: `${name}: whether the baseline measured it with the same settings is not known: one of the two files was written by an older version, which did not keep each of them.`,
      next: `Compare with --reference, which gives both sides the same, or ${again}.`,
    }
  }
  return {
    outcome: 'invalid',
    model: name,
    message: `${name}: the baseline measured it in another way, so that its numbers mean something else: ${match.differences.join('; ')}.`,
    next: `Compare with --reference, which gives both sides the same, or ${again} in this way.`,
  }
}

/** What else is not the same where models are compared with a baseline, as sentences: too little to refuse it, and not nothing. */
export function settingsWarnings(input: CompareInput): string[] {
  const compared = input.measurements.models.flatMap((model) => {
    const opponent = opponentFor(input, model)
    if (opponent.kind !== 'baseline' || !opponent.models.some(({ name }) => name === model.name)) return []
    return [{ name: model.name, match: matchMeasured(model.name, opponent, input.measurements) }]
  })
  const alike = compared.filter(({ match }) => match.kind === 'alike').map(({ name }) => name)
  const baseline = compared.length === 0 ? null : usableBaseline(input)
  const others = baseline === null ? [] : notTheSame(baseline.environment, input.measurements.environment)
  const { commit } = input.measurements
  const isItself = commit !== null && baseline?.commit === commit
  const beside = 'Compare with --reference, which gives both sides the same.'
  return [
    ...(isItself
      ? [
          `The baseline was measured at ${commit.slice(0, 7)}, the very commit that is judged: only what is not committed can differ.`,
        ]
      : []),
    ...(alike.length === 0
      ? []
      : [
          `The baseline measured ${listInWords(alike)} with other settings, none of which changes what a number means (how often and long, and at which loads): it may be better or less well known.`,
        ]),
    ...(others.length === 0
      ? []
      : [
          `The baseline was measured on a machine of this class that is not quite this one (${others.join('; ')}): a change may be its own, and may hide one. ${beside}`,
        ]),
  ]
}
