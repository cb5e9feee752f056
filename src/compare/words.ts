import { type MetricDefinition, type MetricName, metrics } from '../domain/metric.ts'
import { percentDigits } from '../domain/words.ts'
import { nsPerMs } from '../domain/world.ts'

// Numbers in the sentences of a verdict. No locale: a verdict reads the same on every machine.

/** `41.2 ms`, `351 infer/s`, `812 MiB`. */
export function inWords(metric: MetricName, value: number): string {
  const unit: MetricDefinition['unit'] = metrics[metric].unit
  switch (unit) {
    case 'ns':
      return `${digits(value / nsPerMs)} ms`
    case 'infer/s':
      return `${digits(value)} infer/s`
    case 'responses/s':
      return `${digits(value)} responses/s`
    case 'bytes':
      return `${digits(value / 2 ** 20)} MiB`
    case 'ratio':
      return `${digits(value * 100)} %`
    case 'W':
      return `${digits(value)} W`
    case 'count':
      return digits(value)
    default:
      return unit satisfies never
  }
}

/** A share: 0.05 → `5 %`. */
export function shareInWords(share: number): string {
  return `${Number(percentDigits(share))} %`
}

/** Three significant digits, and never fewer than the integer part. */
function digits(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  if (size >= 1) return value.toFixed(2)
  return String(Number(value.toPrecision(3)))
}
