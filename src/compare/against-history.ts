import type { ModelSettings } from '../config/config.ts'
import { loadKey } from '../domain/load.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import type { MetricName } from '../domain/metric.ts'
import { positives, type Scenario, validRepetitions } from '../domain/scenario.ts'
import { screeningLevel, totalLevels } from '../stats/looks.ts'
import { type Estimate, pairedEstimate } from '../stats/paired.ts'
import { geometricMean } from '../stats/robust.ts'
import { normalQuantile, studentTQuantile } from '../stats/special.ts'
import { draftsAgainstStored } from './against-stored.ts'
import { type Draft, minRepetitions, settledDraft, testedDraft, tooFew } from './draft.ts'
import { type CurrentLevel, currentLevel, minHistoryPoints, seriesIn, seriesKey } from './series.ts'
import { toleranceOf, toleratedWorse, worseLog } from './worse.ts'

/** The least standard deviation of a run that is believed: a history that agrees better does so by chance. */
const minRunSd = 0.005

/**
 * A median absolute deviation of n values knows the spread about as well as 0.37 n values do otherwise (Rousseeuw & Croux 1993,
 * JASA 88). No fewer than 3, which has the tails of a shared machine (see against-baseline.ts), and no more than 8, however long the
 * history: with lighter tails one candidate in twenty that is worse by the tolerance would be cleared under heavy-tailed noise.
 */
const efficiency = 0.37
const degreesOfFreedom = { least: 3, most: 8 } as const

/**
 * Latency and throughput of a candidate that was measured alone, against the level of the main branch's runs since its last
 * change: the prediction interval s·√(1 + 1/n) of one more run, widened by what the candidate's few repetitions add. It may
 * pass, at the share of the pass error that is meant for it; what it does not pass is measured beside its reference.
 */
export function draftsAgainstHistory(
  settings: ModelSettings,
  model: string,
  baseline: Scenario,
  candidate: Scenario,
  history: readonly HistoryPoint[],
): [latency: Draft, throughput: Draft] {
  return draftsAgainstStored(settings, baseline, candidate, (pair) => {
    const { metric, references, candidates, footnotes, empty } = pair
    const known = levelOf(history, model, candidate, metric)
    if (known === null) return settledDraft(empty, noLevel)
    const values = {
      reference: Math.exp(known.level),
      candidate: geometricMean(candidates),
      repetitions: candidates.length,
    }
    const tolerance = toleranceOf(settings, metric, values.reference)
    const row = { ...empty, tolerance, baselineValue: geometricMean(references) }
    if (candidates.length < minRepetitions) {
      return settledDraft(row, { ...values, ...tooFew(candidates.length, candidate.repetitions.length) })
    }
    const own = pairedEstimate(candidates.map(Math.log), 0).standardError
    const worse = worseLog(metric, Math.log(values.candidate) - known.level)
    const levels = { fail: totalLevels.fail, pass: screeningLevel }
    const test = {
      estimate: predicted(known, own, worse),
      pooledWorse: null,
      repeatable: false,
      levels,
      differences: null,
    }
    const footnote = `measured alone, and compared with the level of ${known.runs} runs of the main branch since its last change: they lie so close together that the reference was not measured`
    return testedDraft(row, values, test, [...footnotes, footnote])
  })
}

/** Not in the run that cleared it, which had another baseline. */
const noLevel = {
  status: 'invalid',
  footnotes: [
    `measured alone, and this baseline has no ${minHistoryPoints} runs since the last change that would show the level`,
  ],
} as const satisfies { status: 'invalid'; footnotes: string[] }

function levelOf(
  history: readonly HistoryPoint[],
  model: string,
  { load }: Pick<Scenario, 'load'>,
  metric: MetricName,
): CurrentLevel | null {
  const series = seriesIn(history).get(seriesKey({ model, load: loadKey(load), metric }))
  return series === undefined ? null : currentLevel(series)
}

/** One more run's distance from the level. @param own standard error of the run itself, of its few repetitions */
function predicted({ sd, runs }: CurrentLevel, own: number, mean: number): Estimate {
  return {
    mean,
    standardError: Math.hypot(Math.max(minRunSd, sd) * Math.sqrt(1 + 1 / runs), own),
    degreesOfFreedom: Math.min(
      degreesOfFreedom.most,
      Math.max(degreesOfFreedom.least, efficiency * (runs - 1)),
    ),
  }
}

/** Measuring alone is tried where an unchanged model passes so in four of five cases; else it mostly costs time. */
const worthwhile = 0.8

/**
 * A newest run that lies this many spreads on the better side of the level may be a change that the history cannot show yet: a
 * candidate that takes it back would be cleared. Of quiet runs one in a thousand lies there.
 */
const recentGain = 3

/** Whether the history of a metric is long and quiet enough for it. @param repetitions that would be measured */
export function canClear(
  settings: ModelSettings,
  model: string,
  scenario: Scenario,
  metric: MetricName,
  history: readonly HistoryPoint[],
  repetitions: number,
): boolean {
  const known = levelOf(history, model, scenario, metric)
  if (known === null || repetitions < minRepetitions) return false
  const values = positives(validRepetitions(scenario), metric) ?? []
  const spread =
    values.length < 2
      ? known.sd
      : pairedEstimate(values.map(Math.log), 0).standardError * Math.sqrt(values.length)
  const { standardError, degreesOfFreedom: freedom } = predicted(known, spread / Math.sqrt(repetitions), 0)
  const newest = values.length === 0 ? known.level : Math.log(geometricMean(values))
  if (worseLog(metric, known.level - newest) > recentGain * Math.max(minRunSd, known.sd)) return false
  const reach = studentTQuantile(1 - screeningLevel, freedom) + normalQuantile(worthwhile)
  return reach * standardError < toleratedWorse(metric, toleranceOf(settings, metric, Math.exp(known.level)))
}
