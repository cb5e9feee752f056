import type { ClientHealth } from '../../src/domain/scenario.ts'

/** An instrument that was never near its limits, but for `change`. */
export function calmClient(change: Partial<ClientHealth> = {}): ClientHealth {
  const thread = {
    eventLoopUtilization: 0.2,
    eventLoopDelayP99Ns: 100_000,
    eventLoopGapNs: 12_000_000,
    gcPauseNs: 1_000_000,
    gcPauseMaxNs: 500_000,
  }
  return {
    ...thread,
    cpuNsPerRequest: 50_000,
    lateRatio: 0,
    achievedRatio: null,
    connections: 1,
    threads: [thread],
    threadsReason: 'one was enough',
    saturated: false,
    problems: [],
    ...change,
  }
}

/** One whose only thread was always busy. */
export function saturatedClient(): ClientHealth {
  return calmClient({
    eventLoopUtilization: 0.97,
    saturated: true,
    problems: ['client_saturated: a load thread was busy for 97 % of the time (limit 90 %)'],
  })
}
