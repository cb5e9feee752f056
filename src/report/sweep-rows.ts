import { type Configuration, configurationKey } from '../domain/configuration.ts'
import {
  describeConfiguration,
  dynamicBatchingWords,
  otherFieldsWords,
  otherModelsWords,
} from '../domain/configuration-words.ts'
import { batchSizeOf, inferencesOf, type Load, loadKey, loadLabel } from '../domain/load.ts'
import { meanOfMetrics } from '../domain/mean-metrics.ts'
import { type ConstraintResult, keepsLimit, type ModelResult } from '../domain/result.ts'
import { gatedScenarios, type Scenario } from '../domain/scenario.ts'
import type { SearchSummary } from '../domain/sweep.ts'
import { countInWords } from '../domain/words.ts'
import { nsPerMs } from '../domain/world.ts'
import { groupsBy } from '../search/candidates.ts'
import { placeKey } from '../search/state.ts'
import { formatConstrained, formatDuration, formatMs, formatNumber, formatThroughput } from './format.ts'
import { type Table, withoutEmptyColumns } from './table.ts'

export type CurveKind = 'committed' | 'reference' | 'best' | 'other'

/** A configuration over its loads, in the order of throughput's cause: the load. */
export interface Curve {
  readonly label: string
  readonly kind: CurveKind
  readonly points: readonly {
    readonly inferPerSec: number
    readonly p99Ms: number
    readonly load: string
    readonly text: string
    readonly best: boolean
  }[]
}

export interface CurveChart {
  readonly curves: readonly Curve[]
  readonly budget: { readonly p99Ms: number; readonly text: string } | null
}

export interface Sweep {
  readonly table: Table
  readonly chart: CurveChart
  /** How the sweep went, in sentences. */
  readonly notes: readonly string[]
}

export interface Group {
  readonly label: string
  readonly configuration: Configuration
  /** The load at which this configuration is the one to use; null for all but one. */
  readonly bestLoad: string | null
  readonly scenarios: readonly Scenario[]
}

/** Everything measured of a model, by configuration and load, as table (Model Analyzer's columns) and as curves. */
export function sweep(model: ModelResult): Sweep {
  const groups = groupByConfiguration(model)
  // Without a sweep the table would only repeat the comparison's numbers.
  const swept = model.scenarios.some(({ role }) => role === 'sweep')
  return {
    table: sweepTable(model, swept ? groups : []),
    chart: curveChart(model, groups),
    notes: sweepNotes(model),
  }
}

/** `committed` first, then `config_0`, `config_1` … in the order in which they were measured. */
export function groupByConfiguration(model: ModelResult): readonly Group[] {
  const byKey = new Map<string, Scenario[]>()
  for (const scenario of model.scenarios) {
    const key = configurationKey(scenario.configuration)
    const known = byKey.get(key)
    if (known === undefined) byKey.set(key, [scenario])
    else known.push(scenario)
  }
  const isCommitted = (scenarios: readonly Scenario[]) =>
    scenarios.some((each) => each.configuration.committed)
  const groups = [...byKey].toSorted(([, a], [, b]) => Number(isCommitted(b)) - Number(isCommitted(a)))
  // The nearest miss, and what cannot be told apart from the committed configuration, are not to be used.
  const best = model.best?.meetsConstraints === true && !model.best.tie ? model.best : null
  let next = 0
  return groups.flatMap(([key, scenarios]) => {
    const [first] = scenarios
    if (first === undefined) return []
    return [
      {
        label: isCommitted(scenarios) ? 'committed' : `config_${next++}`,
        configuration: first.configuration,
        bestLoad: best !== null && configurationKey(best.configuration) === key ? loadKey(best.load) : null,
        scenarios: onePerLoad(scenarios),
      },
    ]
  })
}

/** By rising load; where the gate and the sweep measured the same, the gate's longer measurement stands. */
function onePerLoad(scenarios: readonly Scenario[]): readonly Scenario[] {
  return groupsBy(scenarios, ({ load }) => loadKey(load))
    .flatMap((alike) => alike.find(({ role }) => role === 'gate') ?? together(alike))
    .toSorted((a, b) => inferencesOf(a.load) - inferencesOf(b.load))
}

/** What was measured again has the mean, on which the answer rests too; what failed at any time is no answer, and failed. */
function together(alike: readonly Scenario[]): Scenario[] {
  const [first] = alike
  if (first === undefined) return []
  const failed = alike.find(({ status }) => status === 'failed')
  return [failed ?? { ...first, metrics: meanOfMetrics(alike.map(({ metrics }) => metrics)) }]
}

function sweepTable(model: ModelResult, groups: readonly Group[]): Table {
  const plain = groups.every(({ scenarios }) =>
    scenarios.every(
      ({ load }) => load.mode === 'concurrency' && batchSizeOf(load) === 1 && load.beside === undefined,
    ),
  )
  return withoutEmptyColumns({
    columns: [
      { title: 'Model Config Name', numeric: false },
      { title: 'Max Batch Size', numeric: true },
      { title: 'Dynamic Batching', numeric: false },
      { title: 'Instance Count', numeric: true },
      { title: 'Other Fields', numeric: false },
      { title: 'Other Models', numeric: false },
      { title: plain ? 'Concurrency' : 'Load', numeric: plain },
      { title: 'p99 Latency (ms)', numeric: true },
      { title: 'Throughput (infer/sec)', numeric: true },
      { title: 'Max GPU Memory (MB)', numeric: true },
      { title: 'Satisfies constraints', numeric: false },
    ],
    rows: groups.flatMap(({ label, configuration, bestLoad, scenarios }) =>
      scenarios.map((scenario) => {
        const isBest = bestLoad === loadKey(scenario.load)
        return {
          status: null,
          emphasis: isBest,
          cells: [
            { text: isBest ? `${label} ★ best` : label },
            { text: String(configuration.maxBatchSize) },
            { text: configuration.instanceCount === null ? '–' : dynamicBatchingWords(configuration) },
            { text: configuration.instanceCount === null ? '–' : String(configuration.instanceCount) },
            { text: otherFieldsWords(configuration).join(', ') || '–' },
            { text: otherModelsWords(configuration).join('; ') || '–' },
            { text: concurrencyText(scenario.load, plain) },
            ...measuredCells(scenario),
            { text: satisfies(scenario, model.constraints) },
          ],
        }
      }),
    ),
  })
}

function measuredCells(scenario: Scenario): { text: string }[] {
  if (scenario.status === 'failed') return [{ text: 'failed' }, { text: 'failed' }, { text: '–' }]
  const { latencyP99Ns, inferPerSec, gpuMemoryBytes } = scenario.metrics
  const text = (metric: typeof latencyP99Ns, divisor: number) => {
    if (metric === undefined || metric === null) return { text: '–' }
    return { text: metric.value === null ? 'not available' : formatNumber(metric.value / divisor) }
  }
  return [text(latencyP99Ns, nsPerMs), text(inferPerSec, 1), text(gpuMemoryBytes, 1e6)]
}

function concurrencyText(load: Load, plain: boolean): string {
  return plain && load.mode === 'concurrency' ? String(load.concurrency) : loadLabel(load)
}

/** The model's constraints applied to one measurement; the limits are the same at every gated load. */
export function satisfies(scenario: Scenario, constraints: readonly ConstraintResult[]): string {
  if (constraints.length === 0) return '–'
  if (scenario.status === 'failed') return 'No'
  const verdicts = constraints.map((constraint) => {
    const value = scenario.metrics[constraint.standsInFor ?? constraint.metric]?.value
    return value == null ? null : keepsLimit(value, constraint)
  })
  if (verdicts.includes(false)) return 'No'
  return verdicts.includes(null) ? 'unknown' : 'Yes'
}

function curveChart(model: ModelResult, groups: readonly Group[]): CurveChart {
  const curves = groups.map(({ label, configuration, bestLoad, scenarios }): Curve => {
    const kind = label === 'committed' ? 'committed' : bestLoad !== null ? 'best' : 'other'
    const name = `${label}: ${describeConfiguration(configuration)}`
    return { label: name, kind, points: points(scenarios, name, (load) => bestLoad === loadKey(load)) }
  })
  const reference = points(
    onePerLoad(gatedScenarios({ scenarios: model.referenceScenarios })),
    'reference',
    () => false,
  )
  const budgets = model.constraints.filter(
    ({ metric, standsInFor, bound }) => (standsInFor ?? metric) === 'latencyP99Ns' && bound === 'max',
  )
  const limit = budgets.length === 0 ? null : Math.min(...budgets.map((budget) => budget.limit))
  return {
    curves: [...curves, { label: 'reference', kind: 'reference' as const, points: reference }].filter(
      (curve) => curve.points.length > 0,
    ),
    budget:
      limit === null
        ? null
        : { p99Ms: limit / nsPerMs, text: `budget ${formatConstrained('latencyP99Ns', limit)}` },
  }
}

function points(
  scenarios: readonly Scenario[],
  name: string,
  isBest: (load: Load) => boolean,
): Curve['points'] {
  return scenarios.flatMap(({ load, metrics }) => {
    const p99Ns = metrics.latencyP99Ns?.value
    const inferPerSec = metrics.inferPerSec?.value
    if (p99Ns === undefined || p99Ns === null || inferPerSec === undefined || inferPerSec === null) return []
    return [
      {
        inferPerSec,
        p99Ms: p99Ns / nsPerMs,
        load: loadLabel(load),
        text: `${name}, ${loadLabel(load)}: ${formatThroughput(inferPerSec)}, p99 ${formatMs(p99Ns)}`,
        best: isBest(load),
      },
    ]
  })
}

/** `51 s (53 %) under load, 33 s loading configurations, 8 s starting and stopping the server` */
function timeWords({ wallNs, underLoadNs, phases }: SearchSummary): string {
  const share = wallNs > 0 ? ` (${Math.round((100 * underLoadNs) / wallNs)} %)` : ''
  const words = [`${formatDuration(underLoadNs)}${share} under load`]
  if (phases !== undefined) {
    words.push(
      `${formatDuration(phases.loadNs)} loading configurations`,
      `${formatDuration(phases.startNs + phases.stopNs)} starting and stopping the server`,
    )
  }
  return words.join(', ')
}

function asSentence(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}.`
}

/** Whether the table has one row for several measurements. */
function isMeasuredAgain({ scenarios }: ModelResult): boolean {
  const places = scenarios.flatMap((scenario) => (scenario.role === 'sweep' ? [placeKey(scenario)] : []))
  return new Set(places).size < places.length
}

function sweepNotes(model: ModelResult): readonly string[] {
  const { search } = model
  const notes =
    search === null
      ? []
      : [
          `Search mode ${search.mode}: ${countInWords(search.measurements, 'measurement')} in ${formatDuration(search.wallNs)}, of which ${timeWords(search)}; stopped: ${search.stopped}.`,
          ...search.notes.map(asSentence),
        ]
  const failed = model.scenarios.filter(({ status }) => status === 'failed')
  return [
    ...notes,
    ...(isMeasuredAgain(model)
      ? ['What was measured again has its mean there, but for the gated loads, which have those of the gate.']
      : []),
    ...failed.map(
      ({ configuration, load, error }) =>
        `${describeConfiguration(configuration)} at ${loadLabel(load)} failed: ${error ?? 'no reason given'}`,
    ),
  ]
}
