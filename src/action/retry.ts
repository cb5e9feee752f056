import { messageOf } from '../domain/error.ts'
import { statusOf } from './http-status.ts'

/** What waiting needs of the world; a test gives virtual time. */
export interface Clock {
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
}

export const realClock: Clock = {
  nowMs: Date.now,
  sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
  random: Math.random,
}

/** An answer that broke off, was cut short, or did not come in time. */
export class NoAnswer extends Error {}

/** First wait after a failure that says nothing of waiting; doubled each time, so five of them span half a minute. */
const firstDelayMs = 1000
/** GitHub's advice for its secondary limits where the answer names no time: "wait for at least one minute". */
const secondaryLimitMs = 60_000
/** More tries of a server that is down only add to its load. */
const maxRetries = 5

/**
 * How long to wait before asking again; null where asking again cannot help.
 *
 * A rate limit is a 429, or a 403 that says so: by `retry-after`, by an empty `x-ratelimit-remaining`, or in
 * words. Any other 403 is a missing permission. Everything else below 500 is an answer.
 *
 * @param retries how often it was asked again already
 * @param repeatable false for what must not be done twice: then only a refusal is asked again, which has done nothing
 */
export function retryDelayMs(
  error: unknown,
  retries: number,
  repeatable: boolean,
  { nowMs, random }: Pick<Clock, 'nowMs' | 'random'>,
): number | null {
  if (retries >= maxRetries) return null
  // Jobs of one matrix are refused at the same moment, and must not come back at the same moment.
  const backoffMs = firstDelayMs * 2 ** retries * (1 + random())
  const status = statusOf(error)
  if (status === 403 || status === 429) return rateLimitMs(error, status, backoffMs, nowMs())
  const unanswered = error instanceof NoAnswer || status === null || status >= 500
  return unanswered && repeatable ? backoffMs : null
}

function rateLimitMs(error: unknown, status: number, backoffMs: number, nowMs: number): number | null {
  const headers = headersOf(error)
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  if (Number.isFinite(seconds)) return seconds * 1000 + backoffMs
  if (headers['x-ratelimit-remaining'] === '0') {
    const resetMs = Number(headers['x-ratelimit-reset'] ?? Number.NaN) * 1000
    return Number.isFinite(resetMs) ? Math.max(0, resetMs - nowMs) + backoffMs : secondaryLimitMs
  }
  if (/secondary rate limit|abuse detection/i.test(messageOf(error))) return secondaryLimitMs
  return status === 429 ? backoffMs : null
}

/**
 * Asks until there is an answer, asking again cannot help, or the deadline would pass while waiting.
 *
 * @throws the last error
 */
export async function withRetries<T>(
  ask: () => Promise<T>,
  options: { repeatable: boolean; deadlineMs: number; clock: Clock },
): Promise<T> {
  const { repeatable, deadlineMs, clock } = options
  for (let retries = 0; ; retries++) {
    try {
      return await ask()
    } catch (error) {
      const delayMs = retryDelayMs(error, retries, repeatable, clock)
      if (delayMs === null || clock.nowMs() + delayMs > deadlineMs) throw error
      await clock.sleep(delayMs)
    }
  }
}

function headersOf(error: unknown): Readonly<Record<string, string | undefined>> {
  const response = typeof error === 'object' && error !== null && 'response' in error ? error.response : null
  return (response as { headers?: Record<string, string> } | null)?.headers ?? {}
}
