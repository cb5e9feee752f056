import { bringsEntry, entriesFor, lapseOf } from '../config/accepted.ts'
import type { Config } from '../config/config.ts'
import type { Load } from '../domain/load.ts'
import { loadKey } from '../domain/load.ts'
import type { Baseline, HistoryPoint, Measurements } from '../domain/measurements.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import { gatedScenarios } from '../domain/scenario.ts'
import { median } from '../stats/robust.ts'

type SeriesName = Pick<HistoryPoint, 'model' | 'load' | 'metric'>

/** One run of a noisy machine is no level to measure a step from; more than a few reach back to levels that are gone. */
const levelPoints = 5

/**
 * The baseline with the points marked at which the main branch shows a step that `gate.accepted` expects: from there on the
 * new level counts, and the step is no noise. A step is the first value beyond the tolerance, measured from the median
 * of the last few since the last mark; and the first of a run that brings the entry, if it is worse at all: one run may show a step of more
 * than the tolerance as less. Each entry accepts one step of each series, the most specific first, as comparisons do.
 * What an entry accepted before is kept for as long as the entry stands.
 */
export function withAcceptedSteps(
  baseline: Baseline,
  measurements: Pick<Measurements, 'createdAt' | 'git'>,
  config: Config,
): Baseline {
  const acceptedBefore = baseline.acceptedBefore.filter(({ model, reason }) =>
    config.gate.accepted.some((entry) => entry.model === model && entry.reason === reason),
  )
  const entries = config.gate.accepted.filter((entry) => lapseOf(entry, measurements) === null)
  if (entries.length === 0) return { ...baseline, acceptedBefore }
  const loads = new Map(
    baseline.models
      .flatMap((model) => gatedScenarios(model))
      .map(({ load }): [string, Load] => [loadKey(load), load]),
  )
  const isNew = (point: HistoryPoint) =>
    point.commit === baseline.commit && point.createdAt === baseline.createdAt
  const models = new Set(entries.map(({ model }) => model))
  const known = baseline.history.filter((point) => models.has(point.model) && !isNew(point))
  const history = baseline.history.map((point) => {
    const load = loads.get(point.load)
    if (!isNew(point) || load === undefined) return point
    const metric = point.metric as MetricName
    const covering = entriesFor(entries, point.model, load, metric)
    if (covering.length === 0) return point
    const earlier = known.filter((each) => isSameSeries(each, point))
    const { isWorse, isBeyond } = changeOf(point, earlier, config)
    if (!isWorse) return point
    const before = acceptedBefore.filter((step) => isSameSeries(step, point))
    const entry = covering.find(
      (each) =>
        !earlier.some(({ accepted }) => accepted === each.reason) &&
        !before.some((step) => step.reason === each.reason) &&
        (isBeyond || bringsEntry(each, measurements.git) === true),
    )
    return entry === undefined ? point : { ...point, accepted: entry.reason }
  })
  return { ...baseline, history, acceptedBefore }
}

function isSameSeries(a: SeriesName, b: SeriesName): boolean {
  return a.model === b.model && a.load === b.load && a.metric === b.metric
}

function changeOf(
  point: HistoryPoint,
  earlier: readonly HistoryPoint[],
  config: Config,
): { readonly isWorse: boolean; readonly isBeyond: boolean } {
  const last = earlier.findLastIndex(({ accepted }) => accepted !== undefined)
  const since = earlier.slice(Math.max(0, last))
  const level = since.slice(-levelPoints).map(({ value }) => value)
  if (level.length === 0) return { isWorse: false, isBeyond: false }
  const metric = point.metric as MetricName
  const { ratio, absolute } = config.settingsFor(point.model).tolerance[metric] ?? { ratio: 0, absolute: 0 }
  const from = median(level)
  // As the comparison has it: of memory both parts together.
  const tolerated = metric === 'gpuMemoryBytes' ? from * ratio + absolute : Math.max(from * ratio, absolute)
  const worse = metrics[metric].better === 'lower' ? point.value - from : from - point.value
  return { isWorse: worse > 0, isBeyond: worse > tolerated }
}
