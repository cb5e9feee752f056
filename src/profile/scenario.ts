import type { Configuration } from '../domain/configuration.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import {
  metrics as definitions,
  type MetricName,
  metricNames,
  reportedPercentiles,
} from '../domain/metric.ts'
import type { Metrics, MetricValue, Repetition, Scenario } from '../domain/scenario.ts'
import { mergeLatencies } from '../load/window.ts'
import { overRepetitions as composingOverRepetitions } from './composing.ts'
import { hostWarnings } from './host-warnings.ts'
import { meanInterval } from './interval.ts'
import { percentileValue } from './percentile-value.ts'
import { pooledResponsePercentiles, responseMetricNames } from './response-metrics.ts'
import { describeFailures, failedItself, type Measured, type Sample } from './sample.ts'
import { sendMetricNames, sendPercentiles } from './send-metrics.ts'
import { serverWarnings } from './server-counts.ts'

/**
 * Repetitions of one model under one load → a scenario. Percentiles are exact, over the samples of all valid
 * repetitions together, with a 95 % order-statistic interval; rates and averages are means over repetitions.
 */
export function toScenario(input: {
  readonly role: Scenario['role']
  readonly configuration: Configuration
  readonly load: Load
  readonly measured: readonly Measured[]
}): Scenario {
  const { role, configuration, load, measured } = input
  const repetitions = measured.map(({ repetition }) => repetition)
  const counted = countedOf(measured)
  const base = {
    role,
    configuration,
    load,
    repetitions,
    warnings: [
      ...warningsOf(measured),
      ...onePerKind(
        measured.filter(({ repetition }) => repetition.requests > 0),
        (sample) => serverWarnings(sample, load),
      ),
      ...doubtsOf(measured),
      ...onePerKind(measured, ({ composing }) => composing?.warnings ?? []),
      ...(role === 'gate' ? hostWarnings(repetitions) : []),
    ],
  }
  if (counted.length === 0) {
    const why = repetitions.flatMap((repetition) => repetition.voidReasons)[0] ?? 'not measured'
    return { ...base, status: 'failed', error: `${loadLabel(load)}: ${why}`, metrics: {} }
  }
  const samples = counted.map(({ sample }) => sample)
  const valid = counted.map(({ repetition }) => repetition)
  const latencies = mergeLatencies(samples.flatMap(({ windows }) => windows))
  const metrics = {
    ...scenarioMetrics(latencies, valid),
    ...pooledResponsePercentiles(samples.flatMap(({ windows }) => windows)),
    ...sendPercentiles(samples.flatMap(({ windows }) => windows)),
    gpuMemoryBytes: gpuMemoryValue(samples, valid),
    gpuDeviceMemoryBytes: withReason(
      overRepetitions('gpuDeviceMemoryBytes', valid),
      samples.flatMap(({ gpuDeviceMemory }) => gpuDeviceMemory?.source ?? []),
    ),
  }
  const composing = composingOverRepetitions(valid.flatMap((repetition) => [repetition.composing ?? []]))
  return { ...base, status: 'measured', metrics, ...(composing.length === 0 ? {} : { composing }) }
}

/**
 * The repetitions that make the scenario's numbers: the valid ones. Where every one was disturbed, those: the
 * numbers are shown with their warning, and as none is valid nothing is judged by them. A model that failed its
 * requests has no numbers.
 */
function countedOf(measured: readonly Measured[]): readonly Measured[] {
  const valid = measured.filter(({ repetition }) => repetition.status === 'valid')
  if (valid.length > 0) return valid
  return measured.filter(({ repetition }) => !failedItself(repetition) && repetition.requests > 0)
}

/** A scenario that could not be measured at all, with the server's own reason. */
export function failedScenario(
  role: Scenario['role'],
  configuration: Configuration,
  load: Load,
  error: string,
): Scenario {
  return { role, configuration, load, status: 'failed', error, metrics: {}, repetitions: [], warnings: [] }
}

/** A model that refuses every request may have been sent the wrong data: then the error says so. */
export function withAdvice(scenario: Scenario, advice: string | null): Scenario {
  const answered = scenario.repetitions.some(({ requests }) => requests > 0)
  if (scenario.status !== 'failed' || answered || advice === null) return scenario
  return { ...scenario, error: `${scenario.error ?? ''}; ${advice}` }
}

function scenarioMetrics(latencies: Float64Array, valid: readonly Repetition[]): Metrics {
  const percentiles = new Map<MetricName, number>(
    reportedPercentiles.map(({ name, percentile }) => [name, percentile]),
  )
  const decoupled = valid.some(({ metrics }) => metrics.responsesPerSec !== undefined)
  const names = metricNames.filter(
    (name) => (decoupled || !responseMetricNames.has(name)) && !sendMetricNames.has(name),
  )
  const entries = names.map((name) => {
    const percentile = percentiles.get(name)
    return [
      name,
      percentile === undefined
        ? overRepetitions(name, valid)
        : percentileValue(latencies, percentile, 'requests'),
    ]
  })
  return Object.fromEntries(entries) as Metrics
}

/** What each repetition gave as one number: the mean over them, memory and maxima as the highest. */
function overRepetitions(name: MetricName, valid: readonly Repetition[]): MetricValue | null {
  const { unit } = definitions[name]
  const values = valid
    .map((repetition) => repetition.metrics[name])
    .filter((value) => value !== null && value !== undefined)
  if (values.length === 0) return null
  const n = valid.reduce((sum, repetition) => sum + repetition.requests, 0)
  if (unit === 'bytes' || name === 'latencyMaxNs')
    return { value: Math.max(...values), interval: null, n, unit }
  const blocks =
    name === 'inferPerSec' && valid.length === 1
      ? valid[0]?.blocks.map((block) => block.inferPerSec)
      : undefined
  const { mean, interval } = meanInterval(values, blocks)
  return { value: mean, interval, n, unit }
}

/** The highest of the repetitions, and how it was read; null where the machine has no GPU to be read. */
function gpuMemoryValue(samples: readonly Sample[], valid: readonly Repetition[]): MetricValue | null {
  const readings = samples.flatMap(({ gpuMemory }) => gpuMemory ?? [])
  if (readings.length === 0) return null
  const measured = overRepetitions('gpuMemoryBytes', valid)
  const sources = readings.filter(({ bytes }) => measured === null || bytes !== null)
  return withReason(
    measured,
    sources.map(({ source }) => source),
  )
}

/** A value in bytes, or none, with how it was read or why it was not. */
function withReason(value: MetricValue | null, reasons: readonly string[]): MetricValue | null {
  if (reasons.length === 0) return value
  const reason = [...new Set(reasons)].join('; ')
  return { ...(value ?? { value: null, interval: null, n: 0, unit: 'bytes' }), reason }
}

/** In how many repetitions the two sources of GPU memory differed, and the first such difference. */
function doubtsOf(measured: readonly Measured[]): string[] {
  const doubted = measured.flatMap(({ sample }) => sample.gpuDoubts?.[0] ?? [])
  const [first] = doubted
  if (first === undefined) return []
  return [`GPU memory is in doubt in ${doubted.length} of ${measured.length} repetitions: ${first}`]
}

/** One sentence for each kind of trouble, with the figures of the repetition that shows it first. */
function onePerKind(
  measured: readonly Measured[],
  troubles: (sample: Sample) => readonly string[],
): string[] {
  const kinds = new Map<string, string>()
  for (const { sample, repetition } of measured) {
    for (const warning of troubles(sample)) {
      const kind = warning.replaceAll(/ \d+/g, '')
      if (!kinds.has(kind)) kinds.set(kind, `repetition ${repetition.index + 1}: ${warning}`)
    }
  }
  return [...kinds.values()]
}

function warningsOf(measured: readonly Measured[]): string[] {
  const repetitions = measured.map(({ repetition }) => repetition)
  const warnings: string[] = [...new Set(measured.flatMap(({ sample }) => sample.notes ?? []))]
  const voided = repetitions.filter((repetition) => repetition.status === 'void')
  if (voided.length > 0) {
    const reasons = [...new Set(voided.flatMap((repetition) => repetition.voidReasons))].join('; ')
    warnings.push(`${voided.length} of ${repetitions.length} repetitions were void: ${reasons}`)
  }
  const unsteady = repetitions.filter(({ warmUp }) => warmUp?.steady === false)
  const [first] = unsteady
  if (first !== undefined) {
    const which = `repetition ${first.index + 1}: ${first.warmUp?.reason}`
    warnings.push(
      `${unsteady.length} of ${repetitions.length} warm-ups did not become steady (${which}); a higher gate.warmup_seconds may help`,
    )
  }
  const failing = repetitions.filter(
    (repetition) => repetition.status === 'valid' && Object.keys(repetition.failures).length > 0,
  )
  for (const repetition of failing) {
    warnings.push(
      `repetition ${repetition.index + 1}: failed requests (${describeFailures(repetition.failures)})`,
    )
  }
  return warnings
}
