import type { Features } from './features.ts'
import { type Kernels, kernelsOf } from './gaussian.ts'

/** How throughput at one place tells of another. */
const rateKernelNames = [
  /** Everywhere alike. */
  'level',
  /** Straight, and smooth, in what the load lets execute. */
  'straight',
  'executed',
  /** Alike only where nearly the same executes at once. */
  'working',
  /** Smooth in configuration and load; and where configurations differ within half an octave. */
  'near',
  'sharp',
  /** By configuration, the same at every load. */
  'configuration',
  /** Each dimension by itself. */
  'additive',
  /** By what can be in execution at once, however it is divided into instances and batches. */
  'together',
  /** Straight and curved in any direction across the configurations: a response surface of the second order. */
  'surface',
  /** Each batch size, and each instance count, for itself: what suits a GPU kernel or a cache is no matter of more or less. */
  'eachBatch',
  'eachCount',
  /** Each step to a larger batch, and to a higher count, changes everything from there on. */
  'fromBatch',
  'fromCount',
] as const

type RateKernel = (typeof rateKernelNames)[number]

export const rateKernels: Kernels<Features> = { count: rateKernelNames.length, from: rateCovariances }

/** In the order of `rateKernels`, from the standard deviations of those that count. */
export function rateVariances(sds: Readonly<Partial<Record<RateKernel, number>>>): number[] {
  return rateKernelNames.map((name) => (sds[name] ?? 0) ** 2)
}

function rateCovariances(a: Features): (b: Features, into: Float64Array) => void {
  // What only the configurations decide is kept while the configuration stays: a search asks for it load after load.
  let last: Features | null = null
  const kept = { near: 0, sharp: 0, alike: 0, additive: 0, together: 0, surface: 0 }
  return (b, into) => {
    if (last === null || !sameShape(last, b)) {
      last = b
      kept.alike = smooth(rawDistance(a, b))
      kept.near = smooth(distance(a, b, usedBatch(a) - usedBatch(b)))
      kept.sharp = kept.near ** 6
      kept.additive =
        smooth(((a.instances - b.instances) / 1.2) ** 2) +
        smooth(((a.batch - b.batch) / 2) ** 2) +
        smooth((a.dynamic - b.dynamic) ** 2) / 4
      kept.together = smooth(((a.instances + a.batch - b.instances - b.batch) / 2) ** 2)
      kept.surface = (1 + (a.instances * b.instances) / 2.25 + (a.batch * b.batch) / 6.25) ** 2
    }
    const load = smooth(loadDistance(a, b))
    into[0] = 1
    into[1] = a.effInstances * b.effInstances + a.effBatch * b.effBatch
    into[2] = smooth(effDistance(a, b))
    into[3] = into[2] ** 6
    into[4] = kept.near * load
    into[5] = kept.sharp * load
    into[6] = kept.alike
    into[7] = kept.additive
    into[8] = kept.together
    into[9] = kept.surface
    into[10] = a.dynamic === b.dynamic && usedBatch(a) === usedBatch(b) ? 1 : 0
    into[11] = a.instances === b.instances ? 1 : 0
    into[12] = Math.min(a.effBatch, b.effBatch)
    into[13] = Math.min(a.instances, b.instances)
  }
}

function sameShape(a: Features, b: Features): boolean {
  return (
    a.instances === b.instances &&
    a.batch === b.batch &&
    a.dynamic === b.dynamic &&
    a.delay === b.delay &&
    a.preferred === b.preferred &&
    a.clientBatch === b.clientBatch
  )
}

/** Of a percentile against the mean latency: everywhere alike; smooth in what the load lets execute; smooth in configuration and load. */
export const stretchKernels: Kernels<Features> = kernelsOf<Features>([
  () => 1,
  (a, b) => smooth(effDistance(a, b)),
  (a, b) => smooth(rawDistance(a, b) + loadDistance(a, b)),
])

/** Of any other metric: everywhere alike; straight and smooth in the configuration. */
export const otherKernels: Kernels<Features> = kernelsOf<Features>([
  () => 1,
  (a, b) => a.instances * b.instances + (a.batch * b.batch) / 2,
  (a, b) => smooth(rawDistance(a, b)),
])

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
  return distance(a, b, a.batch - b.batch)
}

/** Without dynamic batching a batch is what a request holds, whatever max_batch_size allows. */
function usedBatch({ dynamic, batch, clientBatch }: Features): number {
  return dynamic === 1 ? batch : clientBatch
}

function distance(a: Features, b: Features, batches: number): number {
  return (
    ((a.instances - b.instances) / 1.5) ** 2 +
    (batches / 2.5) ** 2 +
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
