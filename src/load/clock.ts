/**
 * ns on this thread's monotonic clock, with a fraction. A double, since process.hrtime.bigint() allocates;
 * its steps stay below 2 ns for three months. Threads have different zeros: hrtimeOf() translates.
 */
export function nowNs(): number {
  return performance.now() * 1e6
}

/** A time of nowNs() on the clock that all threads of the process share. */
export function hrtimeOf(atNs: number): bigint {
  return zeroHrtimeNs + BigInt(Math.round(atNs))
}

/** The reverse of hrtimeOf(). */
export function fromHrtime(hrtimeNs: bigint): number {
  return Number(hrtimeNs - zeroHrtimeNs)
}

/** Resolves not before `atNs`, and as little after it as the event loop allows. */
export async function until(atNs: number): Promise<void> {
  const sleepMs = Math.floor((atNs - nowNs()) / 1e6 - 1)
  if (sleepMs >= 1) await new Promise((resolve) => setTimeout(resolve, sleepMs))
  while (nowNs() < atNs) await new Promise(setImmediate)
}

/** Both clocks are CLOCK_MONOTONIC with a fixed distance; of several readings the one that nothing came between. */
const zeroHrtimeNs = Array.from({ length: 8 }, () => {
  const before = process.hrtime.bigint()
  const atNs = nowNs()
  const spanNs = process.hrtime.bigint() - before
  return { spanNs, zeroNs: before + spanNs / 2n - BigInt(Math.round(atNs)) }
}).reduce((best, each) => (each.spanNs < best.spanNs ? each : best)).zeroNs
