import {
  acceptedInWords,
  bringsEntry,
  covers,
  entriesFor,
  lapseOf,
  untilInWords,
} from '../config/accepted.ts'
import type { AcceptedRegression } from '../domain/accepted.ts'
import { loadKey } from '../domain/load.ts'
import type { AcceptedStep, Baseline, GitFacts, HistoryPoint } from '../domain/measurements.ts'
import { latencyPercentiles, type MetricName, metricNames } from '../domain/metric.ts'
import type { Comparison } from '../domain/result.ts'
import {
  gatedScenarios,
  highestMemory,
  type ModelMeasurement,
  modelsBeside,
  validRepetitions,
} from '../domain/scenario.ts'
import { countInWords } from '../domain/words.ts'
import { seriesIn, seriesKey } from './series.ts'
import type { CompareInput } from './sides.ts'
import { shareInWords } from './words.ts'

/** What `gate.accepted` says of one comparison. */
export interface Acceptance {
  /** Change for the worse, as a ratio; null where the entry holds no longer. */
  readonly upTo: number | null
  /** What is accepted and why; where it holds no longer, the sentence that says so. */
  readonly words: string
}

type Accepting = Pick<CompareInput, 'measurements' | 'baseline' | 'config'>

/** The entry that speaks of a comparison: one that holds before one that does not, one for its load before one for all. */
export function acceptanceOf(
  input: Accepting,
  model: string,
  load: Comparison['load'],
  metric: MetricName,
): Acceptance | null {
  const entries = entriesFor(input.config.gate.accepted, model, load, metric).map((entry) => ({
    entry,
    lapse: lapse(input, entry, load, metric),
  }))
  const found = entries.find(({ lapse: why }) => why === null) ?? entries[0]
  if (found === undefined) return null
  const { entry, lapse: why } = found
  if (why !== null)
    return { upTo: null, words: `gate.accepted accepts nothing of it (${entry.reason}): ${why}` }
  const origin = originOf(entry, input.measurements.git)
  const details = [entry.reason, untilInWords(entry), ...(origin === null ? [] : [origin])].join('; ')
  return { upTo: entry.upTo, words: `up to ${shareInWords(entry.upTo)} (${details})` }
}

/**
 * Why an entry says nothing of this series any more: its end is there, the step that it accepts became part of the
 * baseline, or what is compared with has it already. An entry is for one step: else every later change could take the same again.
 */
function lapse(
  { measurements, baseline }: Accepting,
  entry: AcceptedRegression,
  load: Comparison['load'],
  metric: MetricName,
): string | null {
  const point = baseline === null ? undefined : acceptedPoint(baseline, entry, load, metric)
  if (point === undefined) return lapseOf(entry, measurements) ?? inherited(entry, measurements.git)
  const at = point.commit === null ? '' : ` with commit ${point.commit.slice(0, 7)}`
  return `the step became part of the baseline${at}; ${ownReason}`
}

const ownReason = 'a further step needs an entry with a reason of its own'

/** Its step came with it, and is part of the reference, whether the history shows it or noise hides it. */
function inherited(entry: AcceptedRegression, git: GitFacts | undefined): string | null {
  if (git?.reference?.status !== 'read' || bringsEntry(entry, git) === true) return null
  return `the configuration of commit ${git.reference.commit.slice(0, 7)}, which this is compared with, has the entry already: it accepts in the change that brings it; ${ownReason}`
}

/** Where the step became part of the baseline. A latency is the same series by whatever percentile it was gated. */
function acceptedPoint(
  { history, acceptedBefore }: Baseline,
  { model, reason }: AcceptedRegression,
  load: Comparison['load'],
  metric: MetricName,
): Pick<HistoryPoint | AcceptedStep, 'commit'> | undefined {
  const percentiles = latencyPercentiles.map(({ name }) => name)
  const names = percentiles.some((name) => name === metric) ? percentiles : [metric]
  const series = seriesIn(history)
  const keys = names.map((name) => seriesKey({ model, load: loadKey(load), metric: name }))
  return (
    keys.flatMap((key) => series.get(key) ?? []).find(({ accepted }) => accepted === reason) ??
    acceptedBefore.find((step) => step.reason === reason && keys.includes(seriesKey(step)))
  )
}

/** Whether a reviewer sees the entry for the first time; null where the reference's configuration is not known. */
function originOf(entry: AcceptedRegression, git: GitFacts | undefined): string | null {
  if (git?.reference?.status !== 'read') return null
  const known = git.reference.limits.accepted
  const place = (each: AcceptedRegression) => acceptedInWords(each)
  return known.some((each) => place(each) === place(entry))
    ? 'changed in this pull request'
    : 'accepted in this pull request'
}

/** A comparison without a test (GPU memory), with what is accepted of it. */
export function settleAccepted(row: Comparison, acceptance: Acceptance | null): Comparison {
  if (acceptance === null || row.status !== 'fail' || row.changeRatio === null) return row
  const within = acceptance.upTo !== null && row.changeRatio <= 1 + acceptance.upTo
  return within ? { ...row, status: 'accepted' } : row
}

/** A judged comparison that did not pass by its own tolerance, with what it says of its entry. */
export function withAcceptedNote(row: Comparison, acceptance: Acceptance | null): Comparison {
  const note = acceptance === null ? null : noteOf(acceptance, row.status)
  return note === null ? row : { ...row, footnotes: [...row.footnotes, note] }
}

function noteOf({ upTo, words }: Acceptance, status: Comparison['status']): string | null {
  if (status === 'accepted') return `accepted ${words}`
  if (status !== 'fail' && status !== 'inconclusive') return null
  if (upTo === null) return words
  return status === 'fail'
    ? `worse than what is accepted: ${words}`
    : `not shown to be within what is accepted: ${words}`
}

/** Entries that do nothing, one sentence each: they only wait to be misunderstood. */
export function acceptanceWarnings(input: Accepting): string[] {
  const { config, measurements } = input
  return config.gate.accepted.flatMap((entry) => {
    const name = `gate.accepted: the entry for ${acceptedInWords(entry)} (${entry.reason})`
    const model = measurements.models.find((each) => each.name === entry.model)
    // Of several shards each measures its own models.
    if (model === undefined && config.overrides.models !== undefined) return []
    const series = model === undefined ? [] : seriesOf(model, entry)
    if (series.length === 0) {
      const others = model === undefined || entry.beside !== undefined ? [] : modelsBeside(model)
      const advice =
        others.length === 0
          ? 'correct or remove it'
          : `the model was under load beside ${others.join(' and ')}, which the entry is to name (beside)`
      return [`${name} matches nothing that was measured: ${advice}.`]
    }
    const lapses = series.map(({ load, metric }) => lapse(input, entry, load, metric))
    const [why] = lapses
    if (why == null || lapses.includes(null)) return []
    const all = new Set(lapses).size === 1 ? '' : ` (the first of ${countInWords(series.length, 'series')})`
    return [`${name} accepts nothing: ${why}${all}.`]
  })
}

/** What an entry can be asked about: the loads and metrics of the model that were measured. */
function seriesOf(model: ModelMeasurement, entry: AcceptedRegression) {
  return gatedScenarios(model).flatMap((scenario) => {
    const repetitions = validRepetitions(scenario)
    const { load } = scenario
    const isMeasured = (metric: MetricName) =>
      metric === 'gpuMemoryBytes'
        ? highestMemory(repetitions) !== null
        : repetitions.some(({ metrics }) => metrics[metric] != null)
    const metrics = isMeasured(entry.metric) ? [entry.metric] : metricNames.filter(isMeasured)
    return metrics
      .filter((metric) => covers(entry, model.name, load, metric))
      .map((metric) => ({ load, metric }))
  })
}
