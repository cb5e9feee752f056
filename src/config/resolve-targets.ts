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

/** Limits that a shorthand of the same file takes the place of: whoever wrote a stricter one would think that it holds. */
export function replacedLimitWarnings(file: ConfigFile, overrides: ConfigOverrides): string[] {
  const shorthands = [
    { key: 'latency_budget', tag: 'perf_latency_p99', flag: overrides.latencyBudgetMs },
    { key: 'latency_budget', tag: 'perf_latency', flag: overrides.latencyBudgetMs },
    { key: 'min_throughput', tag: 'perf_throughput', flag: overrides.minThroughput },
  ] as const
  const places = [
    { place: 'constraints', limits: file.constraints },
    ...Object.entries(file.profile_models ?? {}).map(([name, { constraints }]) => ({
      place: `profile_models.${name}.constraints`,
      limits: constraints,
    })),
  ]
  return places.flatMap(({ place, limits }) =>
    shorthands.flatMap(({ key, tag, flag }) => {
      const [own, instead] = [limits?.[tag], file[key]]
      // A flag is meant to replace what the file says.
      if (flag !== undefined || own === undefined || instead === undefined || own === instead) return []
      return [`${place}.${tag} (${own}): ${key} (${instead}) stands in its place, as in Model Analyzer`]
    }),
  )
}
