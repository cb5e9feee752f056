import type { RequestLog } from '../load/request-log.ts'

/** A load's windows with what was logged in them. */
export interface LoggedLoad {
  readonly loadKey: string
  readonly windows: readonly { readonly durationNs: number; readonly log?: RequestLog }[]
}

const columns = ['load', 'window', 'window_ns', 'due_ns', 'sent_ns', 'end_ns', 'failure'] as const

/**
 * Every request that was sent in the measured windows, their lead-ins and lead-outs, as a row (RFC 4180). Times in ns from
 * the start of the row's window, whose length is `window_ns`; `sent_ns` is empty where a request could not be sent,
 * `failure` (a gRPC status name, `reset`, `deadline`, `connection` …) where it succeeded.
 */
export function renderRequestLog(loads: readonly LoggedLoad[]): string {
  const lines = [columns.join(',')]
  for (const { loadKey, windows } of loads) {
    // Its only special character is the comma.
    const load = loadKey.includes(',') ? `"${loadKey}"` : loadKey
    for (const [index, { durationNs, log }] of windows.entries()) {
      if (log === undefined) continue
      for (const [row, endNs] of log.endNs.entries()) {
        const sentNs = log.sentNs[row] ?? Number.NaN
        const failure = log.failures[log.failure[row] ?? -1] ?? ''
        const sent = Number.isNaN(sentNs) ? '' : sentNs
        lines.push([load, index, durationNs, log.dueNs[row], sent, endNs, failure].join(','))
      }
    }
  }
  return `${lines.join('\r\n')}\r\n`
}
