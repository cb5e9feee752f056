import type { Features } from './features.ts'
import type { Hypothesis, Straying } from './hypotheses.ts'
import { rateVariances } from './kernels.ts'
import { closedLoops, halfway, loadsApart, memories, type Shape } from './shapes.ts'

// Standard deviations of natural logs.
const vague = [
  { level: 1, straight: 0.2, executed: 0.3, near: 0.02 },
  { level: 1, straight: 0.2, executed: 0.6, near: 0.05 },
  { level: 1, straight: 0.2, executed: 0.5, near: 0.2 },
].map(rateVariances)
/**
 * Vague ones that expect what no queue does: each configuration, or each batch size and instance count, for itself. To one of them
 * max_batch_size tells of itself without dynamic batching too: a doubt that takes for alike what was measured to differ makes a tie of it.
 */
const doubtful = [
  { level: 1, straight: 0.2, executed: 1 },
  { level: 1, straight: 0.2, executed: 0.3, working: 0.6 },
  { level: 1, straight: 0.2, executed: 0.3, configuration: 0.6 },
  { level: 1, straight: 0.2, executed: 0.2, near: 1 },
  { level: 1, straight: 0.2, executed: 0.2, near: 0.5, sharp: 0.6 },
  { level: 1, executed: 0.3, near: 0.1, fromBatch: 0.5, fromCount: 0.5 },
].map(rateVariances)
/** A closed loop that some shape describes to within some percent, to within some tens, or but for what suits the hardware. */
const nearLoop = [
  { level: 1, executed: 0.1, near: 0.03, sharp: 0.03 },
  { level: 1, executed: 0.3, near: 0.1, sharp: 0.05 },
  { level: 1, executed: 0.1, near: 0.03, sharp: 0.03, eachBatch: 0.2, eachCount: 0.2 },
  { level: 1, executed: 0.1, near: 0.03, sharp: 0.03, fromBatch: 0.35, fromCount: 0.35 },
].map(rateVariances)
/** Configurations alike along one dimension, along instances × batch, each by itself, or on a curved surface. */
const byConfiguration = [
  { level: 1, executed: 0.05, configuration: 0.1, additive: 0.6 },
  { level: 1, executed: 0.05, configuration: 0.3, together: 0.8 },
  { level: 1, executed: 0.05, configuration: 0.8 },
  { level: 1, executed: 0.05, configuration: 0.3, surface: 0.15 },
].map(rateVariances)

function strayings(sets: readonly (readonly number[])[], noises: readonly number[] = [1]): Straying[] {
  return sets.flatMap((variances) => noises.map((noise) => ({ variances, noise })))
}

function hypotheses(
  whole: number,
  shapes: readonly Shape[],
  ways: readonly Straying[],
): Hypothesis<Features>[] {
  const total = shapes.reduce((sum, { prior }) => sum + prior, 0)
  return shapes.map(({ of, prior }) => ({ shape: of, strayings: ways, prior: (whole * prior) / total }))
}

/**
 * The spread of repeated measurements is known from few pairs, if any: most are quieter than the default, or some noisier.
 * Weighed against each other, shapes are told apart by a percent where they can be.
 */
const noises = [0.2, 1.5]
/** What is believed to be a closed loop, what to be something else, and what is left is vague. */
const [loopShare, apartShare] = [0.65, 0.3]

export const rateHypotheses: readonly Hypothesis<Features>[] = [
  { shape: halfway, strayings: strayings(vague), prior: 0.025 },
  { shape: halfway, strayings: strayings(doubtful), prior: 0.025, doubt: true },
  ...hypotheses(loopShare, closedLoops, strayings(nearLoop, noises)),
  ...hypotheses(apartShare, loadsApart, strayings(byConfiguration, noises)),
]

export const stretchHypotheses: readonly Hypothesis<Features>[] = [
  {
    // Before anything was measured a p99 is taken to be a third above the mean.
    shape: () => 0.3,
    strayings: strayings([
      [0.3 ** 2, 0.1 ** 2, 0.03 ** 2],
      [0.3 ** 2, 0.3 ** 2, 0.2 ** 2],
    ]),
    prior: 1,
  },
]

const anyOther = strayings([[1, 0.3 ** 2, 0.15 ** 2]])
const nearMemory = strayings([[1, 0, 0.05 ** 2]])

export const memoryHypotheses: readonly Hypothesis<Features>[] = [
  { shape: ({ instances, batch }) => 0.3 * (instances + batch / 2), strayings: anyOther, prior: 0.2 },
  ...memories.map((shape) => ({ shape, strayings: nearMemory, prior: 0.8 / memories.length })),
]

export const otherHypotheses: readonly Hypothesis<Features>[] = [
  { shape: () => 0, strayings: anyOther, prior: 1 },
]
