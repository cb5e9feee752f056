import type { Hypothesis, Kernel } from './gaussian.ts'

/** A place as numbers, each in octaves except the flag. `eff…` is what the load lets the configuration use. */
export interface Features {
  readonly outstanding: number
  readonly instances: number
  readonly batch: number
  readonly delay: number
  readonly preferred: number
  readonly dynamic: number
  readonly effInstances: number
  readonly effBatch: number
  readonly clientBatch: number
  /** Counts, not octaves: what is outstanding, and what of it executes. */
  readonly inFlight: number
  readonly busy: number
  readonly executed: number
}

/**
 * Prior mean of log throughput, up to a constant: a closed loop delivers one inference for each outstanding one
 * and service time, until the capacity is reached. Capacity is taken to grow with the square root of instances and of
 * the executed batch: halfway, on the log scale, between "does not help" and "helps in full".
 */
function halfway(x: Features): number {
  const capacity = 2 * Math.sqrt(x.busy * x.executed)
  return -Math.log(1 / x.inFlight + 1 / capacity)
}

/** How a model may execute, in units of the time of one inference alone. */
interface Execution {
  /** Share of that time that a batch pays once; the rest is paid for each of its inferences. */
  readonly fixed: number
  /** k busy instances do the work of k / (1 + contention × (k − 1) + crosstalk × k × (k − 1)) (Gunther 1993). */
  readonly contention: number
  readonly crosstalk: number
  /** Time outside of the execution. */
  readonly network: number
  /** Sharpness of the knee between the latency-bound and the capacity-bound part. */
  readonly knee: 2 | 5
}

/**
 * Log throughput, up to a constant, of a closed loop before instances that execute so. A search spends most of its time
 * here.
 */
function closedLoop({ fixed, contention, crosstalk, network, knee }: Execution) {
  return ({ inFlight, busy, executed }: Features): number => {
    const execution = fixed + (1 - fixed) * executed
    const unloaded = (network + execution) / inFlight
    const bound =
      (execution * (1 + contention * (busy - 1) + crosstalk * busy * (busy - 1))) / (busy * executed)
    const most = Math.max(unloaded, bound)
    const ratio = Math.min(unloaded, bound) / most
    const squared = ratio * ratio
    const bend = knee === 2 ? squared : squared * squared * ratio
    return -Math.log(most) - Math.log1p(bend) / knee
  }
}

/** Log throughput, up to a constant, where the load has an effect of its own, half of it reached at `half` outstanding. */
function apart(half: number) {
  return ({ inFlight }: Features): number => -Math.log1p(half / inFlight)
}

const constant: Kernel<Features> = () => 1
const smoothEff: Kernel<Features> = (a, b) => smooth(effDistance(a, b))
const smoothRaw: Kernel<Features> = (a, b) => smooth(rawDistance(a, b) + loadDistance(a, b))
/** Configurations differ within half an octave; loads do not. */
const shortRaw: Kernel<Features> = (a, b) => smooth(6 * rawDistance(a, b) + loadDistance(a, b))
/** The same at every load. */
const configuration: Kernel<Features> = (a, b) => smooth(rawDistance(a, b))
/** Each dimension by itself. */
const additive: Kernel<Features> = (a, b) =>
  smooth(((a.instances - b.instances) / 1.2) ** 2) +
  smooth(((a.batch - b.batch) / 2) ** 2) +
  smooth((a.dynamic - b.dynamic) ** 2) / 4
/** What can be in execution at once, however it is divided into instances and batches. */
const together: Kernel<Features> = (a, b) =>
  smooth(((a.instances + a.batch - b.instances - b.batch) / 2) ** 2)
/** Straight and curved in any direction across the configurations: a response surface of the second order. */
const surface: Kernel<Features> = (a, b) =>
  (1 + (a.instances * b.instances) / 2.25 + (a.batch * b.batch) / 6.25) ** 2

// Variances of natural logs.
export const rateKernels: readonly Kernel<Features>[] = [
  constant,
  (a, b) => a.effInstances * b.effInstances + a.effBatch * b.effBatch,
  smoothEff,
  smoothRaw,
  shortRaw,
  configuration,
  additive,
  together,
  surface,
]
const halfwayVariances = [
  [1, 0.04, 0.3 ** 2, 0.02 ** 2, 0, 0, 0, 0],
  [1, 0.04, 0.6 ** 2, 0.05 ** 2, 0, 0, 0, 0],
  [1, 0.04, 0.5 ** 2, 0.2 ** 2, 0, 0, 0, 0],
  [1, 0.04, 0.5 ** 2, 0.6 ** 2, 0, 0, 0, 0],
  [1, 0.04, 0.2 ** 2, 1, 0, 0, 0, 0],
  [1, 0.04, 0.2 ** 2, 0.5 ** 2, 0.6 ** 2, 0, 0, 0],
]
const executionVariances = [
  [1, 0, 0.1 ** 2, 0.03 ** 2, 0.03 ** 2, 0, 0, 0],
  [1, 0, 0.3 ** 2, 0.1 ** 2, 0.05 ** 2, 0, 0, 0],
]
const apartVariances = [
  [1, 0, 0.05 ** 2, 0, 0, 0.1 ** 2, 0.6 ** 2, 0],
  [1, 0, 0.05 ** 2, 0, 0, 0.3 ** 2, 0, 0.8 ** 2],
  [1, 0, 0.05 ** 2, 0, 0, 0.8 ** 2, 0, 0],
  [1, 0, 0.05 ** 2, 0, 0, 0.3 ** 2, 0, 0, 0.15 ** 2],
]
const executions = [0.1, 0.5, 0.8, 0.95].flatMap((fixed) =>
  [
    [0, 0],
    [0.2, 0],
    [0.6, 0],
    [1, 0],
    [0.1, 0.05],
    [0.1, 0.15],
  ].flatMap(([contention = 0, crosstalk = 0]) =>
    [0, 0.5].flatMap((network) =>
      ([2, 5] as const).map((knee) => closedLoop({ fixed, contention, crosstalk, network, knee })),
    ),
  ),
)
export const rateHypotheses: readonly Hypothesis<Features>[] = [
  ...halfwayVariances.map((variances, i) => ({ mean: halfway, variances, doubt: i >= 3 })),
  ...executions.flatMap((mean) => executionVariances.map((variances) => ({ mean, variances }))),
  ...[1, 2, 4, 8, 16, 32]
    .map(apart)
    .flatMap((mean) => apartVariances.map((variances) => ({ mean, variances }))),
]

export const stretchKernels = [constant, smoothEff, smoothRaw]
export const stretchVariances = [
  [0.3 ** 2, 0.1 ** 2, 0.03 ** 2],
  [0.3 ** 2, 0.3 ** 2, 0.2 ** 2],
]

export const otherKernels: readonly Kernel<Features>[] = [
  constant,
  (a, b) => a.instances * b.instances + (a.batch * b.batch) / 2,
  (a, b) => smooth(rawDistance(a, b)),
]
export const otherVariances = [1, 0.3 ** 2, 0.15 ** 2]

function effDistance(a: Features, b: Features): number {
  return (
    ((a.effInstances - b.effInstances) / 1.5) ** 2 +
    ((a.effBatch - b.effBatch) / 2.5) ** 2 +
    loadDistance(a, b) +
    ((a.clientBatch - b.clientBatch) / 2.5) ** 2 +
    ((a.delay - b.delay) / 3) ** 2
  )
}

function rawDistance(a: Features, b: Features): number {
  return (
    ((a.instances - b.instances) / 1.5) ** 2 +
    ((a.batch - b.batch) / 2.5) ** 2 +
    ((a.delay - b.delay) / 3) ** 2 +
    ((a.preferred - b.preferred) / 2) ** 2 +
    (a.dynamic - b.dynamic) ** 2
  )
}

function loadDistance(a: Features, b: Features): number {
  return ((a.outstanding - b.outstanding) / 2) ** 2
}

function smooth(squaredDistance: number): number {
  return Math.exp(-squaredDistance / 2)
}
