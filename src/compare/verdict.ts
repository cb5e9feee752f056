import { exitCodes } from '../domain/error.ts'
import {
  type Comparison,
  type Outcome,
  type Reason,
  type Trend,
  type Verdict,
  worstFirst,
} from '../domain/result.ts'
import { countInWords } from '../domain/words.ts'
import type { ComparedModel } from './compare.ts'
import { creepReasons } from './creep.ts'
import { modelReasons, removedReasons, runReasons } from './reasons.ts'
import type { CompareInput } from './sides.ts'

/** The report's verdict: the worst outcome of all reasons, worst first. A pass needs something that was judged and passed. */
export function decide(
  input: CompareInput,
  compared: { readonly models: readonly ComparedModel[] },
  trend: Trend | null = null,
): Verdict {
  const reasons = [
    ...runReasons(input),
    ...input.measurements.models.flatMap((model) => {
      const own = compared.models.find(({ name }) => name === model.name)
      return own === undefined ? [lost(model.name)] : modelReasons(input, model, own)
    }),
    ...removedReasons(input),
    ...creepReasons(input, trend),
  ]
  if (reasons.every(({ outcome }) => outcome === 'pass')) reasons.push(conclusion(input, compared.models))
  const sorted = worstFirst.flatMap((outcome) => reasons.filter((reason) => reason.outcome === outcome))
  const outcome = sorted[0]?.outcome ?? 'invalid'
  return { outcome, exitCode: exitCodeOf(outcome, input.config.gate.onInconclusive), reasons: sorted }
}

/** Nothing spoke against it: a pass if something spoke for it. */
function conclusion(input: CompareInput, models: readonly ComparedModel[]): Reason {
  const withStatus = (wanted: Comparison['status']) =>
    models.flatMap((model) => model.comparisons).filter(({ status }) => status === wanted).length
  const comparisons = withStatus('pass')
  const accepted = withStatus('accepted')
  const budgets = models
    .flatMap((model) => model.constraints)
    .filter(({ status }) => status === 'pass').length
  const held = budgets === 0 ? '' : `; ${countInWords(budgets, 'budget')} held`
  if (input.mode === 'baseline') {
    return { outcome: 'pass', message: `${countInWords(models.length, 'model')} measured${held}.` }
  }
  if (comparisons + accepted > 0) {
    const beyond = accepted === 0 ? '' : `, ${accepted} accepted by the configuration`
    return {
      outcome: 'pass',
      message: `${countInWords(comparisons, 'comparison')} within the tolerance${beyond}${held}.`,
    }
  }
  if (budgets > 0) return { outcome: 'pass', message: `Nothing to compare with${held}.` }
  return {
    outcome: 'inconclusive',
    message: 'Nothing was judged: there is neither a comparison nor a budget.',
    next: 'Give a baseline or a reference, or set latency_budget or another constraint.',
  }
}

function lost(model: string): Reason {
  return {
    outcome: 'invalid',
    model,
    message: `${model} was measured but not judged.`,
    next: 'Judge it together with all other models of the run.',
  }
}

function exitCodeOf(outcome: Outcome, onInconclusive: 'warn' | 'fail'): number {
  switch (outcome) {
    case 'pass':
      return exitCodes.pass
    case 'fail':
      return exitCodes.fail
    case 'invalid':
      return exitCodes.environment
    case 'inconclusive':
      return onInconclusive === 'warn' ? exitCodes.pass : exitCodes.inconclusive
    default:
      return outcome satisfies never
  }
}
