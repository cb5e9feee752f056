import type { Belief, Mixture } from './gaussian.ts'

/** What is at stake: slope × R + rest, against `floor`, and only where R reaches `least`. */
export interface Stake {
  readonly slope: number
  readonly rest: Belief
  readonly floor: number
  /** What the constraints ask of R, itself not known to a point. */
  readonly least: Belief
}

/**
 * For R of a mixture of normals: the mean of max(0, slope × R + rest − floor) where R ≥ least and of 0 elsewhere, and the
 * probability that R ≥ least. Expected improvement (Jones, Schonlau, Welch 1998, eq. 15) under a constraint on the very
 * number that is to improve: what is fast enough to be better mostly is fast enough for its limit too, so that the two chances
 * must not be multiplied. And the mean over the mixture is not that of one normal with its mean and spread: what one model in
 * twenty expects far above the floor is worth a look.
 */
export function expectedGain(
  { means, sds, shares }: Mixture,
  { slope, rest, floor, least }: Stake,
): { readonly gain: number; readonly chance: number } {
  const even = slope > 0 ? (floor - rest.mean) / slope : 0
  const scatter = slope > 0 ? rest.sd / slope : 0
  let gain = 0
  let chance = 0
  for (let i = 0; i < shares.length; i++) {
    const [share, mean, sd] = [shares[i] ?? 0, means[i] ?? 0, sds[i] ?? 0]
    chance += share * probabilityAbove((mean - least.mean) / Math.max(Math.hypot(sd, least.sd), leastWidth))
    if (slope > 0) {
      const width = Math.max(Math.hypot(sd, scatter), leastWidth)
      gain += share * slope * meanAbove(mean, width, even, least)
    }
  }
  // What does not depend on R at all, such as memory.
  return { gain: slope > 0 ? gain : expectedExcess(rest, floor) * chance, chance }
}

/** The chance that slope × R + rest is above 0. */
export function chanceAbove({ means, sds, shares }: Mixture, slope: number, rest: Belief): number {
  let chance = 0
  for (let i = 0; i < shares.length; i++) {
    const [share, mean, sd] = [shares[i] ?? 0, means[i] ?? 0, sds[i] ?? 0]
    const width = Math.max(Math.hypot(slope * sd, rest.sd), leastWidth)
    chance += share * probabilityAbove((slope * mean + rest.mean) / width)
  }
  return chance
}

const leastWidth = 1e-9
/** A limit known as well as this is a point. */
const wellKnown = 0.01
/** The three-point Gauss–Hermite rule. */
const root3 = Math.sqrt(3)

/** Mean of max(0, X − even) where X ≥ least too, for X of this mean and standard deviation. */
function meanAbove(mean: number, sd: number, even: number, least: Belief): number {
  if (least.sd < wellKnown || least.mean + root3 * least.sd <= even)
    return partialMean(mean, sd, even, Math.max(even, least.mean))
  const at = (limit: number): number => partialMean(mean, sd, even, Math.max(even, limit))
  const offset = root3 * least.sd
  return (at(least.mean - offset) + 4 * at(least.mean) + at(least.mean + offset)) / 6
}

/** Mean of X − even where X ≥ limit, which is even or above, and of 0 elsewhere. */
function partialMean(mean: number, sd: number, even: number, limit: number): number {
  const z = (mean - limit) / sd
  if (z < -farOut) return 0
  if (z > farOut) return mean - even
  const density = normalDensity(z)
  return (mean - even) * lowerTail(z, density) + sd * density
}

/** The mean of max(0, X − floor) for a normal X: expected improvement (Jones, Schonlau, Welch 1998, eq. 15). */
export function expectedExcess({ mean, sd }: Belief, floor: number): number {
  return sd === 0 ? Math.max(0, mean - floor) : Math.max(0, partialMean(mean, sd, floor, floor))
}

/** Beyond so many standard deviations a thousandth of one is expected at most. */
const farOut = 3.5

function probabilityAbove(z: number): number {
  if (z > farOut || z < -farOut) return z > 0 ? 1 : 0
  return lowerTail(z, normalDensity(z))
}

/** P(Z ≤ z) to 1e-7 (Abramowitz & Stegun 26.2.17): a search asks for a hundred thousand at each step. */
function lowerTail(z: number, density: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z > 0 ? 1 - density * polynomial : density * polynomial
}

const densityAt0 = 1 / Math.sqrt(2 * Math.PI)

function normalDensity(z: number): number {
  return densityAt0 * Math.exp(-(z * z) / 2)
}
