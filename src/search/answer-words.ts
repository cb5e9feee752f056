import type { Constraint, Objective } from '../config/config.ts'
import { describeConfiguration } from '../domain/configuration-words.ts'
import { loadLabel } from '../domain/load.ts'
import { metrics as definitions, type MetricName } from '../domain/metric.ts'
import { nsPerMs } from '../domain/world.ts'
import { excess } from './score.ts'
import type { Place, SearchMetrics } from './state.ts'

/** A place and what was measured there, in words. */
export function describe({
  configuration,
  load,
  metrics,
}: Place & { readonly metrics: SearchMetrics }): string {
  const numbers = numbersOf(metrics)
  return `${describeConfiguration(configuration)} at ${loadLabel(load)}${numbers.length === 0 ? '' : ` (${numbers.join(', ')})`}`
}

/** Throughput and p99, as far as they are known. */
export function numbersOf(metrics: SearchMetrics): string[] {
  return (['inferPerSec', 'latencyP99Ns'] as const).flatMap((name) => metricWords(name, metrics) ?? [])
}

/**
 * What was measured, as far as it matters to a search, as short as can be: throughput, p99 where no latency is limited, whatever
 * is limited, with the limit where it is broken, and what is sought. `299 infer/s, p99 latency 31.2 ms (limit 20 ms)`
 */
export function measurementWords(
  metrics: SearchMetrics,
  asked: { readonly objectives: readonly Objective[]; readonly constraints: readonly Constraint[] },
): string {
  const limited = asked.constraints.map(({ metric }) => metric)
  const isLatencyLimited = limited.some((metric) => metric.startsWith('latency'))
  const names = new Set<MetricName>([
    'inferPerSec',
    ...(isLatencyLimited ? [] : (['latencyP99Ns'] as const)),
    ...limited,
    ...asked.objectives.map(({ metric }) => metric),
  ])
  const words = [...names].flatMap((name) => {
    const broken = asked.constraints.filter(
      (constraint) => constraint.metric === name && excess(metrics, constraint) > 0,
    )
    const limits = broken.map(({ limit }) => `limit ${amount(name, limit)}`).join(', ')
    const value = metrics[name]
    if (value == null && broken.length === 0) return []
    const label = name === 'inferPerSec' && value != null ? '' : `${definitions[name].label} `
    const number = value == null ? 'not measured' : amount(name, value)
    return [`${label}${number}${limits === '' ? '' : ` (${limits})`}`]
  })
  return words.join(', ')
}

function metricWords(name: MetricName, metrics: SearchMetrics): string | null {
  const value = metrics[name]
  return value == null ? null : `${definitions[name].label} ${amount(name, value)}`
}

/** `perf_latency_p99 is 23 ms, at most 22 ms asked (4.5 % off)` */
export function violationWords(metrics: SearchMetrics, constraint: Constraint): string {
  const { name, metric } = constraint
  const value = metrics[metric]
  if (value == null) return `${name} was not measured (${limitWords(constraint)})`
  return `${name} is ${amount(metric, value)}, ${limitWords(constraint)} (${percent(excess(metrics, constraint))} off)`
}

function limitWords({ metric, bound, limit }: Constraint): string {
  return `${bound === 'max' ? 'at most' : 'at least'} ${amount(metric, limit)} asked`
}

function amount(name: MetricName, value: number): string {
  switch (definitions[name].unit) {
    case 'ns':
      return `${digits(value / nsPerMs)} ms`
    case 'bytes':
      return `${digits(value / 1e6)} MB`
    case 'ratio':
      return percent(value)
    default:
      return `${digits(value)} ${definitions[name].unit}`
  }
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

export function percent(ratio: number): string {
  return Number.isFinite(ratio)
    ? `${digits(Math.abs(ratio) * 100) === '0' ? '0' : (ratio * 100).toFixed(1)} %`
    : 'without bound'
}
