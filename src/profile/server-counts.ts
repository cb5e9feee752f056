import type { Load } from '../domain/load.ts'
import type { Repetition } from '../domain/scenario.ts'
import type { Sample } from './sample.ts'

/** What of the server's statistics is kept as it was counted. */
export function serverCounts({ server, windows }: Sample): Pick<Repetition, 'serverCounts'> {
  if (server.status === 'unavailable') return {}
  const { times } = server
  return {
    serverCounts: {
      succeeded: times.requestCount,
      failed: times.failCount,
      sent: sentIn(windows),
      cacheHits: times.cacheHitCount,
      cacheMisses: times.cacheMissCount,
      cacheHitNs: times.cacheHitNs,
      cacheMissNs: times.cacheMissNs,
      batches: [...times.batches],
    },
  }
}

/** A backend counts a batch after it has answered it: in an open loop no more is known of how many that may be. */
const notYetCounted = 64

/**
 * What in a sample's statistics does not fit, one sentence each. More requests than were sent void the repetition
 * (`other_clients`); fewer leave it valid, since client latency and throughput do not rest on them.
 */
export function serverWarnings({ server, windows }: Sample, load: Load): string[] {
  if (server.status === 'unavailable') return [`no times of the server: ${server.reason}`]
  const { requestCount, failCount, problem } = server.times
  const counted = requestCount + failCount
  const sent = sentIn(windows)
  // Of a request that failed nobody knows here whether the server ever counted it.
  const failed = windows
    .flatMap(({ failures }) => Object.values(failures))
    .reduce((sum, count) => sum + count, 0)
  const open = load.mode === 'concurrency' ? load.concurrency : notYetCounted
  const missing = sent - failed - open > counted * 1.01
  return [
    ...(problem === null ? [] : [problem]),
    ...(missing
      ? [
          `the server counted ${counted} requests of ${sent} that were sent (${failed} failed): its times are those of the counted ones`,
        ]
      : []),
  ]
}

/** Requests that the server counted and that were not sent from here: its numbers are not ours alone. */
export function otherClients(server: Sample['server'], windows: Sample['windows']): string[] {
  if (server.status === 'unavailable' || windows.length === 0) return []
  const counted = server.times.requestCount + server.times.failCount
  const sent = windows.reduce((sum, { mayHaveIssued = 0 }) => sum + mayHaveIssued, sentIn(windows))
  // A health check now and then disturbs nobody.
  if (counted <= sent * 1.01 + 2) return []
  return [`other_clients: the server counted ${counted} requests, ${sent} were sent from here`]
}

function sentIn(windows: Sample['windows']): number {
  return windows.reduce((sum, { issued }) => sum + issued, 0)
}
