import type { AcceptedRegression } from '../domain/accepted.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, type Load } from '../domain/load.ts'
import type { GitFacts, Measurements } from '../domain/measurements.ts'
import { latencyPercentiles, type MetricName, metrics } from '../domain/metric.ts'
import type { Config } from './config.ts'
import { toleranceTags } from './metric-tags.ts'
import type { ConfigFile } from './schema.ts'

type AcceptedEntry = NonNullable<NonNullable<ConfigFile['gate']>['accepted']>[number]

/** An entry of the file in the program's words. */
export function resolveAccepted(entry: AcceptedEntry): AcceptedRegression {
  const { model, metric, concurrency, request_rate: requestRate, batch_size: batchSize, reason } = entry
  return {
    model,
    metric: toleranceTags[metric],
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(requestRate === undefined ? {} : { requestRate }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(entry.beside === undefined
      ? {}
      : {
          beside: Object.entries(entry.beside).map(([other, load]) => ({
            model: other,
            ...(load.concurrency === undefined ? {} : { concurrency: load.concurrency }),
            ...(load.request_rate === undefined ? {} : { requestRate: load.request_rate }),
            ...(load.batch_size === undefined ? {} : { batchSize: load.batch_size }),
          })),
        }),
    upTo: entry.up_to,
    reason,
    until:
      entry.until_commit === undefined
        ? { kind: 'date', date: entry.until ?? '' }
        : { kind: 'commit', commit: entry.until_commit },
  }
}

/** Whether an entry speaks of this metric of this model at this load; that of p99 also of a percentile that stands in for it. */
export function covers(entry: AcceptedRegression, model: string, load: Load, metric: MetricName): boolean {
  const isMetric =
    entry.metric === metric ||
    (entry.metric === 'latencyP99Ns' && latencyPercentiles.some(({ name }) => name === metric))
  return (
    entry.model === model &&
    isMetric &&
    isLike(entry, load) &&
    isBeside(entry.beside ?? [], load.beside ?? [])
  )
}

type LoadFilter = Pick<AcceptedRegression, 'concurrency' | 'requestRate' | 'batchSize'>

function isLike({ concurrency, requestRate, batchSize }: LoadFilter, load: Load): boolean {
  return (
    (concurrency === undefined || (load.mode === 'concurrency' && load.concurrency === concurrency)) &&
    (requestRate === undefined || (load.mode === 'requestRate' && load.requestRate === requestRate)) &&
    (batchSize === undefined || batchSizeOf(load) === batchSize)
  )
}

/** What a model does beside others says nothing of it alone, nor beside yet others. */
function isBeside(
  named: NonNullable<AcceptedRegression['beside']>,
  others: NonNullable<Load['beside']>,
): boolean {
  return (
    named.length === others.length &&
    named.every((filter) => others.some(({ model, load }) => model === filter.model && isLike(filter, load)))
  )
}

/** The entries that speak of a comparison, the most specific first: one for its load before one for all. */
export function entriesFor(
  entries: readonly AcceptedRegression[],
  model: string,
  load: Load,
  metric: MetricName,
): AcceptedRegression[] {
  return entries
    .filter((entry) => covers(entry, model, load, metric))
    .toSorted((a, b) => rank(a, metric) - rank(b, metric))
}

function rank(entry: AcceptedRegression, metric: MetricName): number {
  const filters = [entry, ...(entry.beside ?? [])]
    .flatMap(({ concurrency, requestRate, batchSize }) => [concurrency, requestRate, batchSize])
    .filter((filter) => filter !== undefined).length
  return -2 * filters - (entry.metric === metric ? 1 : 0)
}

/**
 * Why an entry holds no longer when these measurements were made, as a clause; null while it does. The day is that of the
 * measurement and git was asked then, so that a later look at the files finds the same. What cannot be told
 * holds not.
 */
export function lapseOf(
  { until }: AcceptedRegression,
  { createdAt, git }: Pick<Measurements, 'createdAt' | 'git'>,
): string | null {
  if (until.kind === 'date') {
    const days = daysUntil(until.date, createdAt)
    if (days === null) return `whether it holds until ${until.date} cannot be told: no day of measurement`
    if (days < 0) return `it expired after ${until.date}`
    return days <= mostDays ? null : `${until.date} is ${tooFarOff}`
  }
  const commit = until.commit.slice(0, 7)
  const known = git?.contained.find((each) => each.commit === until.commit)?.isContained ?? null
  if (known === null) {
    return `whether it holds until commit ${commit} cannot be told: git does not know the commit here (in a shallow clone, fetch more of the history)`
  }
  return known ? `it expired with commit ${commit}, which is part of what was measured` : null
}

/**
 * A year, with a leap day: a release that the entry waits for comes sooner, and what is accepted for longer than anybody looks ahead is a
 * tolerance.
 */
const mostDays = 366
const tooFarOff = `more than ${mostDays} days after the day of measurement, which is no end`

const dayMs = 86_400_000

/** From the day of a moment (ISO 8601, UTC) to another day; null where the moment names none. */
function daysUntil(date: string, moment: string): number | null {
  const [day = ''] = /^\d{4}-\d{2}-\d{2}/.exec(moment) ?? []
  const days = (Date.parse(date) - Date.parse(day)) / dayMs
  return Number.isNaN(days) ? null : days
}

/**
 * @param now when measuring begins, ISO 8601
 * @throws GateError `config` with every entry of `gate.accepted` whose end is so far off that it is none; `lapseOf` says the same of files
 */
export function checkEnds({ file, gate }: Pick<Config, 'file' | 'gate'>, now: string): void {
  const problems = gate.accepted.flatMap(({ until }, index) => {
    if (until.kind !== 'date' || (daysUntil(until.date, now) ?? 0) <= mostDays) return []
    const last = new Date(Date.parse(now.slice(0, 10)) + mostDays * dayMs).toISOString().slice(0, 10)
    return [
      {
        file: file ?? undefined,
        key: `gate.accepted.${index}.until`,
        message: `${until.date} is ${tooFarOff}`,
        remedy: `Name a day up to ${last}, by which the release with this change is out; what is accepted for ever is a tolerance (gate.model_tolerance).`,
      },
    ]
  })
  if (problems.length > 0) throw new GateError('config', 'an accepted regression must end', { problems })
}

/** `p99 latency of ocr at concurrency 8 beside classifier (concurrency 16)`: what an entry is called in a report. */
export function acceptedInWords(entry: AcceptedRegression): string {
  const at = filterInWords(entry)
  const others = (entry.beside ?? []).map((other) => {
    const load = filterInWords(other)
    return load === '' ? other.model : `${other.model} (${load})`
  })
  return [
    `${metrics[entry.metric].label} of ${entry.model}`,
    ...(at === '' ? [] : [`at ${at}`]),
    ...(others.length === 0 ? [] : [`beside ${others.join(' and ')}`]),
  ].join(' ')
}

function filterInWords({ concurrency, requestRate, batchSize }: LoadFilter): string {
  return [
    ...(concurrency === undefined ? [] : [`concurrency ${concurrency}`]),
    ...(requestRate === undefined ? [] : [`${requestRate} requests/s`]),
    ...(batchSize === undefined ? [] : [`batch ${batchSize}`]),
  ].join(', ')
}

/** `until 2026-12-31`, `until commit 1a2b3c4`. */
export function untilInWords({ until }: AcceptedRegression): string {
  return until.kind === 'date' ? `until ${until.date}` : `until commit ${until.commit.slice(0, 7)}`
}

/** Whether what is measured has an entry that the commit it is compared with has not, in any part; null where that is not known. */
export function bringsEntry(entry: AcceptedRegression, git: GitFacts | undefined): boolean | null {
  if (git?.reference?.status !== 'read') return null
  const text = JSON.stringify(entry)
  return !git.reference.limits.accepted.some((each) => JSON.stringify(each) === text)
}
