import { GateError } from '../domain/error.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'

const unitsNs: Readonly<Record<string, number>> = {
  ms: nsPerMs,
  s: nsPerSecond,
  m: 60 * nsPerSecond,
  min: 60 * nsPerSecond,
  h: 3600 * nsPerSecond,
}

/**
 * A duration in ns from `90s`, `1.5m`, `250ms`, `1h` or a sum such as `1m30s`. The unit is never guessed:
 * a bare number is an error, since seconds and milliseconds are too easily taken for each other.
 *
 * @throws GateError `usage`
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|[smh])\s*/gy)]
  const read = parts.reduce((length, [part]) => length + part.length, 0)
  const ns = Math.round(
    parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitsNs[unit ?? ''] ?? 0), 0),
  )
  if (parts.length === 0 || read !== text.trim().length || ns <= 0 || !Number.isSafeInteger(ns)) {
    throw new GateError('usage', `${JSON.stringify(text)} is not a duration`, {
      hint: 'Write a number above 0 with its unit: 300s, 5m, 1m30s, 500ms or 1h.',
    })
  }
  return ns
}
