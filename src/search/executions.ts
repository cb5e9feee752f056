import { mean } from '../stats/robust.ts'

/** One execution as measured: of so many requests, while so many instances of all models were busy. */
export interface Execution {
  readonly requests: number
  readonly busy: number
  readonly ns: number
}

/**
 * How the time of an execution depends on its batch and on what else runs: ns = base × (fixed + (1 − fixed) × requests) × (1 +
 * contention × (busy − 1)).
 */
interface Shape {
  /** Share of the time of one request that a batch pays once. */
  readonly fixed: number
  /** How much another busy instance lengthens it: 0 where each has a processor of its own, 1 where they share one. */
  readonly contention: number
}

/**
 * Before anything is known of a model, a batch saves half of the time and instances hardly disturb each other: so more of
 * both is tried where requests wait, and what was measured then says better.
 */
const shapes: readonly (Shape & { readonly prior: number })[] = [0.05, 0.3, 0.5, 0.7, 0.95].flatMap((fixed) =>
  [
    [0, 0.4],
    [0.1, 0.3],
    [0.3, 0.15],
    [0.6, 0.1],
    [1, 0.05],
  ].map(([contention = 0, prior = 0]) => ({ fixed, contention, prior: fixed === 0.5 ? 2 * prior : prior })),
)

/** Relative spread of a measured time about its shape. */
const spread = 0.08

/** The time of an execution in ns for a batch and a number of busy instances, from those that were measured. */
export function executionTime(measured: readonly Execution[]): (requests: number, busy: number) => number {
  const fits = shapes.map((shape) => {
    const logs = measured.map(({ requests, busy, ns }) => Math.log(ns / factor(shape, requests, busy)))
    const base = mean(logs)
    const squares = logs.reduce((sum, log) => sum + (log - base) ** 2, 0)
    return { ...shape, base, weight: shape.prior * Math.exp(-squares / (2 * spread ** 2)) }
  })
  const total = fits.reduce((sum, { weight }) => sum + weight, 0)
  // Nothing fits: the least bad shape is as good as any.
  const weightOf = ({ weight, prior }: (typeof fits)[number]) => (total > 0 ? weight / total : prior)
  const averaged = (value: (fit: (typeof fits)[number]) => number) =>
    fits.reduce((sum, fit) => sum + weightOf(fit) * value(fit), 0)
  const shape = {
    fixed: averaged(({ fixed }) => fixed),
    contention: averaged(({ contention }) => contention),
  }
  const base = Math.exp(
    mean(measured.map(({ requests, busy, ns }) => Math.log(ns / factor(shape, requests, busy)))),
  )
  return (requests, busy) => base * factor(shape, requests, busy)
}

function factor({ fixed, contention }: Shape, requests: number, busy: number): number {
  return (fixed + (1 - fixed) * Math.max(1, requests)) * (1 + contention * Math.max(0, busy - 1))
}
