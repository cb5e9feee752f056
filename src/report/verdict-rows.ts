import { loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Comparison, ConstraintResult, Outcome, Reason, Result } from '../domain/result.ts'
import { changeInWords, countInWords } from '../domain/words.ts'
import { formatDate } from './format.ts'
import { severity } from './table.ts'

/** The whole result in one or two sentences, names not yet escaped. */
export function summarise(result: Result): string {
  const outcome = result.verdict.outcome
  const comparisons = result.models.flatMap((model) => model.comparisons.filter(({ primary }) => primary))
  const constraints = result.models.flatMap((model) => model.constraints)
  const failedModels = result.models.filter((model) => model.status === 'failed')
  const counted = (status: ConstraintResult['status']) =>
    constraints.filter((constraint) => constraint.status === status).length
  const held = counted('pass')
  switch (outcome) {
    case 'pass':
      return join([
        comparisons.length === 0
          ? 'There was nothing to compare with'
          : nothingWorse(comparisons.length, withStatus(comparisons, 'accepted')),
        constraintsHeld(held, constraints.length),
      ])
    case 'fail':
      return join([
        worse(result, comparisons.length),
        broken(counted('fail'), constraints.length),
        failedModels.length === 0
          ? ''
          : `${countInWords(failedModels.length, 'model')} could not be measured`,
      ])
    case 'inconclusive':
      return join([
        comparisons.length === 0
          ? 'There was nothing to compare with, so a regression cannot be ruled out'
          : undecided(withStatus(comparisons, 'inconclusive'), comparisons.length),
        comparisons.length === 0 ? '' : 'no regression is confirmed',
        unjudged(counted('inconclusive'), constraints.length),
        constraintsHeld(held, constraints.length),
      ])
    case 'invalid':
      return join([
        'Something went wrong while measuring or comparing, so these numbers decide nothing',
        failedModels.length === 0
          ? ''
          : `${failedModels.length} of ${countInWords(result.models.length, 'model')} could not be measured`,
      ])
    default:
      return outcome satisfies never
  }
}

function nothingWorse(total: number, accepted: number): string {
  const of = countInWords(total, 'comparison')
  if (accepted === 0) return `Nothing is worse than tolerated in ${of}`
  return `Nothing is worse than tolerated or accepted in ${of}; ${accepted} ${accepted === 1 ? 'is' : 'are'} accepted by the configuration`
}

function worse(result: Result, total: number): string {
  const failing = result.models.flatMap((model) =>
    model.comparisons
      .filter(({ status }) => status === 'fail')
      .map((comparison) => ({ model: model.name, comparison })),
  )
  const size = ({ comparison }: (typeof failing)[number]) => Math.abs(Math.log(comparison.changeRatio ?? 1))
  const worst = failing.toSorted((a, b) => size(b) - size(a))[0]
  if (worst === undefined) return ''
  const { metric, load, changeRatio } = worst.comparison
  const change = changeRatio === null ? '' : `, ${changeInWords(changeRatio)}`
  const where = `${metrics[metric].label} of ${worst.model} at ${loadLabel(load)}${change}`
  const of = countInWords(Math.max(total, failing.length), 'comparison')
  return `${failing.length} of ${of} ${failing.length === 1 ? 'is' : 'are'} worse than tolerated (${failing.length === 1 ? '' : 'largest change: '}${where})`
}

function undecided(count: number, total: number): string {
  const of = countInWords(total, 'comparison')
  return count === 0 ? `${of} decided` : `Measured properly, but too noisy to decide ${count} of ${of}`
}

function unjudged(count: number, total: number): string {
  return count === 0 ? '' : `too few requests to judge ${count} of ${countInWords(total, 'constraint')}`
}

function broken(count: number, total: number): string {
  if (count === 0) return ''
  return `${count} of ${countInWords(total, 'constraint')} ${count === 1 ? 'is' : 'are'} not met`
}

function withStatus(comparisons: readonly Comparison[], status: Comparison['status']): number {
  return comparisons.filter((comparison) => comparison.status === status).length
}

function constraintsHeld(held: number, total: number): string {
  if (total === 0) return ''
  return `${held} of ${countInWords(total, 'constraint')} met`
}

function join(clauses: readonly string[]): string {
  const text = clauses.filter((clause) => clause !== '').join('; ')
  return text === '' ? 'See the reasons below.' : `${text}.`
}

/** The reasons worst first; the ones that speak for a pass only where the whole passes. */
export function orderedReasons(outcome: Outcome, reasons: readonly Reason[]): readonly Reason[] {
  return reasons
    .filter((reason) => outcome === 'pass' || reason.outcome !== 'pass')
    .toSorted((a, b) => severity[a.outcome] - severity[b.outcome])
}

/** Where several reasons of a model in a row have the same cause and next step, the first of them says both for all. */
export function withoutRepeats(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.map((reason, index) => {
    const { cause, next, ...bare } = reason
    const before = reasons[index - 1]
    if (before === undefined || before.model !== reason.model) return reason
    return before.cause === cause && before.next === next ? bare : reason
  })
}

/** What was compared with what, one sentence per side that appears. */
export function comparisonLegend(result: Result, candidateLabel: string): readonly string[] {
  const lines: string[] = []
  const { baseline } = result
  if (result.commit !== null) lines.push(`${candidateLabel}: commit ${shortCommit(result.commit)}.`)
  if (result.reference !== null) {
    lines.push(`Reference: ${result.reference.description}, ${howMeasured(result.models)}.`)
  }
  if (baseline.status === 'found') {
    const of = baseline.commit === null ? '' : ` of commit ${shortCommit(baseline.commit)}`
    lines.push(
      `Baseline: stored measurement${of} from ${formatDate(baseline.createdAt)}${ageOf(baseline.createdAt, result.createdAt)} (${baseline.source}).`,
    )
  }
  lines.push(
    'A row fails when it is worse by more than is tolerated and that is not chance (1 % risk of a false alarm over the whole report); it passes when it is within with 95 % confidence.',
  )
  return lines
}

/** What became of the reference: models that the history cleared have none. */
function howMeasured(models: Result['models']): string {
  const cleared = models.filter(({ screening }) => screening === 'cleared').length
  if (cleared === 0) return 'measured again in this run, alternating with it'
  const why = 'the history of the main branch showed'
  if (cleared === models.length) return `not measured: ${why} that nothing is worse`
  return `measured again in this run, alternating with it, but for ${countInWords(cleared, 'model')} of which ${why} that nothing is worse`
}

/** `, 3 days before this run`; empty where the dates cannot be told. */
function ageOf(before: string, now: string): string {
  const days = Math.round((Date.parse(now) - Date.parse(before)) / 86_400_000)
  return Number.isFinite(days) && days >= 1 ? `, ${countInWords(days, 'day')} before this run` : ''
}

/** What the reader has to know about the baseline when it could not be used; null where it was, or nobody asked. */
export function baselineProblem({ baseline }: Result): string | null {
  switch (baseline.status) {
    case 'found':
    case 'notRequested':
      return null
    case 'absent':
      return `No baseline was found (${baseline.source}). ${baseline.next}`
    case 'incompatible':
      return `The baseline (${baseline.source}, ${formatDate(baseline.createdAt)}) cannot be compared with what is measured here: ${baseline.differences.join('; ')}. ${baseline.next}`
    case 'untrusted':
      return `The baseline (${baseline.source}) was not used because it cannot be trusted: ${baseline.why}. ${baseline.next}`
    case 'unreadable':
      return `The baseline (${baseline.source}) cannot be read: ${baseline.why}. ${baseline.next}`
    default:
      return baseline satisfies never
  }
}

export function shortCommit(commit: string): string {
  return /^[0-9a-f]{8,}$/.test(commit) ? commit.slice(0, 7) : commit
}
