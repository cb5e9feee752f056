import { batchSizeOf } from '../domain/load.ts'
import { metrics as definitions, type MetricName } from '../domain/metric.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { type Belief, type Hypothesis, regress, type Sample } from './gaussian.ts'
import {
  type Features,
  otherKernels,
  otherVariances,
  rateHypotheses,
  rateKernels,
  stretchKernels,
  stretchVariances,
} from './priors.ts'
import type { Place, SearchMetrics } from './state.ts'

/** What a measurement taught (or implies) about one place. */
export interface Observation extends Place {
  readonly metrics: SearchMetrics
  /** Relative standard deviation of throughput and latency here. */
  readonly noise: number
}

/** The belief about the natural logarithm of each metric at a place. */
export type Surrogate = (place: Place) => (metric: MetricName) => Belief

/**
 * What is known of a Triton model before and after measuring, as one Gaussian process for each metric on the log scale.
 *
 * Throughput: many closed loops and other shapes (priors.ts), each with smooth parts that learn how this model
 * differs, weighed by how well they foretold it. Latency: by Little's law its mean is outstanding / throughput, so only the
 * ratio of a percentile to that mean is learnt. Everything else (memory): linear in the configuration, plus a smooth part.
 */
export function fitSurrogate(observations: readonly Observation[]): Surrogate {
  const features = featuresOf(observations)
  const rateAt = fitRate(observations, features)
  const fits = new Map<MetricName, (x: Features) => Belief>()
  const fitOf = (metric: MetricName): ((x: Features) => Belief) => {
    const known = fits.get(metric)
    if (known !== undefined) return known
    const made = metric.startsWith('latency')
      ? fitStretch(observations, features, metric)
      : fitOther(observations, features, metric)
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
        mean: belief.mean + Math.log(x.inFlight * 1e9) - rate.mean,
        sd: Math.hypot(belief.sd, rate.sd),
      }
    }
  }
}

function fitRate(observations: readonly Observation[], features: FeaturesOf): (x: Features) => Belief {
  const samples = samplesOf(observations, features, ({ metrics }) => log(metrics.inferPerSec))
  return regress(samples, rateKernels, levelled(samples, rateHypotheses))
}

/** The hypotheses with their means shifted to the samples' level, since only what a mean says of differences is meant. */
function levelled(
  samples: readonly Sample<Features>[],
  hypotheses: readonly Hypothesis<Features>[],
): Hypothesis<Features>[] {
  const levels = new Map<Hypothesis<Features>['mean'], Hypothesis<Features>['mean']>()
  return hypotheses.map((hypothesis) => {
    const shape = hypothesis.mean
    const known = levels.get(shape)
    if (known !== undefined) return { ...hypothesis, mean: known }
    const level = mean(samples.map(({ x, y }) => y - shape(x)))
    const shifted = (x: Features): number => level + shape(x)
    levels.set(shape, shifted)
    return { ...hypothesis, mean: shifted }
  })
}

/**
 * An open loop beyond capacity queues for as long as it is measured: by how much says nothing of any other place, and a
 * number out of all proportion would make the belief about every place wide.
 */
const mostStretch = Math.log(20)

/** log(latency × throughput / outstanding): 0 for the mean latency of a steady closed loop, more for a tail. */
function fitStretch(
  observations: readonly Observation[],
  features: FeaturesOf,
  metric: MetricName,
): (x: Features) => Belief {
  const samples = samplesOf(observations, features, (observation) => {
    const { metrics } = observation
    const latency = log(metrics[metric])
    const rate = log(metrics.inferPerSec)
    if (latency === null || rate === null) return null
    const stretch = latency + rate - Math.log(features(observation).inFlight * 1e9)
    return observation.load.mode === 'concurrency' ? stretch : Math.min(stretch, mostStretch)
  })
  const level = samples.length === 0 ? 0.3 : mean(samples.map(({ y }) => y))
  const flat = (): number => level
  return regress(
    samples,
    stretchKernels,
    stretchVariances.map((variances) => ({ mean: flat, variances })),
  )
}

function fitOther(
  observations: readonly Observation[],
  features: FeaturesOf,
  metric: MetricName,
): (x: Features) => Belief {
  const samples = samplesOf(observations, features, ({ metrics }) => log(metrics[metric]))
  // Memory repeats to within a percent or so; utilization and power do not.
  const noise = definitions[metric].unit === 'bytes' ? 0.01 : 0.1
  const slope = definitions[metric].unit === 'bytes' ? 0.3 : 0
  const prior = (x: Features): number => slope * (x.instances + x.batch / 2)
  return regress(
    samples.map((sample) => ({ ...sample, noise })),
    otherKernels,
    levelled(samples, [{ mean: prior, variances: otherVariances }]),
  )
}

type FeaturesOf = (place: Place) => Features

/** An execution on a GPU is seldom longer; only before anything was measured. */
const guessedLatencyNs = 10 * nsPerMs

/**
 * An open loop as the closed loop that it is before anything queues: by Little's law as many requests are under way as come
 * in while one is answered by an idle server, for which the shortest latency seen stands.
 */
function featuresOf(observations: readonly Observation[]): FeaturesOf {
  const latencies = observations.flatMap(
    ({ metrics: { latencyAvgNs, latencyP50Ns, latencyP99Ns } }) =>
      latencyAvgNs ?? latencyP50Ns ?? latencyP99Ns ?? [],
  )
  const idleNs = latencies.length === 0 ? guessedLatencyNs : Math.min(...latencies)
  return (place) => features(place, idleNs)
}

function features({ configuration, load }: Place, idleNs: number): Features {
  const clientBatch = batchSizeOf(load)
  const requests = load.mode === 'concurrency' ? load.concurrency : (load.requestRate * idleNs) / nsPerSecond
  const instances = configuration.instanceCount ?? 1
  const batch = Math.max(1, configuration.maxBatchSize)
  // A queue that is not batched runs requests as they come, and no batch holds more than is outstanding.
  const largest = configuration.dynamicBatching
    ? Math.max(clientBatch, Math.min(batch, (requests * clientBatch) / Math.min(instances, requests)))
    : clientBatch
  const busy = Math.min(instances, Math.max(1, requests))
  return {
    outstanding: Math.log2(requests * clientBatch),
    instances: Math.log2(instances),
    batch: Math.log2(batch),
    delay: Math.log2(1 + (configuration.maxQueueDelayMicroseconds ?? 0) / 100),
    preferred: Math.log2(1 + Math.max(0, ...(configuration.preferredBatchSizes ?? []))),
    dynamic: configuration.dynamicBatching ? 1 : 0,
    effInstances: Math.log2(busy),
    effBatch: Math.log2(largest),
    clientBatch: Math.log2(clientBatch),
    inFlight: requests * clientBatch,
    busy,
    executed: largest,
  }
}

function samplesOf(
  observations: readonly Observation[],
  features: FeaturesOf,
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
