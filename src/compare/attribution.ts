import type {
  AttributedChange,
  AttributedSide,
  Attribution,
  AttributionMeasurement,
  AttributionRound,
  CausePart,
  OriginMeasurement,
} from '../domain/attribution.ts'
import { type Load, loadKey } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { Comparison } from '../domain/result.ts'
import type { Repetition } from '../domain/scenario.ts'
import { confidenceInterval, pairedEstimate } from '../stats/paired.ts'
import { mean, median } from '../stats/robust.ts'
import { interval95, shareEstimate } from '../stats/share.ts'
import { minPairSd } from './against-reference.ts'
import { attributionSentences, changeWords } from './attribution-words.ts'
import { ratioOfWorse, worseLog } from './worse.ts'

/**
 * A cause is named if it makes this share of the change and more, and its interval is above nothing. Whoever reverts the
 * rest has the regression mended by four fifths; what is less is in the numbers.
 */
const namedShare = 0.2

/** A confirmed regression that has a size. */
type Confirmed = Comparison & { readonly changeRatio: number }

function confirmedIn(comparisons: readonly Comparison[]): Confirmed[] {
  return comparisons.filter((row): row is Confirmed => row.status === 'fail' && row.changeRatio !== null)
}

/**
 * What was measured to explain a model's confirmed regressions → why they are there. Pure; `compare` makes it again from the
 * file. Null where nothing is confirmed.
 *
 * With R the reference, C the candidate, A the reference's files under the candidate's config.pbtxt and B the
 * reverse, all on the log scale, the configuration's part is ½[(A − R) + (C − B)] and that of the files ½[(B − R) + (C − A)]:
 * the average over both orders of changing one after the other (Shapley), which together are C − R. Where one mix does
 * not work there is one order only.
 */
export function attributionOf(
  measurement: AttributionMeasurement,
  comparisons: readonly Comparison[],
  isFailed: boolean,
): Attribution | null {
  if (comparisons.every(({ status }) => status !== 'fail') && !isFailed) return null
  const confirmed = confirmedIn(comparisons)
  const { changes, origin, fields } = measurement
  const byOrigin = confirmed.flatMap((row) => takenApart(row, origin, originParts) ?? [])
  const byField = confirmed.flatMap((row) => takenApart(row, fields, fieldParts) ?? [])
  const cause = causeOf(measurement, byOrigin)
  const worded = (list: readonly Unworded[]) =>
    list.map((change): AttributedChange => ({ ...change, words: changeWords(change, changes) }))
  const result = { changes, cause, origin: worded(byOrigin), fields: worded(byField) }
  return { ...result, sentences: attributionSentences(result, measurement) }
}

/** The rows with the cause beside those that fail: their own parts where they were taken apart, else what holds for all. */
export function nameCauses(comparisons: readonly Comparison[], attribution: Attribution): Comparison[] {
  const [summary = ''] = attribution.sentences
  return comparisons.map((row) => {
    if (row.status !== 'fail') return row
    const own = attribution.origin.find(
      ({ metric, load }) => metric === row.metric && loadKey(load) === loadKey(row.load),
    )
    return { ...row, cause: own === undefined ? summary : `${own.words}.` }
  })
}

/** The loads at which something that can be taken apart is worse, the largest change first. */
export function loadsToExplain(regressions: readonly Comparison[]): Load[] {
  const size = ({ changeRatio }: Comparison) => Math.abs(Math.log(changeRatio ?? 1))
  const timed = regressions.filter(
    ({ metric, changeRatio }) => changeRatio !== null && metrics[metric].unit !== 'bytes',
  )
  const worstFirst = timed.toSorted((a, b) => size(b) - size(a)).map(({ load }) => load)
  return worstFirst.filter(
    (load, index) => worstFirst.findIndex((each) => loadKey(each) === loadKey(load)) === index,
  )
}

type Unworded = Omit<AttributedChange, 'words'>

/** Whether config.pbtxt may be to blame: then its fields are worth being told apart. */
export function blamesConfig(measurement: OriginMeasurement, comparisons: readonly Comparison[]): boolean {
  const { changes, origin } = measurement
  if (changes.fields.length === 0) return false
  if (origin.status === 'skipped') return changes.files.length === 0
  const effects = confirmedIn(comparisons).flatMap((row) => takenApart(row, origin, originParts) ?? [])
  const cause = causeOf(measurement, effects)
  return cause === 'config' || cause === 'both'
}

function causeOf({ changes, origin }: OriginMeasurement, effects: readonly Unworded[]): Attribution['cause'] {
  if (changes.fields.length === 0) return changes.files.length === 0 ? 'neither' : 'code'
  if (changes.files.length === 0) return 'config'
  if (origin.status === 'skipped') return 'unmeasured'
  const mixed = origin.sides.filter(({ side }) => side === 'config' || side === 'code')
  if (mixed.length > 0 && mixed.every(({ error }) => error !== undefined)) return 'inseparable'
  if (effects.length === 0) return 'unclear'
  const named = new Set(bestKnown(effects).flatMap(namedParts))
  if (named.has('config')) return named.has('code') ? 'both' : 'config'
  return named.has('code') ? 'code' : 'unclear'
}

/** Of each load the regression whose parts are known best: noise in the others must not add causes. */
function bestKnown(effects: readonly Unworded[]): Unworded[] {
  const width = ({ parts }: Unworded) =>
    Math.max(...parts.map(({ shareInterval: [low, high] }) => high - low))
  const keys = [...new Set(effects.map(({ load }) => loadKey(load)))]
  return keys.flatMap((key) => {
    const ofLoad = effects.filter(({ load }) => loadKey(load) === key)
    return ofLoad.toSorted((a, b) => width(a) - width(b)).slice(0, 1)
  })
}

function namedParts({ metric, measuredInterval, parts }: Unworded): CausePart['part'][] {
  // Measured again it is not there, so it has no parts.
  const worst = metrics[metric].better === 'lower' ? measuredInterval[0] > 1 : measuredInterval[1] < 1
  if (!worst) return []
  return parts
    .filter(({ share, shareInterval }) => share >= namedShare && shareInterval[0] > 0)
    .map(({ part }) => part)
}

interface Contrast extends Pick<CausePart, 'part' | 'field'> {
  /** One for each repetition, as a change for the worse on the log scale. */
  readonly values: readonly number[]
}

/** The value of a side in each repetition, null where that side is not there. */
type ValuesOf = (side: AttributedSide['side'], field?: number) => readonly number[] | null

/** One regression from the sides of a round; null where they do not have what it takes. */
function takenApart(
  row: Confirmed,
  round: AttributionRound,
  partsOf: (values: ValuesOf, sides: readonly AttributedSide[]) => readonly Contrast[],
): Unworded | null {
  if (round.status === 'skipped') return null
  const sides = round.sides.filter(({ error }) => error === undefined)
  const rows = valuesByRepetition(sides, row)
  // Fewer leave the spread unknown.
  if (rows.length < 3) return null
  const valuesOf: ValuesOf = (side, field) => {
    const at = sides.findIndex((each) => each.side === side && each.field === field)
    return at < 0 ? null : rows.map((values) => values[at] as number)
  }
  const [reference, candidate] = [valuesOf('reference'), valuesOf('candidate')]
  if (reference === null || candidate === null) return null
  const whole = difference(candidate, reference)
  const parts = partsOf(valuesOf, sides).map(({ values, ...part }): CausePart => {
    const share = shareEstimate(values, whole, minPairSd)
    const { changeRatio, changeInterval } = ratioOf(row.metric, values)
    return { ...part, share: share.mean, shareInterval: interval95(share), changeRatio, changeInterval }
  })
  if (parts.length === 0) return null
  const { metric, load, changeRatio } = row
  const again = ratioOf(metric, whole)
  return {
    metric,
    load,
    changeRatio,
    measuredRatio: again.changeRatio,
    measuredInterval: again.changeInterval,
    repetitions: rows.length,
    parts,
  }
}

function originParts(of: ValuesOf): readonly Contrast[] {
  const [r, c, a, b] = [of('reference'), of('candidate'), of('config'), of('code')]
  if (r === null || c === null) return []
  if (a !== null && b !== null) {
    return [
      { part: 'config', values: average(difference(a, r), difference(c, b)) },
      { part: 'code', values: average(difference(b, r), difference(c, a)) },
      { part: 'interaction', values: difference(difference(c, b), difference(a, r)) },
    ]
  }
  if (a !== null) {
    return [
      { part: 'config', values: difference(a, r) },
      { part: 'code', values: difference(c, a) },
    ]
  }
  if (b === null) return []
  return [
    { part: 'config', values: difference(c, b) },
    { part: 'code', values: difference(b, r) },
  ]
}

function fieldParts(of: ValuesOf, sides: readonly AttributedSide[]): readonly Contrast[] {
  const reference = of('reference')
  if (reference === null) return []
  return sides.flatMap(({ side, field }): Contrast[] => {
    const values = side === 'field' && field !== undefined ? of(side, field) : null
    return values === null || field === undefined
      ? []
      : [{ part: 'field', field, values: difference(values, reference) }]
  })
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value - (b[index] as number))
}

function average(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => (value + (b[index] as number)) / 2)
}

function ratioOf(
  metric: MetricName,
  values: readonly number[],
): Pick<CausePart, 'changeRatio' | 'changeInterval'> {
  const estimate = pairedEstimate(values, minPairSd)
  const ends = confidenceInterval(estimate, 0.95).map((worse) => ratioOfWorse(metric, worse))
  return {
    changeRatio: ratioOfWorse(metric, estimate.mean),
    changeInterval: [Math.min(...ends), Math.max(...ends)],
  }
}

/** For each repetition that counts on every side, a value of each side: the metric on the log scale, more is worse. */
function valuesByRepetition(sides: readonly AttributedSide[], row: Confirmed): number[][] {
  const ofSides = sides.map(({ scenarios }) => {
    const scenario = scenarios.find(({ load }) => loadKey(load) === loadKey(row.load))
    return new Map((scenario?.repetitions ?? []).map((repetition) => [repetition.index, repetition]))
  })
  const indexes = [...(ofSides[0]?.keys() ?? [])]
  return indexes.flatMap((index) => {
    const repetitions = ofSides.flatMap((each) => each.get(index) ?? [])
    if (repetitions.length < sides.length || repetitions.some(({ status }) => status !== 'valid')) return []
    const values = valuesOfRepetition(repetitions, row.metric)
    return values.every(Number.isFinite) ? [values] : []
  })
}

/**
 * p99 as in the comparison: from blocks that alternated, so that what the machine did to a round of them hits all
 * sides alike and drops out. Each block against the mean of its round, and of these the median.
 */
function valuesOfRepetition(repetitions: readonly Repetition[], metric: MetricName): number[] {
  const logs = repetitions.map(({ metrics: own }) => worseLog(metric, Math.log(own[metric] ?? Number.NaN)))
  if (metric !== 'latencyP99Ns') return logs
  const blocks = repetitions.map((each) =>
    each.blocks.map(({ latencyP99Ns }) => Math.log(latencyP99Ns ?? Number.NaN)),
  )
  const count = blocks[0]?.length ?? 0
  if (count === 0 || blocks.some((each) => each.length !== count || !each.every(Number.isFinite))) return logs
  const rounds = Array.from({ length: count }, (_, index) => {
    const values = blocks.map((each) => each[index] as number)
    const centre = mean(values)
    return values.map((value) => value - centre)
  })
  return repetitions.map((_, side) => median(rounds.map((round) => round[side] as number)))
}
