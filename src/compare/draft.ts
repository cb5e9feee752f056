import { loadLabel } from '../domain/load.ts'
import { latencyPercentiles, type MetricName } from '../domain/metric.ts'
import type { Comparison } from '../domain/result.ts'
import { positives, type Repetition, type Scenario } from '../domain/scenario.ts'
import { firstLook, type Levels } from '../stats/looks.ts'
import { confidenceInterval, type Estimate } from '../stats/paired.ts'
import { geometricMean, mean } from '../stats/robust.ts'
import type { Acceptance } from './accepted.ts'
import { ratioOfWorse } from './worse.ts'

/**
 * A comparison on its way to a status. Holm's correction needs the p-values of the whole report, so rows are
 * drafted first and judged together; a draft without a test has its final status already.
 */
export interface Draft {
  readonly row: Comparison
  readonly test: Test | null
  /** What gate.accepted says of it. */
  readonly acceptance?: Acceptance | null
}

export interface Test {
  /** The change for the worse, on the log scale. */
  readonly estimate: Estimate
  /** The same change from whole repetitions, where the estimate comes from blocks; null elsewhere. */
  readonly pooledWorse: number | null
  /** More repetitions narrow the estimate (against a reference, not against a stored number). */
  readonly repeatable: boolean
  /** What this analysis may spend of the errors that the whole report is allowed. */
  readonly levels: Levels
  /** The differences behind the estimate, for the cross-check that assumes no distribution; null where there are none. */
  readonly differences: readonly number[] | null
  /** More of the candidate's requests fail than chance explains: its latency is that of the requests that are left. */
  readonly moreFail?: boolean
}

/**
 * Fewer pairs leave the spread unknown: with three, the t quantile of a family-wise 1 % over four comparisons is 14,
 * with four it is 7.5, with eight 4.0.
 */
export const minRepetitions = firstLook

export type RowStart = Pick<Comparison, 'metric' | 'load' | 'against' | 'tolerance' | 'baselineValue'>

/** A primary row with its test, still undecided. */
export function testedDraft(
  start: RowStart,
  values: { readonly reference: number; readonly candidate: number; readonly repetitions: number },
  test: Test,
  footnotes: readonly string[],
): Draft {
  const { metric } = start
  const [low, high] = confidenceInterval(test.estimate, 0.95).map((worse) => ratioOfWorse(metric, worse)) as [
    number,
    number,
  ]
  const row: Comparison = {
    ...start,
    ...values,
    primary: true,
    changeRatio: ratioOfWorse(metric, test.estimate.mean),
    // For throughput the worst end is the low one.
    changeInterval: [Math.min(low, high), Math.max(low, high)],
    pValue: null,
    status: 'inconclusive',
    footnotes: [...footnotes],
    detectableChange: null,
  }
  return { row, test }
}

/** A row that needs no test, or cannot have one. */
export function settledDraft(start: RowStart, rest: Partial<Comparison> & Pick<Comparison, 'status'>): Draft {
  return {
    row: {
      ...start,
      primary: true,
      reference: null,
      candidate: null,
      changeRatio: null,
      changeInterval: null,
      repetitions: 0,
      pValue: null,
      footnotes: [],
      detectableChange: null,
      ...rest,
    },
    test: null,
  }
}

/** What the row says when too few repetitions count: too few were made, or too many went wrong. */
export function tooFew(
  counted: number,
  made: number,
  ...scenarios: readonly Scenario[]
): Pick<Comparison, 'status' | 'footnotes' | 'repetitions'> {
  const needed = `${minRepetitions} are needed`
  const voids = scenarios.flatMap(({ repetitions }) => repetitions.flatMap(({ voidReasons }) => voidReasons))
  const why = voids.length === 0 ? '' : ` (${[...new Set(voids)].join('; ')})`
  return made >= minRepetitions
    ? {
        status: 'invalid',
        repetitions: counted,
        footnotes: [`only ${counted} of ${made} repetitions are valid on both sides, ${needed}${why}`],
      }
    : {
        status: 'inconclusive',
        repetitions: counted,
        footnotes: [`only ${made} repetitions were measured, ${needed}`],
      }
}

/** One number for a side, for information: the geometric mean, the arithmetic one where a value is zero or below. */
export function typical(repetitions: readonly Repetition[], metric: MetricName): number | null {
  const values = repetitions.map(({ metrics }) => metrics[metric] ?? Number.NaN).filter(Number.isFinite)
  if (values.length === 0) return null
  return values.every((value) => value > 0) ? geometricMean(values) : mean(values)
}

/** The highest latency percentile that every repetition of both sides has, with a footnote where it is not p99. */
function gatedLatency(
  a: readonly Repetition[],
  b: readonly Repetition[],
): { readonly metric: MetricName; readonly footnotes: readonly string[] } | null {
  const found = latencyPercentiles.find(
    ({ name }) => positives(a, name) !== null && positives(b, name) !== null,
  )
  if (found === undefined) return null
  if (found.name === 'latencyP99Ns') return { metric: found.name, footnotes: [] }
  const name = `p${Math.round(found.percentile * 100)}`
  return {
    metric: found.name,
    footnotes: [
      `too few requests in a repetition for a p99: ${name} is gated instead, the highest percentile that both sides have`,
    ],
  }
}

/** A comparison cannot be made of repetitions without their numbers. */
export const missing = {
  status: 'invalid',
  footnotes: ['a valid repetition has no positive value of this metric'],
} as const satisfies { status: 'invalid'; footnotes: string[] }

/** The two rows that decide for a scenario: the latency percentile that both sides have, and throughput. */
export function primaryDrafts(
  a: readonly Repetition[],
  b: readonly Repetition[],
  draft: (metric: MetricName, footnotes: readonly string[]) => Draft,
): [latency: Draft, throughput: Draft] {
  const latency = gatedLatency(a, b)
  return [draft(latency?.metric ?? 'latencyP99Ns', latency?.footnotes ?? []), draft('inferPerSec', [])]
}

/** Invalid rows for both primary metrics of a scenario that has a problem on one of the sides. */
export function problemDrafts(
  load: Scenario['load'],
  against: Comparison['against'],
  problem: string,
): Draft[] {
  return (['latencyP99Ns', 'inferPerSec'] as const).map((metric) =>
    settledDraft(
      { metric, load, against, tolerance: 0, baselineValue: null },
      { status: 'invalid', footnotes: [problem] },
    ),
  )
}

/** `reference at concurrency 8: …` */
export function onSide(side: string, load: Scenario['load'], problem: string): string {
  return `${side} at ${loadLabel(load)}: ${problem}`
}
