import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { loadKey } from '../domain/load.ts'
import type { CapacityResult, ModelCapacity } from '../domain/result.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import { gatedScenarios } from '../domain/scenario.ts'
import { type Capacity, capacitiesOf, limitsLatency } from '../search/capacity.ts'
import type { SearchPoint } from '../search/state.ts'

/** What is measured of one model, as far as its capacity goes. */
interface Measured {
  readonly candidate: ModelMeasurement
  readonly reference: ModelMeasurement | null
  /** GPUs of the server that was measured; 0 on a CPU. */
  readonly gpus: number
}

/**
 * What a model can be planned with: the highest throughput within its limits, before and after. The reference and the
 * candidate at the gated loads, which both were measured at; the committed configuration and the others at those of the sweep,
 * the committed one at the gated loads too.
 * Undefined where neither a latency is limited nor a demand is known.
 */
export function capacityOf(
  { candidate, reference, gpus }: Measured,
  { constraints, demandInferPerSec }: Pick<ModelSettings, 'constraints' | 'demandInferPerSec'>,
): ModelCapacity | undefined {
  if (!limitsLatency(constraints) && demandInferPerSec === null) return undefined
  const row = capacityRow(demandInferPerSec, gpus)
  const nameOf = sweptName(candidate)
  const swept = capacitiesOf(withGated(candidate), constraints).map((capacity) =>
    row(nameOf(capacity.configuration), capacity),
  )
  const gated = (of: 'reference' | 'candidate', model: ModelMeasurement | null) =>
    capacitiesOf(gatedScenarios(model ?? { scenarios: [] }).map(pointOf), constraints).map((each) =>
      row(of, each),
    )
  const rows =
    reference === null && swept.length > 0
      ? swept
      : [...gated('reference', reference), ...gated('candidate', candidate), ...swept]
  return { demandInferPerSec, rows }
}

/** What the sweep measured, and of the committed configuration what the gate did at loads that the sweep did not come to. */
function withGated({ sweep, scenarios }: ModelMeasurement): readonly SearchPoint[] {
  const points = sweep?.points ?? []
  if (points.length === 0) return []
  const swept = new Set(points.filter(({ configuration }) => configuration.committed).map(loadOf))
  return [
    ...points,
    ...gatedScenarios({ scenarios })
      .map(pointOf)
      .filter((point) => !swept.has(loadOf(point))),
  ]
}

function loadOf({ load }: SearchPoint): string {
  return loadKey(load)
}

export function capacityRow(demandInferPerSec: number | null, gpus: number) {
  return (of: CapacityResult['of'], { configuration, at, brokenAt }: Capacity): CapacityResult => {
    const inferPerSec = at?.metrics.inferPerSec ?? null
    const servers =
      demandInferPerSec === null || inferPerSec === null || inferPerSec === 0
        ? null
        : Math.ceil(demandInferPerSec / inferPerSec)
    return {
      of,
      configuration,
      inferPerSec,
      latencyP99Ns: at?.metrics.latencyP99Ns ?? null,
      load: at?.load ?? null,
      brokenAt,
      servers,
      gpus: servers === null || gpus === 0 ? null : servers * gpus,
    }
  }
}

/** What a configuration of the sweep is to the reader. */
export function sweptName({ search }: Pick<ModelMeasurement, 'search'>) {
  const answer = search?.answer ?? null
  const best = answer?.meetsConstraints === true && !answer.configuration.committed ? answer : null
  const bestKey = best === null ? null : configurationKey(best.configuration)
  return (configuration: Configuration): 'committed' | 'best' | 'other' => {
    if (configuration.committed) return 'committed'
    return configurationKey(configuration) === bestKey ? 'best' : 'other'
  }
}

/** A value that is not to be had, of a percentile that too few requests allow, breaks no limit and holds none: it is missing. */
export function pointOf({ configuration, load, metrics, status }: Scenario): SearchPoint {
  if (status === 'failed') return { configuration, load, metrics: null }
  const values = Object.entries(metrics).map(([name, metric]) => [name, metric?.value ?? null])
  return { configuration, load, metrics: Object.fromEntries(values) }
}
