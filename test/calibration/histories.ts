import { minSeriesLength, segment } from '../../src/stats/change-points.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import { type Noise, noises } from './noise.ts'

// Histories as the main branch leaves them, on the log scale: how often steps are seen that are none, and how soon those that are.

/** Noise about a constant level, in standard deviations. */
export const histories: Record<Noise, (random: Random) => () => number> = {
  ...Object.fromEntries(
    // noise.ts gives the side of a pair: √2 makes it one run.
    Object.entries(noises).map(([name, noise]) => [name, (random: Random) => noise(random, Math.SQRT2)]),
  ),
  // Here neighbours are runs, not the sides of a pair.
  'AR(1)': (random: Random) => {
    const rho = 0.7
    let state = random.normal()
    return () => {
      state = rho * state + Math.sqrt(1 - rho ** 2) * random.normal()
      return state
    }
  },
} as Record<Noise, (random: Random) => () => number>

interface Unchanged {
  readonly length: number
  readonly series: number
  readonly seed: number
}

/** Series without a step, at 3 % noise. */
function* unchanged(noise: Noise, { length, series, seed }: Unchanged): Generator<number[]> {
  const random = createRandom(seed)
  for (let each = 0; each < series; each++) {
    const next = histories[noise](random)
    yield Array.from({ length }, () => 0.03 * next())
  }
}

/** Steps per series, and the share of series with any, where there is none. */
export function falseSteps(
  noise: Noise,
  unchangedSeries: Unchanged,
): { readonly points: number; readonly flagged: number } {
  let [points, flagged] = [0, 0]
  for (const values of unchanged(noise, unchangedSeries)) {
    const found = segment(values).changePoints.length
    points += found
    if (found > 0) flagged++
  }
  return { points: points / unchangedSeries.series, flagged: flagged / unchangedSeries.series }
}

/**
 * A history that is looked at after every commit, from the first that is enough: the share of series that ever show a step where there
 * is none, and the share of looks that show one.
 */
export function everShown(
  noise: Noise,
  unchangedSeries: Unchanged,
): { readonly ever: number; readonly looks: number } {
  const { length, series } = unchangedSeries
  let [ever, shown] = [0, 0]
  for (const values of unchanged(noise, unchangedSeries)) {
    const before = shown
    for (let runs = minSeriesLength; runs <= length; runs++)
      if (segment(values.slice(0, runs)).changePoints.length > 0) shown++
    if (shown > before) ever++
  }
  return { ever: ever / series, looks: shown / (series * (length - minSeriesLength + 1)) }
}

export interface StepScene {
  /** Commits before the step. */
  readonly before: number
  readonly ratio: number
  readonly sd: number
  readonly series: number
  readonly seed: number
  readonly noise?: Noise
}

/** Share of series in which a step is seen after `commits` commits at the latest, the history looked at after each one. */
export function foundWithin(commits: number, scene: StepScene): number {
  const { before, ratio, sd, series, seed, noise = 'normal' } = scene
  const random = createRandom(seed)
  let found = 0
  for (let each = 0; each < series; each++) {
    const next = histories[noise](random)
    const values = Array.from(
      { length: before + commits },
      (_, index) => (index < before ? 0 : Math.log(ratio)) + sd * next(),
    )
    for (let after = 1; after <= commits; after++) {
      const { changePoints } = segment(values.slice(0, before + after))
      if (!changePoints.some(({ lastBefore, firstAfter }) => lastBefore < before && firstAfter >= before))
        continue
      found++
      break
    }
  }
  return found / series
}
