import { batchSizeOf, loadKey, ownLoad } from '../domain/load.ts'
import type { MetricName } from '../domain/metric.ts'
import type { ModelResult, Result } from '../domain/result.ts'
import type { Scenario } from '../domain/scenario.ts'
import { nsPerMs } from '../domain/world.ts'
import { besideText, isConcurrent } from './concurrent.ts'
import { type Group, groupByConfiguration, satisfies } from './sweep-rows.ts'

/** Model Analyzer's columns of metrics-model-inference.csv under their names, then what it offers as optional ones. */
const columns = [
  'Model',
  'Batch',
  'Concurrency',
  'Request Rate',
  'Model Config Path',
  'Instance Group',
  'Max Batch Size',
  'Satisfies Constraints',
  'Throughput (infer/sec)',
  'p99 Latency (ms)',
  'p95 Latency (ms)',
  'p90 Latency (ms)',
  'p50 Latency (ms)',
  'Server Queue time (ms)',
  'Server Compute Input time (ms)',
  'Server Compute Infer time (ms)',
  'Server Compute Output time (ms)',
  'Max GPU Memory Usage (MB)',
] as const

/**
 * Whatever was measured as a row, with its mean where that was more than once, for a spreadsheet or for scripts that read Model Analyzer's file: not
 * rounded to one decimal as there, an empty cell for what was not measured.
 */
export function renderCsv(result: Result): string {
  const concurrent = isConcurrent(result)
  const rows = result.models.flatMap((model) =>
    groupByConfiguration(model).flatMap((group) =>
      group.scenarios.map((scenario) => [
        ...row(model, group, scenario),
        ...(concurrent ? [besideText(scenario.load)] : []),
      ]),
    ),
  )
  const header = concurrent ? [...columns, besideColumn] : columns
  return [[...header], ...rows].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')
}

/** What else the server was asked for meanwhile; only where any model was measured so. */
const besideColumn = 'Concurrent Models'

/** More than any measurement has, and few enough that a division leaves no tail of nines. */
const significantDigits = 9

type Value = string | number | null

function row(model: ModelResult, { label, configuration }: Group, scenario: Scenario): Value[] {
  const { load } = scenario
  const value = (metric: MetricName, divisor: number) => {
    const measured = scenario.status === 'measured' ? scenario.metrics[metric]?.value : null
    return measured == null ? null : Number((measured / divisor).toPrecision(significantDigits))
  }
  return [
    model.name,
    batchSizeOf(load),
    load.mode === 'concurrency' ? load.concurrency : null,
    load.mode === 'concurrency' ? null : loadKey(ownLoad(load)),
    label,
    configuration.instanceCount,
    configuration.maxBatchSize,
    satisfies(scenario, model.constraints).replace('–', ''),
    value('inferPerSec', 1),
    value('latencyP99Ns', nsPerMs),
    value('latencyP95Ns', nsPerMs),
    value('latencyP90Ns', nsPerMs),
    value('latencyP50Ns', nsPerMs),
    value('serverQueueNs', nsPerMs),
    value('serverComputeInputNs', nsPerMs),
    value('serverComputeInferNs', nsPerMs),
    value('serverComputeOutputNs', nsPerMs),
    value('gpuMemoryBytes', 1e6),
  ]
}

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}
