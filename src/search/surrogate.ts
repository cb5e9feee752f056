import { batchSizeOf } from '../domain/load.ts'
import { metrics as definitions, type MetricName } from '../domain/metric.ts'
import { type Belief, type Kernel, regress, type Sample } from './gaussian.ts'
import type { Place, SearchMetrics } from './state.ts'

/** What a measurement taught (or implies) about one place. */
export interface Observation extends Place {
  readonly metrics: SearchMetrics
  /** Relative standard deviation of throughput and latency here. */
  readonly noise: number
}

/** The belief about the natural logarithm of each metric at a place. */
export type Surrogate = (place: Place) => (metric: MetricName) => Belief

/** A place as numbers, each in octaves except the flag. `eff…` is what the load lets the configuration use. */
interface Features {
  readonly outstanding: number
  readonly instances: number
  readonly batch: number
  readonly delay: number
  readonly preferred: number
  readonly dynamic: number
  readonly effInstances: number
  readonly effBatch: number
  readonly clientBatch: number
}

/**
 * What is known of a Triton model before and after measuring, as one Gaussian process for each metric on the log scale.
 *
 * Throughput: prior mean = a closed loop that saturates (below); the linear and smooth parts learn how this
 * model differs. Latency: by Little's law its mean is outstanding / throughput, so only the
 * ratio of a percentile to that mean is learnt. Everything else (memory): linear in the configuration, plus a smooth part.
 */
export function fitSurrogate(observations: readonly Observation[]): Surrogate {
  const rateAt = fitRate(observations)
  const fits = new Map<MetricName, (x: Features) => Belief>()
  const fitOf = (metric: MetricName): ((x: Features) => Belief) => {
    const known = fits.get(metric)
    if (known !== undefined) return known
    const made = metric.startsWith('latency')
      ? fitStretch(observations, metric)
      : fitOther(observations, metric)
    fits.set(metric, made)
    return made
  }
  return (place) => {
    const x = features(place)
    const rate = rateAt(x)
    return (metric) => {
      if (metric === 'inferPerSec') return rate
      const belief = fitOf(metric)(x)
      if (!metric.startsWith('latency')) return belief
      return {
        mean: belief.mean + Math.log(2 ** x.outstanding * 1e9) - rate.mean,
        sd: Math.hypot(belief.sd, rate.sd),
      }
    }
  }
}

function fitRate(observations: readonly Observation[]): (x: Features) => Belief {
  const samples = samplesOf(observations, ({ metrics }) => log(metrics.inferPerSec))
  const level = mean(samples.map(({ x, y }) => y - closedLoop(x)))
  return regress(samples, {
    mean: (x) => level + closedLoop(x),
    kernels: rateKernels,
    hypotheses: rateHypotheses,
  })
}

/** log(latency × throughput / outstanding): 0 for the mean latency of a steady closed loop, more for a tail. */
function fitStretch(observations: readonly Observation[], metric: MetricName): (x: Features) => Belief {
  const samples = samplesOf(observations, (observation) => {
    const { metrics } = observation
    const latency = log(metrics[metric])
    const rate = log(metrics.inferPerSec)
    if (latency === null || rate === null) return null
    return latency + rate - Math.log(2 ** features(observation).outstanding * 1e9)
  })
  const level = samples.length === 0 ? 0.3 : mean(samples.map(({ y }) => y))
  return regress(samples, { mean: () => level, kernels: stretchKernels, hypotheses: stretchHypotheses })
}

function fitOther(observations: readonly Observation[], metric: MetricName): (x: Features) => Belief {
  const samples = samplesOf(observations, ({ metrics }) => log(metrics[metric]))
  // Memory repeats to within a percent or so; utilization and power do not.
  const noise = definitions[metric].unit === 'bytes' ? 0.01 : 0.1
  const slope = definitions[metric].unit === 'bytes' ? 0.3 : 0
  const prior = (x: Features): number => slope * (x.instances + x.batch / 2)
  const level = mean(samples.map(({ x, y }) => y - prior(x)))
  return regress(
    samples.map((sample) => ({ ...sample, noise })),
    { mean: (x) => level + prior(x), kernels: otherKernels, hypotheses: otherHypotheses },
  )
}

/**
 * Prior mean of log throughput, up to a constant: a closed loop delivers one inference for each outstanding one
 * and service time, until the capacity is reached. Capacity is taken to grow with the square root of instances and of
 * the executed batch: halfway, on the log scale, between "does not help" and "helps in full".
 */
function closedLoop(x: Features): number {
  const capacity = 2 ** ((x.effInstances + x.effBatch) / 2 + 1)
  return -Math.log(2 ** -x.outstanding + 1 / capacity)
}

const constant: Kernel<Features> = () => 1
const smoothEff: Kernel<Features> = (a, b) => smooth(effDistance(a, b))
const smoothRaw: Kernel<Features> = (a, b) => smooth(rawDistance(a, b) + loadDistance(a, b))
/** Configurations differ within half an octave; loads do not. */
const shortRaw: Kernel<Features> = (a, b) => smooth(6 * rawDistance(a, b) + loadDistance(a, b))

// Variances of natural logs.
const rateKernels: readonly Kernel<Features>[] = [
  constant,
  (a, b) => a.effInstances * b.effInstances + a.effBatch * b.effBatch,
  smoothEff,
  smoothRaw,
  shortRaw,
]
const rateHypotheses = [
  [1, 0.04, 0.3 ** 2, 0.02 ** 2],
  [1, 0.04, 0.6 ** 2, 0.05 ** 2],
  [1, 0.04, 0.5 ** 2, 0.2 ** 2],
  [1, 0.04, 0.5 ** 2, 0.6 ** 2],
  [1, 0.04, 0.2 ** 2, 1],
  [1, 0.04, 0.2 ** 2, 0.5 ** 2, 0.6 ** 2],
]

const stretchKernels = [constant, smoothEff, smoothRaw]
const stretchHypotheses = [
  [0.3 ** 2, 0.1 ** 2, 0.03 ** 2],
  [0.3 ** 2, 0.3 ** 2, 0.2 ** 2],
]

const otherKernels: readonly Kernel<Features>[] = [
  constant,
  (a, b) => a.instances * b.instances + (a.batch * b.batch) / 2,
  (a, b) => smooth(rawDistance(a, b)),
]
const otherHypotheses = [[1, 0.3 ** 2, 0.15 ** 2]]

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

function features({ configuration, load }: Place): Features {
  const clientBatch = batchSizeOf(load)
  const requests = load.mode === 'concurrency' ? load.concurrency : 1
  const instances = configuration.instanceCount ?? 1
  const batch = Math.max(1, configuration.maxBatchSize)
  // A queue that is not batched runs requests as they come, and no batch holds more than is outstanding.
  const largest = configuration.dynamicBatching
    ? Math.max(clientBatch, Math.min(batch, (requests * clientBatch) / Math.min(instances, requests)))
    : clientBatch
  return {
    outstanding: Math.log2(requests * clientBatch),
    instances: Math.log2(instances),
    batch: Math.log2(batch),
    delay: Math.log2(1 + (configuration.maxQueueDelayMicroseconds ?? 0) / 100),
    preferred: Math.log2(1 + Math.max(0, ...(configuration.preferredBatchSizes ?? []))),
    dynamic: configuration.dynamicBatching ? 1 : 0,
    effInstances: Math.log2(Math.min(instances, requests)),
    effBatch: Math.log2(largest),
    clientBatch: Math.log2(clientBatch),
  }
}

function samplesOf(
  observations: readonly Observation[],
  target: (observation: Observation) => number | null,
): Sample<Features>[] {
  return observations.flatMap((observation) => {
    const y = target(observation)
    return y === null ? [] : [{ x: features(observation), y, noise: observation.noise }]
  })
}

function log(value: number | null | undefined): number | null {
  return value != null && value > 0 ? Math.log(value) : null
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
