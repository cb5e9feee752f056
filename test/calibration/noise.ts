import type { Random } from '../../src/stats/random.ts'

/**
 * The noise of one side's repetition on the log scale, as a series over repetitions and sides in the order in which they are
 * measured. Each has a standard deviation of `sd / √2` between the sides of a pair, so that a pair's log ratio spreads by `sd`.
 */
export type NoiseSeries = (random: Random, sd: number) => () => number

const perSide = (draw: (random: Random) => number): NoiseSeries => {
  return (random, sd) => () => (sd / Math.SQRT2) * draw(random)
}

/** How strongly the machine's speed at one measurement resembles that at the one before. */
const correlation = 0.7
/** A server start that lands on the slow node (or in the slow memory layout), and how often. */
const slowShare = 0.15

export const noises = {
  normal: perSide((random) => random.normal()),
  /** Skewed: now and then a repetition is hit hard, on the slow side. */
  'log-normal': perSide(
    (random) =>
      (Math.exp(0.8 * random.normal()) - Math.exp(0.32)) / Math.sqrt(Math.exp(1.28) - Math.exp(0.64)),
  ),
  /** Most of the noise is whether a server start is a slow one. */
  'bimodal-node': perSide((random) => {
    const slow = random.uniform() < slowShare ? 1 : 0
    const bimodal = (slow - slowShare) / Math.sqrt(slowShare * (1 - slowShare))
    return Math.sqrt(0.8) * bimodal + Math.sqrt(0.2) * random.normal()
  }),
  /** The machine drifts: AR(1) over the measurements as they follow each other, reference and candidate in turns. */
  'AR(1)': (random, sd) => {
    let state = random.normal()
    return () => {
      state = correlation * state + Math.sqrt(1 - correlation ** 2) * random.normal()
      // Neighbours differ by √(2 (1 − ρ)) standard deviations.
      return (sd / Math.sqrt(2 * (1 - correlation))) * state
    }
  },
  /** Student's t with 3 degrees of freedom: one in 70 lies beyond three standard deviations. */
  'heavy-tailed': perSide((random) => {
    const chiSquare = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2
    return random.normal() / Math.sqrt(chiSquare / 3) / Math.sqrt(3)
  }),
} as const satisfies Record<string, NoiseSeries>
export type Noise = keyof typeof noises
