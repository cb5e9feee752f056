import { compareModels } from '../../src/compare/compare.ts'
import type { Config } from '../../src/config/config.ts'
import type { Comparison } from '../../src/domain/result.ts'
import type { ModelMeasurement } from '../../src/domain/scenario.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import { mean } from '../../src/stats/robust.ts'
import { makeConfig, makeMeasurements, makeModel, makeScenario } from '../support/make-measurements.ts'
import { hashOfCode } from './code-key.ts'
import type { ResultsFile } from './results.ts'
import {
  mannWhitney,
  mannWhitneyThreshold,
  predictionScore,
  predictionThreshold,
  ratioThreshold,
  ratioToPrevious,
} from './rivals.ts'
import { measureUntilDecided, repetition } from './simulation.ts'
import { percent, table } from './words.ts'

const repetitions = 14
const requests = 500
/** Runs of the main branch before this one. */
const history = 30
/** How a machine's speed varies from hour to hour (both sides of one job share it), and from minute to minute. */
const [hourSd, minuteSd] = [0.1, 0.05]
/** How server starts differ, by the kind of machine or hour: from a quiet one to one that others use. */
const startSds = [0.01, 0.02, 0.04, 0.08] as const
/** Of single requests. */
const requestSd = 0.2

/** One pull request's job, before a change: request latencies of both sides, and what the main branch's runs gave. */
interface Trace {
  readonly startSd: number
  /** By repetition, each ascending, in ms. */
  readonly reference: readonly Float64Array[]
  readonly candidate: readonly Float64Array[]
  readonly past: readonly { readonly p99: number; readonly avg: number }[]
}

function makeTrace(random: Random): Trace {
  const startSd = startSds[random.integer(startSds.length)] as number
  const measure = (level: number) => {
    const start = level + startSd * random.normal()
    return Float64Array.from({ length: requests }, () => Math.exp(start + requestSd * random.normal())).sort()
  }
  const run = (sides: number) => {
    const hour = hourSd * random.normal()
    const minutes = Array.from({ length: repetitions }, () => hour + minuteSd * random.normal())
    return Array.from({ length: sides }, () => minutes.map(measure))
  }
  const past = Array.from({ length: history }, () => numbersOf(pool(run(1)[0] ?? [])))
  const [reference = [], candidate = []] = run(2)
  return { startSd, reference, candidate, past }
}

function pool(side: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(side.length * requests)
  for (const [index, each] of side.entries()) all.set(each, index * requests)
  return all.sort()
}

/** A closed loop's throughput is its concurrency over the average latency: the average stands for it, more is worse. */
function numbersOf(sorted: Float64Array): { readonly p99: number; readonly avg: number } {
  return { p99: quantile(sorted, 0.99) ?? Number.NaN, avg: mean(sorted) }
}

/** Slower by `ratio`: every request, or only the slowest 5 % of each repetition. */
function slower(side: readonly Float64Array[], kind: Kind, ratio: number): Float64Array[] {
  const from = kind === 'whole distribution' ? 0 : Math.floor(0.95 * requests)
  return side.map((sorted) => sorted.map((value, index) => (index < from ? value : value * ratio)))
}

/** What each rule makes of a trace: a score, or 1 and 0 for a gate that decides by itself. */
const rules = {
  'github-action-benchmark': ({ past, candidate }) => {
    const now = numbersOf(pool(candidate))
    return Math.max(...metrics.map((metric) => ratioToPrevious(valuesOf(past, metric), now[metric])))
  },
  'Bencher, t-test': ({ past, candidate }) => {
    const now = numbersOf(pool(candidate))
    return Math.max(...metrics.map((metric) => predictionScore(valuesOf(past, metric), now[metric])))
  },
  'Mann–Whitney over requests': ({ reference, candidate }) => mannWhitney(pool(reference), pool(candidate)),
  'this gate': (trace) => ours(trace, makeConfig()),
  'this gate, tolerance 0': (trace) => ours(trace, noTolerance),
  'its t-test alone, threshold set likewise': pairedScore,
} as const satisfies Record<string, (trace: Trace) => number>

const metrics = ['p99', 'avg'] as const

function valuesOf(past: Trace['past'], metric: (typeof metrics)[number]): number[] {
  return past.map((each) => each[metric])
}

type Rule = keyof typeof rules
const ruleNames = Object.keys(rules) as Rule[]

/** Their documented thresholds; ours has decided. */
const documented: Readonly<Record<Rule, number>> = {
  'github-action-benchmark': ratioThreshold,
  'Bencher, t-test': predictionThreshold(history),
  'Mann–Whitney over requests': mannWhitneyThreshold,
  'this gate': 0.5,
  'this gate, tolerance 0': 0.5,
  // One-sided 1 % over both metrics.
  'its t-test alone, threshold set likewise': -Math.log(0.005),
}

const noTolerance = makeConfig({ tolerance: { latencyP99Ns: 0, inferPerSec: 0 } })

function ours(trace: Trace, config: Config): number {
  const sides = measureUntilDecided('m', pairsOf(trace), repetitions, { comparisons: 2, models: 1 }, config)
  return rowsOfModel(sides, config).some(({ status }) => status === 'fail') ? 1 : 0
}

/** The smaller p-value of the two metrics when all repetitions are measured, on a scale that grows with the evidence. */
function pairedScore(trace: Trace): number {
  const pair = pairsOf(trace)
  const pairs = Array.from({ length: repetitions }, (_, index) => pair(index))
  const sides = {
    reference: makeModel('m', [makeScenario(pairs.map(({ reference }) => reference))]),
    candidate: makeModel('m', [makeScenario(pairs.map(({ candidate }) => candidate))]),
  }
  return Math.max(...rowsOfModel(sides, noTolerance).map(({ pValue }) => -Math.log(pValue ?? 1)))
}

function pairsOf({ reference, candidate }: Trace) {
  const side = (sorted: Float64Array | undefined, index: number) => {
    const { p99, avg } = numbersOf(sorted ?? new Float64Array())
    return repetition(index, 1e6 * p99, 2000 / avg)
  }
  return (index: number) => ({
    reference: side(reference[index], index),
    candidate: side(candidate[index], index),
  })
}

function rowsOfModel(
  sides: { readonly reference: ModelMeasurement; readonly candidate: ModelMeasurement },
  config: Config,
): Comparison[] {
  const { models } = compareModels({
    measurements: makeMeasurements([sides.candidate], [sides.reference]),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config,
    mode: 'gate',
  })
  return models.flatMap(({ comparisons }) => comparisons.filter(({ primary }) => primary))
}

type Kind = 'whole distribution' | 'tail only'
const changes = (['whole distribution', 'tail only'] as const).flatMap((kind) =>
  [1.03, 1.05, 1.1, 1.2, 1.5].map((ratio) => ({ kind, ratio })),
)

/** One rule's scores of the same traces. */
interface Scores {
  readonly unchanged: { readonly score: number; readonly startSd: number }[]
  /** In the order of `changes`. */
  readonly changed: readonly number[][]
}

function scoresOf(traces: number): ReadonlyMap<Rule, Scores> {
  const random = createRandom(200)
  const scores = new Map(
    ruleNames.map((name): [Rule, Scores] => [name, { unchanged: [], changed: changes.map(() => []) }]),
  )
  for (let index = 0; index < traces; index++) {
    const trace = makeTrace(random)
    const changed = changes.map(({ kind, ratio }) => ({
      ...trace,
      candidate: slower(trace.candidate, kind, ratio),
    }))
    for (const [name, of] of scores) {
      of.unchanged.push({ score: rules[name](trace), startSd: trace.startSd })
      for (const [place, each] of changed.entries()) of.changed[place]?.push(rules[name](each))
    }
  }
  return scores
}

const falseAlarmRate = 0.01

interface Row {
  readonly name: Rule
  /** Shares of reports that fail: unchanged ones, those of the noisiest machines, and changed ones in the order of `changes`. */
  readonly all: number
  readonly noisiest: number
  readonly found: readonly number[]
}

/** At its documented threshold, and at those with which it fails 1 % on the noisiest machines, or on all together. */
function rowsOf(name: Rule, { unchanged, changed }: Scores): Record<Threshold, Row> {
  const all = unchanged.map(({ score }) => score)
  const noisiest = unchanged.filter(({ startSd }) => startSd === startSds.at(-1)).map(({ score }) => score)
  const share = (values: readonly number[], above: number) =>
    values.filter((value) => value > above).length / values.length
  const row = (threshold: number): Row => ({
    name,
    all: share(all, threshold),
    noisiest: share(noisiest, threshold),
    found: changed.map((values) => share(values, threshold)),
  })
  const exceededBy = (values: readonly number[]) =>
    [...values].sort((a, b) => b - a)[Math.floor(falseAlarmRate * values.length)] ?? Number.NaN
  const asItIs = name.startsWith('this gate')
  return {
    documented: row(documented[name]),
    noisiest: row(asItIs ? documented[name] : exceededBy(noisiest)),
    together: row(asItIs ? documented[name] : exceededBy(all)),
  }
}

/** What the results depend on beside the code that decides. */
const ownCode = ['test/calibration/head-to-head.ts', 'test/calibration/rivals.ts']

type Threshold = 'documented' | 'noisiest' | 'together'

/** How often each rule fails the same reports, as a table for each way to set the thresholds. */
export function headToHead(results: Pick<ResultsFile, 'value'>, traces: number): Record<Threshold, string> {
  const rows = results.value(`head to head × ${traces}, code ${hashOfCode(ownCode)}`, () =>
    [...scoresOf(traces)].map(([name, scores]) => rowsOf(name, scores)),
  )
  const header = [
    'rule',
    'unchanged',
    'of them on the noisiest',
    ...changes.map(
      ({ kind, ratio }) => `${kind === 'tail only' ? 'tail ' : ''}+${Math.round(100 * (ratio - 1))} %`,
    ),
  ]
  const tableAt = (threshold: Threshold) =>
    table(
      header,
      rows.map(({ [threshold]: { name, all, noisiest, found } }) => [
        name,
        ...[all, noisiest, ...found].map((share) => percent(share, 1)),
      ]),
    )
  return {
    documented: tableAt('documented'),
    noisiest: tableAt('noisiest'),
    together: tableAt('together'),
  }
}
