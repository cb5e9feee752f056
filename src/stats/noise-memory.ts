import { mean, sumOf } from './robust.ts'

// Steps, or noise whose neighbours resemble each other? Both look alike in few values.

/** A hundredth of the scores' own: a series without noise, such as memory in whole pages, is not known any better. */
export const minVariance = 0.01

/**
 * What independent noise about the levels must be more likely by, as twice the log likelihood ratio, than an AR(1) process about one
 * level. Few values cannot tell a step from noise with a memory: the fewer, the more it takes for the step to be believed.
 * By calibration (docs/history.md): AR(1) noise with ρ = 0.7 shows a step in fewer than one of five series, and of the steps of 5 % at 3 %
 * of independent noise, after 20 runs, five in 100 are lost by it.
 */
const leastEvidence = (n: number) => Math.max(0, 5.7 - 4.5 * Math.log(n / 28))
/**
 * And by each step beyond the first: noise with a memory that is cut into levels makes many. About 3 ln n, the price of a step in
 * Zhang & Siegmund's criterion (2007, Biometrics 63).
 */
const evidenceOfFurtherStep = 12

/**
 * Whether levels with independent noise about them explain a series better than one level and noise that remembers.
 * @param levels how many
 * @param residual squared distances to them
 */
export function isBetterThanMemory(scores: readonly number[], levels: number, residual: number): boolean {
  if (levels < 2) return true
  const n = scores.length
  const evidence = n * Math.log(squaresOfAutoregression(scores) / Math.max(n * minVariance, residual))
  return evidence >= leastEvidence(n) + evidenceOfFurtherStep * (levels - 2)
}

/** What a regression of each value on the one before leaves, as of as many squares as there are values. */
function squaresOfAutoregression(values: readonly number[]): number {
  const n = values.length
  const [before, after] = [values.slice(0, -1), values.slice(1)]
  const [meanBefore, meanAfter] = [mean(before), mean(after)]
  let [xx, xy, yy] = [0, 0, 0]
  for (const [index, value] of before.entries()) {
    const [x, y] = [value - meanBefore, (after[index] as number) - meanAfter]
    xx += x * x
    xy += x * y
    yy += y * y
  }
  const explained = xx === 0 ? 0 : Math.max(0, xy) ** 2 / xx
  return ((yy - explained) * n) / (n - 1)
}

/**
 * In standard deviations. A large step beats one level with any noise, and takes with it the steps that noise with a memory was cut into:
 * then what is left remembers yet. Two cost one step in 100, and leave a third of those.
 */
const leastMemory = 2

/** Whether neighbours resemble each other about their levels by more than chance. */
export function remembers(scores: readonly number[], starts: readonly number[]): boolean {
  return rhoBeside(scores, starts) > leastMemory / Math.sqrt(scores.length)
}

/**
 * The correlation of neighbours about their level. That the levels are estimated makes products of neighbours smaller by σ²/length each,
 * which is put back.
 */
export function rhoBeside(scores: readonly number[], starts: readonly number[]): number {
  const n = scores.length
  let [products, squares, lost] = [0, 0, 0]
  for (const [index, start] of starts.entries()) {
    const part = scores.slice(start, starts[index + 1] ?? n)
    const level = mean(part)
    const residuals = part.map((score) => score - level)
    squares += sumOf(residuals, (residual) => residual ** 2)
    products += sumOf(residuals.slice(1), (residual, before) => residual * (residuals[before] as number))
    lost += (part.length - 1) / part.length
  }
  const variance = squares / (n - starts.length)
  return (products + variance * lost) / (Math.max(minVariance, variance) * (n - starts.length))
}
