import type { ModelSettings } from '../config/config.ts'
import { loadKey } from '../domain/load.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { Scenario } from '../domain/scenario.ts'
import { totalLevels } from '../stats/looks.ts'
import { pairedEstimate } from '../stats/paired.ts'
import { geometricMean } from '../stats/robust.ts'
import { draftsAgainstStored } from './against-stored.ts'
import { type Draft, minRepetitions, settledDraft, testedDraft, tooFew } from './draft.ts'
import { minHistoryPoints, runSpread, seriesIn, seriesKey } from './series.ts'
import { toleranceOf, worseLog } from './worse.ts'

/** The least standard deviation between two runs that is believed: runs on a quiet machine differ by 4.6 % and more. */
const minRunSd = 0.01

/**
 * The spread of one run taken where there is no history: of the order between a quiet machine (p99 6 %, throughput
 * 4.6 %) and a noisy one (43 %, 13 %), as measured with the embedded Triton; rather too wide than too narrow.
 */
const assumedRunSd = { latency: 0.2, throughput: 0.1 } as const

/**
 * Degrees of freedom of the test against a history. With ten points a median absolute deviation knows the spread about as
 * well as 3 degrees of freedom (its efficiency is 0.37: Rousseeuw & Croux 1993, JASA 88). With more points it knows it
 * better, but then the tails decide: runs of a shared machine have heavier ones than the normal distribution, and
 * t with 3 degrees of freedom has tails of that kind. docs/statistics.md shows what this holds and what it costs.
 */
const historyDegreesOfFreedom = 3

interface Spread {
  /** Of the log ratio of two runs. */
  readonly sd: number
  readonly degreesOfFreedom: number
  readonly footnote: string
}

/** The latency and throughput of one scenario against the stored ones: the weaker test, and it says so. */
export function draftsAgainstBaseline(
  settings: ModelSettings,
  model: string,
  baseline: Scenario,
  candidate: Scenario,
  history: readonly HistoryPoint[],
): [latency: Draft, throughput: Draft] {
  return draftsAgainstStored(settings, baseline, candidate, (pair) => {
    const { metric, references, candidates, footnotes, empty } = pair
    const values = {
      reference: geometricMean(references),
      candidate: geometricMean(candidates),
      repetitions: Math.min(references.length, candidates.length),
    }
    const tolerance = toleranceOf(settings, metric, values.reference)
    const row = { ...empty, tolerance, baselineValue: values.reference }
    const changeRatio = values.candidate / values.reference
    if (values.repetitions < minRepetitions) {
      // Only this run's voids make the comparison invalid; a baseline holds nothing but valid repetitions.
      const short = candidates.length < minRepetitions ? candidate : baseline
      const counted = tooFew(values.repetitions, short.repetitions.length)
      return settledDraft(row, { ...values, changeRatio, ...counted })
    }
    const spread = runToRunSpread(history, model, loadKey(candidate.load), metric)
    const estimate = {
      mean: worseLog(metric, Math.log(changeRatio)),
      // A run noisier in itself than the history shows is no better known than that.
      standardError: Math.max(spread.sd, pairedEstimate(candidates.map(Math.log), 0).standardError),
      degreesOfFreedom: spread.degreesOfFreedom,
    }
    const test = { estimate, pooledWorse: null, repeatable: false, levels: totalLevels, differences: null }
    return testedDraft(row, values, test, [...footnotes, spread.footnote])
  })
}

/**
 * How far two runs of the same thing lie apart: s·√(1 + 1/n) for the spread s of one run and n = 1 run behind the
 * baseline's value. The history gives it directly, as the spread of the differences between runs that are near each other.
 */
function runToRunSpread(
  history: readonly HistoryPoint[],
  model: string,
  load: string,
  metric: MetricName,
): Spread {
  const series = seriesIn(history).get(seriesKey({ model, load, metric }))
  const learnt = series === undefined ? null : runSpread(series)
  const weaker = 'compared with a stored number, the weaker test'
  if (learnt !== null) {
    return {
      sd: Math.max(minRunSd, learnt.sd),
      degreesOfFreedom: historyDegreesOfFreedom,
      footnote: `${weaker}: its spread comes from ${learnt.runs} earlier runs`,
    }
  }
  const runSd = metrics[metric].better === 'lower' ? assumedRunSd.latency : assumedRunSd.throughput
  const lacking = Math.max(1, minHistoryPoints - (series?.length ?? 0))
  return {
    sd: runSd * Math.SQRT2,
    degreesOfFreedom: Number.POSITIVE_INFINITY,
    footnote:
      `${weaker}: ${lacking} more run${lacking === 1 ? '' : 's'} of the main branch needed to know the spread, ` +
      `until then ${runSd * 100} % from run to run are assumed; --reference measures both sides in this run instead`,
  }
}
