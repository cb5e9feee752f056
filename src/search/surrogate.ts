import { metrics as definitions, type MetricName } from '../domain/metric.ts'
import { type Features, type FeaturesOf, featuresOf } from './features.ts'
import { type Belief, type Mixture, type Regression, regress } from './gaussian.ts'
import type { Sample } from './hypotheses.ts'
import { otherKernels, rateKernels, stretchKernels } from './kernels.ts'
import { memoryHypotheses, otherHypotheses, rateHypotheses, stretchHypotheses } from './priors.ts'
import type { Place, SearchMetrics } from './state.ts'

/** What a measurement taught (or implies) about one place. */
export interface Observation extends Place {
  readonly metrics: SearchMetrics
  /** Relative standard deviation of throughput and latency here. */
  readonly noise: number
}

/** What is believed of a place: the natural log of its throughput, and how that of any metric follows from it. */
export interface Outlook {
  readonly rate: Mixture
  readonly relation: (metric: MetricName) => Relation
}

/** The outlook of any place. */
export interface Surrogate {
  (place: Place): Outlook
  /** Of the log throughput of `one` less that of `other`. */
  readonly rateDifference: (one: Place, other: Place) => Mixture
}

/** log metric = ofRate × log throughput + rest. */
interface Relation {
  readonly ofRate: -1 | 0 | 1
  readonly rest: Belief
}

const theRateItself: Relation = { ofRate: 1, rest: { mean: 0, sd: 0 } }

/**
 * What is known of a Triton model before and after measuring, as Gaussian processes on the log scale.
 *
 * Throughput: many closed loops and other shapes (priors.ts), each with smooth parts that learn how this model
 * differs, weighed by how well they foretold it. Latency: by Little's law its mean is outstanding / throughput, so only the
 * ratio of a percentile to that mean is learnt. Memory: a server and what each instance holds.
 */
export function fitSurrogate(observations: readonly Observation[]): Surrogate {
  const features = featuresOf(observations)
  const samples = samplesOf(observations, features, ({ metrics }) => log(metrics.inferPerSec))
  const rates = regress(samples, rateKernels, rateHypotheses)
  const fits = new Map<MetricName, Regression<Features>>()
  const fitOf = (metric: MetricName): Regression<Features> => {
    const known = fits.get(metric)
    if (known !== undefined) return known
    const made = metric.startsWith('latency')
      ? fitStretch(observations, features, metric)
      : fitOther(observations, features, metric)
    fits.set(metric, made)
    return made
  }
  const outlookOf = (place: Place): Outlook => {
    const x = features(place)
    const relation = (metric: MetricName): Relation => {
      if (metric === 'inferPerSec') return theRateItself
      const { mean, sd } = fitOf(metric).at(x)
      if (!metric.startsWith('latency')) return { ofRate: 0, rest: { mean, sd } }
      return { ofRate: -1, rest: { mean: mean + Math.log(x.inFlight * 1e9), sd } }
    }
    return { rate: rates.at(x), relation }
  }
  const rateDifference = (one: Place, other: Place): Mixture =>
    rates.difference(features(one), features(other))
  return Object.assign(outlookOf, { rateDifference })
}

/** The belief about the natural log of a metric. */
export function beliefOf({ rate, relation }: Outlook, metric: MetricName): Belief {
  const { ofRate, rest } = relation(metric)
  return { mean: ofRate * rate.mean + rest.mean, sd: Math.hypot(ofRate * rate.sd, rest.sd) }
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
): Regression<Features> {
  const samples = samplesOf(observations, features, (observation) => {
    const { metrics } = observation
    const latency = log(metrics[metric])
    const rate = log(metrics.inferPerSec)
    if (latency === null || rate === null) return null
    const stretch = latency + rate - Math.log(features(observation).inFlight * 1e9)
    return observation.load.mode === 'concurrency' ? stretch : Math.min(stretch, mostStretch)
  })
  return regress(samples, stretchKernels, stretchHypotheses)
}

function fitOther(
  observations: readonly Observation[],
  features: FeaturesOf,
  metric: MetricName,
): Regression<Features> {
  const samples = samplesOf(observations, features, ({ metrics }) => log(metrics[metric]))
  const isMemory = definitions[metric].unit === 'bytes'
  // Memory repeats to within a percent or so; utilization and power do not.
  const noise = isMemory ? 0.01 : 0.1
  return regress(
    samples.map((sample) => ({ ...sample, noise })),
    otherKernels,
    isMemory ? memoryHypotheses : otherHypotheses,
  )
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
