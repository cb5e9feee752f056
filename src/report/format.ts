import { type MetricDefinition, type MetricName, metrics } from '../domain/metric.ts'
import { changeInWords, percentDigits, withMinus } from '../domain/words.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'

// The only place with ms, percent, MiB and digits. No locale: a report reads the same on every machine.

const minus = '−'
const mebibyte = 1024 ** 2

/** Three significant digits tell apart whatever a gate can; more would suggest a precision that no run has. */
const significantDigits = 3

/** Below this, decimals are noise of the clock: 0.0001 ms = 100 ns. */
const maxDecimals = 4

/** 12.0, 344, 0.0450: three significant digits, but never fewer than the integer part. */
export function formatNumber(value: number): string {
  if (value === 0) return '0'
  const rounded = Number(value.toPrecision(significantDigits))
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)))
  const decimals = Math.max(0, significantDigits - 1 - magnitude)
  if (decimals <= maxDecimals) return withMinus(value.toFixed(decimals))
  const fixed = value.toFixed(maxDecimals)
  return Number(fixed) === 0 ? `${value < 0 ? '>' + minus : '<'}0.0001` : withMinus(fixed)
}

export function formatMs(ns: number): string {
  return `${formatNumber(ns / nsPerMs)} ms`
}

export function formatThroughput(inferPerSec: number): string {
  return `${formatNumber(inferPerSec)} infer/s`
}

/** Binary units, as operating systems count memory. */
export function formatBytes(bytes: number): string {
  const mib = bytes / mebibyte
  if (Math.abs(mib) >= 1024) return `${formatNumber(mib / 1024)} GiB`
  if (Math.abs(mib) >= 1 || bytes === 0) return `${formatNumber(mib)} MiB`
  return `${formatNumber(bytes / 1024)} KiB`
}

/** Model Analyzer's MB of 1e6 bytes, for what a user of it wrote in that unit (`gpu_used_memory`). */
function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

/** 0.45 → `45.0 %`. */
export function formatPercent(share: number): string {
  return `${withMinus(percentDigits(share))} %`
}

/** `+120 % to +158 %` for a 95 % interval of a ratio of change. */
export function formatChangeInterval([low, high]: readonly [number, number]): string {
  return `${changeInWords(low)} to ${changeInWords(high)}`
}

/** How far a metric may go in its bad direction: `+5 %` for a latency, `−3 %` for throughput. */
export function formatTolerance(metric: MetricName, tolerance: number): string {
  if (tolerance === 0) return '0 %'
  const percent = Number((tolerance * 100).toFixed(2))
  return `${metrics[metric].better === 'lower' ? '+' : minus}${percent} %`
}

export function formatMetric(metric: MetricName, value: number): string {
  const unit: MetricDefinition['unit'] = metrics[metric].unit
  switch (unit) {
    case 'ns':
      return formatMs(value)
    case 'infer/s':
      return formatThroughput(value)
    case 'responses/s':
      return `${formatNumber(value)} responses/s`
    case 'bytes':
      return formatBytes(value)
    case 'ratio':
      return formatPercent(value)
    case 'W':
      return `${formatNumber(value)} W`
    case 'count':
      return formatNumber(value)
    default:
      return unit satisfies never
  }
}

/** The metric in the unit in which a constraint on it is written: ms, infer/s, and Model Analyzer's MB. */
export function formatConstrained(metric: MetricName, value: number): string {
  return metrics[metric].unit === 'bytes' ? formatMegabytes(value) : formatMetric(metric, value)
}

/** `42 s`, `5 min 03 s`, `1 h 02 min`. */
export function formatDuration(ns: number): string {
  const seconds = Math.round(ns / nsPerSecond)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`
}

/** `2026-03-14` of an ISO 8601 time. */
export function formatDate(iso: string): string {
  return iso.slice(0, 10)
}

/** `2026-03-14 09:26 UTC` of an ISO 8601 time in UTC; any other text as it is. */
export function formatTime(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, '$1 $2 UTC')
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
