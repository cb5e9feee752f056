import type { Constraint, Objective } from './config.ts'
import { defaultObjectives, onlineObjectives } from './defaults.ts'
import { type ConstraintTag, constraintTags, type MetricTag, metricTags } from './metric-tags.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigFile, ModelEntry } from './schema.ts'

/** Where latency is limited, throughput within the limits is what is sought; else a mode that cares for latency says so here. */
export function objectivesByDefault(file: ConfigFile, entry: ModelEntry, overrides: ConfigOverrides) {
  const isOnline = (overrides.mode ?? file.gate?.mode) === 'online'
  const limited = resolveConstraints(file, entry, overrides).some(({ metric }) =>
    metric.startsWith('latency'),
  )
  return isOnline && !limited ? onlineObjectives : defaultObjectives
}

export function resolveObjectives(weights: Partial<Record<MetricTag, number | undefined>>): Objective[] {
  return Object.entries(weights).flatMap(([name, weight]) =>
    weight === undefined ? [] : [{ name, metric: metricTags[name as MetricTag], weight }],
  )
}

/** A model's constraints replace the global ones; the two shorthands go into both. */
export function resolveConstraints(
  file: ConfigFile,
  entry: ModelEntry,
  overrides: ConfigOverrides,
): Constraint[] {
  const limits: Partial<Record<ConstraintTag, number | undefined>> = {
    ...(entry.constraints ?? file.constraints),
  }
  const latencyBudgetMs = overrides.latencyBudgetMs ?? file.latency_budget
  const minThroughput = overrides.minThroughput ?? file.min_throughput
  if (latencyBudgetMs !== undefined) {
    delete limits.perf_latency
    limits.perf_latency_p99 = latencyBudgetMs
  }
  if (minThroughput !== undefined) limits.perf_throughput = minThroughput
  return Object.entries(limits).flatMap(([name, limit]) => {
    const { bound, factor } = constraintTags[name as ConstraintTag]
    return limit === undefined
      ? []
      : [{ name, metric: metricTags[name as ConstraintTag], bound, limit: limit * factor }]
  })
}
