import { loadLabel } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import type { ModelResult } from '../domain/result.ts'
import type { Repetition, Scenario } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import { formatDuration, formatMetric } from './format.ts'
import { type Side, sidesByLoad } from './sides.ts'
import { cell, type Table, withoutEmptyColumns } from './table.ts'

/** One metric of one load: a row of dots per side, one dot per repetition. */
export interface DotPlot {
  readonly title: string
  readonly axis: string
  readonly sides: readonly {
    readonly label: string
    readonly candidate: boolean
    readonly dots: readonly { readonly value: number; readonly text: string; readonly void: boolean }[]
  }[]
}

export interface Repetitions {
  readonly table: Table
  readonly plots: readonly DotPlot[]
  readonly voided: number
}

const plotted = ['latencyP99Ns', 'inferPerSec'] as const satisfies readonly MetricName[]

/** How often each gated load was measured on each side, what was voided and why, and the values one by one. */
export function repetitions(model: ModelResult, candidateLabel: string): Repetitions {
  const loads = sidesByLoad(model, candidateLabel)
  const sides = loads.flat()
  return {
    table: repetitionTable(sides),
    plots: loads.flatMap((pair) => plotted.flatMap((metric) => dotPlot(pair, metric))),
    voided: sides.flatMap(({ scenario }) => scenario.repetitions).filter(({ status }) => status === 'void')
      .length,
  }
}

function repetitionTable(sides: readonly Side[]): Table {
  return withoutEmptyColumns({
    columns: [
      { title: 'Load', numeric: false },
      { title: 'Side', numeric: false },
      { title: 'Counted', numeric: true },
      { title: 'Requests', numeric: true },
      { title: 'Measured time', numeric: true },
      { title: 'GPU memory', numeric: false },
      { title: 'Failed requests', numeric: false },
      { title: 'Voided', numeric: false },
    ],
    rows: sides.map(({ label, scenario }) => {
      const valid = scenario.repetitions.filter(({ status }) => status === 'valid')
      const sum = (value: (repetition: Repetition) => number) =>
        valid.reduce((total, repetition) => total + value(repetition), 0)
      return {
        status: null,
        emphasis: false,
        cells: [
          { text: loadLabel(scenario.load) },
          { text: label },
          { text: `${valid.length} of ${scenario.repetitions.length}` },
          { text: String(sum(({ requests }) => requests)) },
          { text: formatDuration(sum(({ durationNs }) => durationNs)) },
          cell(gpuMemory(scenario)),
          cell(failures(scenario.repetitions)),
          cell(voided(scenario)),
        ],
      }
    }),
  })
}

/** The server's, and of that what it took before the model was loaded; the whole device where only that is known. */
function gpuMemory({ metrics: measured }: Scenario): string | null {
  const shown = (metric: MetricName) => {
    const value = measured[metric]?.value
    return value == null ? null : formatMetric(metric, value)
  }
  const [all, idle, model] = [
    shown('gpuMemoryBytes'),
    shown('gpuIdleServerMemoryBytes'),
    shown('gpuModelMemoryBytes'),
  ]
  if (all !== null) return idle === null ? all : `${all}: server ${idle}, model ${model}`
  const device = shown('gpuDeviceMemoryBytes')
  return device === null ? null : `${device} on the whole device`
}

function failures(all: readonly Repetition[]): string | null {
  const byStatus = new Map<string, number>()
  for (const [status, count] of all.flatMap((repetition) => Object.entries(repetition.failures))) {
    byStatus.set(status, (byStatus.get(status) ?? 0) + count)
  }
  return byStatus.size === 0 ? null : [...byStatus].map(([status, count]) => `${count} ${status}`).join(', ')
}

function voided(scenario: Scenario): string | null {
  if (scenario.status === 'failed') return `failed: ${scenario.error ?? 'no reason given'}`
  const byReason = new Map<string, number>()
  for (const { status, voidReasons } of scenario.repetitions) {
    if (status === 'valid') continue
    const reason = voidReasons.join(', ') || 'no reason given'
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1)
  }
  return byReason.size === 0 ? null : [...byReason].map(([reason, count]) => `${count}: ${reason}`).join('; ')
}

function dotPlot(pair: readonly Side[], metric: (typeof plotted)[number]): readonly DotPlot[] {
  const isLatency = metric === 'latencyP99Ns'
  const sides = pair.map(({ label, candidate, scenario }) => ({
    label,
    candidate,
    dots: scenario.repetitions.flatMap((repetition) => {
      const value = repetition.metrics[metric]
      if (value === undefined || value === null) return []
      const isVoid = repetition.status === 'void'
      const text = `repetition ${repetition.index + 1}: ${formatMetric(metric, value)}${isVoid ? ' (void)' : ''}`
      return [{ value: isLatency ? value / nsPerMs : value, text, void: isVoid }]
    }),
  }))
  const load = pair[0]?.scenario.load
  if (load === undefined || sides.every(({ dots }) => dots.length === 0)) return []
  const axis = isLatency ? 'ms' : 'infer/s'
  return [{ title: `${metrics[metric].label}, ${loadLabel(load)}`, axis, sides }]
}
