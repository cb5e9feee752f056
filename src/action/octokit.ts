import { getOctokit } from '@actions/github'
import { type Clock, NoAnswer, realClock, withRetries } from './retry.ts'

export type Octokit = ReturnType<typeof getOctokit>

export interface Patience {
  /** How long the whole of what is asked for may take, tries and waits together. */
  readonly totalMs: number
  /** No single answer takes this long; a hung one must not hold the report back. */
  readonly attemptMs?: number
  readonly clock?: Clock
}

const defaultAttemptMs = 30_000

/**
 * GitHub's REST and GraphQL interfaces with this token. Every request is asked again while that can help,
 * until the time of this client is over (`retry.ts`): POST only where it was refused, since a comment that is
 * written twice is seen twice.
 */
export function connect(token: string, patience: Patience): Octokit {
  const { totalMs, attemptMs = defaultAttemptMs, clock = realClock } = patience
  const deadlineMs = clock.nowMs() + totalMs
  const octokit = getOctokit(token)
  octokit.hook.wrap('request', (request, options) => {
    const { method, url } = options
    // A GraphQL query is a POST that changes nothing: this program sends no mutation.
    const repeatable = method !== 'POST' || url.endsWith('/graphql')
    const ask = async () => {
      const timeout = AbortSignal.timeout(Math.max(1, Math.min(attemptMs, deadlineMs - clock.nowMs())))
      try {
        // Changed in place: the hooks within are called with this very object, whatever is passed on here.
        options.request = { ...options.request, signal: timeout }
        const response = await request(options)
        if (isCutShort(response)) throw new NoAnswer(`the answer to ${method} ${url} broke off`)
        return response
      } catch (error) {
        if (timeout.aborted) throw new NoAnswer(`GitHub did not answer ${method} ${url} in time`)
        throw error
      }
    }
    return withRetries(ask, { repeatable, deadlineMs, clock })
  })
  return octokit
}

/** Octokit hands JSON that does not parse on as text, and what broke off as an empty one. */
function isCutShort({ status, headers, data }: { status: number; headers: object; data: unknown }): boolean {
  const type = 'content-type' in headers ? String(headers['content-type']) : ''
  return status < 300 && status !== 204 && typeof data === 'string' && type.includes('json')
}
