import { type Landscape, optimum, replay, shareOfOptimum } from '../../src/search/replay.ts'
import { violation } from '../../src/search/score.ts'
import type { Place } from '../../src/search/state.ts'
import { type Family, landscape } from './landscapes.ts'

/** What an answer is to reach at each noise within 15 measurements, as shares of the constrained optimum. */
export const bars = [
  { noise: 0, least: 0.97, worst: 0.85 },
  { noise: 0.03, least: 0.95, worst: 0.85 },
  { noise: 0.1, least: 0.9, worst: 0.75 },
] as const

/** Measurements of a search that is judged. */
export const judgedBudget = 15

/** The family's landscapes of these seeds that have an optimum: somewhere all constraints hold. */
export function scenesOf(family: Family, seeds: readonly number[]): Landscape[] {
  return seeds.map((seed) => landscape(family, seed)).filter((scene) => optimum(scene) !== null)
}

/**
 * Share of the constrained optimum; a best that violates a constraint beyond noise (3 standard deviations of a mean of
 * two) is worth nothing, one within it is not worth more than the optimum.
 */
export function worth(scene: Landscape, answer: Place | null, noise: number): number {
  const metrics = answer && scene.measure(answer.configuration, answer.load)
  if (!metrics || violation(metrics, scene.constraints) > 3 * noise) return 0
  return Math.min(1, shareOfOptimum(scene, answer) ?? 0)
}

/** What the quick search's answers are worth, from worst to best. */
export function quickWorths(scenes: readonly Landscape[], noise: number): number[] {
  return judged(scenes, noise).map(({ share }) => share)
}

/** The landscapes with what the quick search's answer is worth on each, from worst to best. */
export function judged(
  scenes: readonly Landscape[],
  noise: number,
): { readonly scene: Landscape; readonly share: number }[] {
  return scenes
    .map((scene, seed) => {
      const { answer } = replay('quick', scene, { maxMeasurements: judgedBudget, noise, seed })
      return { scene, share: worth(scene, answer, noise) }
    })
    .sort((a, b) => a.share - b.share)
}

/**
 * True where all that is worth `bar` keeps a limit by less than the noise of one measurement: whether it holds is then a matter
 * of luck, and an answer must hold its limits as measured.
 */
export function isOnLimit(scene: Landscape, bar: number, noise: number): boolean {
  const constraints = scene.constraints.map((constraint) => {
    // Memory is measured without noise.
    if (constraint.metric === 'gpuMemoryBytes') return constraint
    return { ...constraint, limit: constraint.limit * (constraint.bound === 'max' ? 1 - noise : 1 + noise) }
  })
  const safe = optimum({ ...scene, constraints })
  return safe === null || (shareOfOptimum(scene, safe) ?? 0) < bar
}

export function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
