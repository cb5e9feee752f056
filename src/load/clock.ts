/**
 * ns on this thread's monotonic clock, with a fraction. A double, since process.hrtime.bigint() allocates;
 * its steps stay below 2 ns for three months. Threads have different zeros: hrtimeOf() translates.
 */
export function nowNs(): number {
  return performance.now() * 1e6
}

/** A time of nowNs() on the clock that all threads of the process share. */
export function hrtimeOf(atNs: number): bigint {
  return process.hrtime.bigint() - BigInt(Math.round(nowNs() - atNs))
}
