import type { Load } from '../domain/load.ts'
import { createRandom } from '../stats/random.ts'

export type OpenLoad = Extract<Load, { mode: 'requestRate' }>

/**
 * The times at which requests of an open loop are due, one per call, ascending from `startNs`: every
 * 1/rate, or with exponential gaps of that mean (a Poisson process), the same for the same seed. Times are
 * absolute, so that a late request does not put off the next ones.
 */
export function dueTimes(load: OpenLoad, startNs: number, seed: number): () => number {
  const periodNs = 1e9 / load.requestRate
  if (load.distribution === 'poisson') {
    const random = createRandom(seed)
    let dueNs = startNs
    return () => {
      dueNs += random.exponential() * periodNs
      return dueNs
    }
  }
  let index = 0
  // By multiplication: adding a rounded period up would drift.
  return () => startNs + index++ * periodNs
}
