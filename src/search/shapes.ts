import type { Features } from './features.ts'

/** A form that a number may follow, and how likely it is before anything was measured. */
export interface Shape {
  readonly of: (x: Features) => number
  readonly prior: number
}

/** Equally likely ones that share `whole`. */
function alike(whole: number, of: readonly ((x: Features) => number)[]): Shape[] {
  return of.map((each) => ({ of: each, prior: whole / of.length }))
}

/**
 * Prior mean of log throughput, up to a constant: a closed loop delivers one inference for each outstanding one
 * and service time, until the capacity is reached. Capacity is taken to grow with the square root of instances and of
 * the executed batch: halfway, on the log scale, between "does not help" and "helps in full".
 */
export function halfway(x: Features): number {
  const capacity = 2 * Math.sqrt(x.busy * x.executed)
  return -Math.log(1 / x.inFlight + 1 / capacity)
}

/** Share of the belief that an execution becomes quicker all at once from some batch on, as where a GPU kernel fits it. */
const jumpShare = 0.2
/** Share of the belief that instances lose all at once from some count on, as where a cache or memory is full. */
const cliffShare = 0.2

/**
 * Time of an execution, in units of that of one inference alone: a share of that is paid once, the rest for each inference;
 * or it grows with a power of the batch.
 */
const executionTimes: readonly Shape[] = [
  ...alike(1 - jumpShare, [
    ...[0.1, 0.5, 0.8, 0.95].map((fixed) => (x: Features) => fixed + (1 - fixed) * x.executed),
    ...[0.4, 0.8].map((gain) => (x: Features) => x.executed ** (1 - gain)),
  ]),
  ...alike(
    jumpShare,
    [2, 4, 8, 16, 32].map(
      (from) => (x: Features) => (0.1 + 0.9 * x.executed) / (x.executed >= from ? 1.7 : 1),
    ),
  ),
]

/** k busy instances do the work of k / (1 + contention × (k − 1) + crosstalk × k × (k − 1)) (Gunther 1993). */
function shared(contention: number, crosstalk: number) {
  return ({ busy: k }: Features): number => k / (1 + contention * (k - 1) + crosstalk * k * (k - 1))
}

/** Work that the busy instances do, in units of one. */
const scalings: readonly Shape[] = [
  ...alike(
    1 - cliffShare,
    [
      [0, 0],
      [0.2, 0],
      [0.6, 0],
      [1, 0],
      [0.1, 0.05],
      [0.1, 0.15],
    ].map(([contention = 0, crosstalk = 0]) => shared(contention, crosstalk)),
  ),
  ...alike(
    cliffShare,
    [1, 2, 3, 4, 5].map((fit) => {
      const scaling = shared(0.05, 0)
      return (x: Features) => scaling(x) * (x.instanceCount > fit ? 0.65 : 1)
    }),
  ),
]

interface Loop {
  readonly network: number
  /** Sharpness of the knee between the latency-bound and the capacity-bound part. */
  readonly knee: 1 | 2 | 5
  readonly collapse?: number
}

/** Log throughput, up to a constant, of a closed loop before instances that execute so. */
function closedLoop(
  time: Shape,
  scaling: Shape,
  { network, knee, collapse = Number.POSITIVE_INFINITY }: Loop,
) {
  return (x: Features): number => {
    const execution = time.of(x)
    const unloaded = (network + execution) / x.inFlight
    const bound = execution / (scaling.of(x) * x.executed)
    const most = Math.max(unloaded, bound)
    const ratio = Math.min(unloaded, bound) / most
    const squared = ratio * ratio
    // Ten times as quick as a power with a variable exponent.
    const bend = knee === 1 ? ratio : knee === 2 ? squared : squared * squared * ratio
    return -Math.log(most * (1 + x.inFlight / collapse)) - Math.log1p(bend) / knee
  }
}

/** Time outside of the execution, in its units; the knee; and what is outstanding where a server of too many requests does half. */
const loops = [
  { network: 0, knee: 1 },
  { network: 0.2, knee: 2 },
  { network: 0, knee: 5 },
  { network: 0.5, knee: 5 },
  { network: 0.2, knee: 5, collapse: 60 },
  { network: 0.2, knee: 5, collapse: 300 },
] as const

export const closedLoops: readonly Shape[] = executionTimes.flatMap((time) =>
  scalings.flatMap((scaling) =>
    loops.map((loop) => ({
      of: closedLoop(time, scaling, loop),
      prior: (time.prior * scaling.prior) / loops.length,
    })),
  ),
)

/**
 * Log throughput, up to a constant, where a configuration has a capacity that grows with powers of its instances and of its
 * batch, and the load an effect of its own: half of the capacity is reached at `half` outstanding, or at so many for each that
 * can execute at once.
 */
function apart(of: { half: number; each: boolean; instances: number; batch: number; always: boolean }) {
  return (x: Features): number => {
    const batch = of.always || x.dynamic === 1 ? x.batch : 0
    const half = of.each ? of.half * x.instanceCount * 2 ** batch : of.half
    return Math.LN2 * (of.instances * x.instances + of.batch * batch) - Math.log1p(half / x.inFlight)
  }
}

const powers = [
  [0, 0],
  [0.5, 0],
  [1, 0],
  [0, 0.4],
  [0.5, 0.4],
  [1, 0.4],
  [0.5, 0.8],
  [1, 0.8],
]

export const loadsApart: readonly Shape[] = [
  ...[1, 2, 4, 8, 16, 32].map((half) => ({ half, each: false, share: 1 / 12 })),
  ...[0.15, 0.4, 1].map((half) => ({ half, each: true, share: 1 / 6 })),
].flatMap(({ half, each, share }) =>
  powers.flatMap(([instances = 0, batch = 0]) =>
    // Whether max_batch_size tells anything without dynamic batching.
    [true, false].map((always) => ({
      of: apart({ half, each, instances, batch, always }),
      // That nothing is known of the powers is as likely as any three others.
      prior: (share * (instances + batch === 0 ? 3 : 1)) / 20,
    })),
  ),
)

/** Log memory, up to a constant: the server, and for each instance its weights (1) and what the largest batch takes. */
export const memories: readonly ((x: Features) => number)[] = [0.01, 0.5, 1.5, 4, 12].flatMap((server) =>
  [0, 0.003, 0.01, 0.03, 0.1, 0.3, 1].map(
    (perItem) => (x: Features) => Math.log(server + x.instanceCount * (1 + perItem * x.maxBatchSize)),
  ),
)
