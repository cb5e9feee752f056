import type { Constraint, ModelSettings } from '../config/config.ts'
import { latencyPercentiles, type MetricName, metrics } from '../domain/metric.ts'
import type { ConstraintResult } from '../domain/result.ts'
import {
  gatedScenarios,
  type ModelMeasurement,
  positives,
  type Scenario,
  validRepetitions,
} from '../domain/scenario.ts'
import { confidenceInterval, pairedEstimate } from '../stats/paired.ts'

/**
 * The user's budgets and constraints on the committed configuration.
 *
 * An upper limit (latency, memory) holds at every gated load. A lower limit on something that is better when higher
 * (`min_throughput`, `perf_throughput`) is a floor on what the model can do: it is judged at the gated load with the
 * highest value, as Model Analyzer asks for one measurement that reaches it. At concurrency 1 no model
 * reaches the throughput that it is deployed for.
 */
export function judgeConstraints(settings: ModelSettings, model: ModelMeasurement): ConstraintResult[] {
  const scenarios = gatedScenarios(model)
  return settings.constraints.flatMap((constraint) =>
    scenariosFor(constraint, scenarios).map((scenario) => judgeConstraint(constraint, scenario)),
  )
}

/** Whether more repetitions could not change what a budget says: neither a close call nor a percentile that is still to come. */
export function isSettled({ status, close }: ConstraintResult): boolean {
  return (status === 'pass' || status === 'fail') && !close
}

function scenariosFor({ bound, metric }: Constraint, scenarios: readonly Scenario[]): readonly Scenario[] {
  if (bound === 'max' || metrics[metric].better === 'lower') return scenarios
  const best = [...scenarios].sort(
    (a, b) =>
      (measured(b, metric) ?? Number.NEGATIVE_INFINITY) - (measured(a, metric) ?? Number.NEGATIVE_INFINITY),
  )
  return best.slice(0, 1)
}

function judgeConstraint(constraint: Constraint, scenario: Scenario): ConstraintResult {
  const { name, bound, limit } = constraint
  const metric = judgedMetric(constraint.metric, scenario)
  const value = measured(scenario, metric)
  const interval = value === null ? null : intervalOf(scenario, metric, value)
  const [low, high] = interval ?? [limit, limit]
  return {
    name,
    bound,
    load: scenario.load,
    metric,
    ...(metric === constraint.metric ? {} : { standsInFor: constraint.metric }),
    limit,
    value,
    interval,
    status: value === null ? 'invalid' : statusOf(constraint, metric, value),
    // An interval without an upper end comes of few requests: it says nothing of how near the limit is.
    close: high !== null && low < limit && limit < high,
  }
}

/**
 * A stand-in is a lower percentile, so it can only be kinder: one that breaks an upper limit proves that the percentile
 * asked for breaks it too, one that holds it proves nothing. p95 in place of p99 may pass, and is named: it has seen
 * the tail. p90 and below come of fewer than 59 requests; a pass of a tail that nobody saw would be a pass for
 * lack of data.
 */
function statusOf({ bound, metric: asked, limit }: Constraint, metric: MetricName, value: number) {
  if (bound === 'max' ? value > limit : value < limit) return 'fail'
  return metric === asked || metric === 'latencyP95Ns' ? 'pass' : 'inconclusive'
}

/**
 * Two-sided 95 % of the judged value, by Student's t over the logarithms of the repetitions. The interval over
 * all requests together is far narrower than the truth, since requests of one server start are not independent; it is
 * taken only where there are not two repetitions with a value. The estimate is of all requests, or a mean of another
 * kind, and may lie beside the repetitions' geometric mean: the interval always holds it. A maximum has none.
 */
function intervalOf(scenario: Scenario, metric: MetricName, value: number): ConstraintResult['interval'] {
  const [low, high] = scenario.metrics[metric]?.interval ?? []
  const own: ConstraintResult['interval'] = low === undefined ? null : [low, high ?? null]
  if (metrics[metric].unit === 'bytes' || metric === 'latencyMaxNs') return own
  const having = validRepetitions(scenario).filter((repetition) => positives([repetition], metric) !== null)
  const values = positives(having, metric) ?? []
  if (values.length < 2) return own
  const [from, to] = confidenceInterval(pairedEstimate(values.map(Math.log), 0), 0.95)
  return [Math.min(Math.exp(from), value), Math.max(Math.exp(to), value)]
}

/** The metric that is judged: where too few requests were sent for the percentile, the highest one below it that there is. */
function judgedMetric(metric: MetricName, scenario: Scenario): MetricName {
  const rank = latencyPercentiles.findIndex((percentile) => percentile.name === metric)
  if (rank < 0) return metric
  const standIns = latencyPercentiles.slice(rank).map((percentile) => percentile.name)
  return standIns.find((name) => measured(scenario, name) !== null) ?? metric
}

function measured(scenario: Scenario, metric: MetricName): number | null {
  const value = scenario.metrics[metric]?.value ?? null
  return value !== null && Number.isFinite(value) ? value : null
}
