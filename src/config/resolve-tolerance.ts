import type { ModelSettings } from './config.ts'
import { type ToleranceChange, toleranceWith } from './defaults.ts'
import { toleranceTags, toleranceUnits } from './metric-tags.ts'
import type { ConfigFile } from './schema.ts'

type Section = NonNullable<NonNullable<ConfigFile['gate']>['tolerance']>
type Tag = keyof typeof toleranceTags

/**
 * What a model's metrics may get worse: its own under `gate.model_tolerance`, else `gate.tolerance`, tag by tag.
 *
 * A lower percentile is gated where there are too few requests for p99. So what the user tolerates of p99
 * holds for it too, unless it has a tolerance of its own.
 */
export function resolveTolerance(
  { gate = {} }: ConfigFile,
  model: string | null,
): ModelSettings['tolerance'] {
  const own = model === null ? undefined : gate.model_tolerance
  const section: Section = {
    ...gate.tolerance,
    ...(own !== undefined && model !== null && Object.hasOwn(own, model) ? own[model] : {}),
  }
  const { perf_latency_p99: tail } = section
  const lower: Section =
    tail === undefined ? {} : { perf_latency_p95: tail, perf_latency_p90: tail, perf_latency_p50: tail }
  const changes = Object.entries({ ...lower, ...section }).flatMap(([tag, value]) =>
    value === undefined ? [] : [[toleranceTags[tag as Tag], changeOf(tag as Tag, value)] as const],
  )
  return toleranceWith(Object.fromEntries(changes))
}

function changeOf(tag: Tag, value: NonNullable<Section[Tag]>): ToleranceChange {
  if (typeof value === 'number') return value
  const { relative, absolute } = value
  return {
    ...(relative === undefined ? {} : { ratio: relative }),
    ...(absolute === undefined ? {} : { absolute: absolute * toleranceUnits[tag].factor }),
  }
}
