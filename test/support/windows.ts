import { nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import type { Window } from '../../src/load/generator.ts'
import { calmClient } from './client-health.ts'

/** A window of a healthy closed loop with the given latencies in ms. */
export function windowOf(latenciesMs: readonly number[], change: Partial<Window> = {}): Window {
  return {
    startNs: 0,
    durationNs: nsPerSecond,
    latenciesNs: Float64Array.from(latenciesMs, (ms) => ms * nsPerMs).sort(),
    completed: latenciesMs.length,
    issued: latenciesMs.length,
    failures: {},
    firstFailure: null,
    client: calmClient(),
    ...change,
  }
}
