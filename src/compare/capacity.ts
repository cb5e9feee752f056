import type { ModelSettings } from '../config/config.ts'
import { configurationKey } from '../domain/configuration.ts'
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
 * candidate at the gated loads, which both were measured at; the committed configuration and the others at those of the sweep.
 * Undefined where neither a latency is limited nor a demand is known.
 */
export function capacityOf(
  { candidate, reference, gpus }: Measured,
  { constraints, demandInferPerSec }: Pick<ModelSettings, 'constraints' | 'demandInferPerSec'>,
): ModelCapacity | undefined {
  if (!limitsLatency(constraints) && demandInferPerSec === null) return undefined
  // What a model can do beside others depends on what these are asked for: there is no one number.
  if (candidate.scenarios.some(({ load }) => load.beside !== undefined)) return undefined
  const row = (of: CapacityResult['of'], { configuration, at, brokenAt }: Capacity): CapacityResult => {
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
  const answer = candidate.search?.answer ?? null
  const best = answer?.meetsConstraints === true && !answer.configuration.committed ? answer : null
  const bestKey = best === null ? null : configurationKey(best.configuration)
  const swept = capacitiesOf(candidate.sweep?.points ?? [], constraints).map((capacity) => {
    const { configuration } = capacity
    const isBest = configurationKey(configuration) === bestKey
    return row(configuration.committed ? 'committed' : isBest ? 'best' : 'other', capacity)
  })
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

/** A value that is not to be had, of a percentile that too few requests allow, breaks no limit and holds none: it is missing. */
function pointOf({ configuration, load, metrics, status }: Scenario): SearchPoint {
  if (status === 'failed') return { configuration, load, metrics: null }
  const values = Object.entries(metrics).map(([name, metric]) => [name, metric?.value ?? null])
  return { configuration, load, metrics: Object.fromEntries(values) }
}
