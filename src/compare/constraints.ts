import type { Constraint, ModelSettings } from '../config/config.ts'
import { latencyPercentiles, metrics } from '../domain/metric.ts'
import type { ConstraintResult } from '../domain/result.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import { gatedScenarios } from './sides.ts'

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
  const interval = value === null ? null : (scenario.metrics[metric]?.interval ?? null)
  const [low, high] = interval ?? [limit, limit]
  const holds = value !== null && (bound === 'max' ? value <= limit : value >= limit)
  return {
    name,
    bound,
    load: scenario.load,
    metric,
    limit,
    value,
    interval: interval === null ? null : [low, high],
    status: value === null ? 'invalid' : holds ? 'pass' : 'fail',
    // An interval without an upper end comes of few requests: it says nothing of how near the limit is.
    close: high !== null && low < limit && limit < high,
  }
}

/**
 * The metric that is judged: where too few requests were sent for the percentile, the highest one below it
 * that there is, by its name. It can only be kinder: one that breaks the limit proves that p99 does.
 */
function judgedMetric(metric: Constraint['metric'], scenario: Scenario): Constraint['metric'] {
  const rank = latencyPercentiles.findIndex((percentile) => percentile.name === metric)
  if (rank < 0) return metric
  const standIns = latencyPercentiles.slice(rank).map((percentile) => percentile.name)
  return standIns.find((name) => measured(scenario, name) !== null) ?? metric
}

function measured(scenario: Scenario, metric: Constraint['metric']): number | null {
  const value = scenario.metrics[metric]?.value ?? null
  return value !== null && Number.isFinite(value) ? value : null
}
