import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { type Load, ownLoad, together } from '../domain/load.ts'
import type { CapacityResult, ModelCapacity } from '../domain/result.ts'
import { gatedScenarios, type ModelMeasurement } from '../domain/scenario.ts'
import { limitsLatency } from '../search/capacity.ts'
import { type MixCapacity, type MixPoint, mixCapacity } from '../search/concurrent-capacity.ts'
import type { SearchPoint } from '../search/state.ts'
import { capacityRow, pointOf, sweptName } from './capacity.ts'

type Settings = Pick<ModelSettings, 'constraints' | 'demandInferPerSec'>

/**
 * What one of several models that were measured at once can be planned with, while the others have their share of the gated mix of
 * loads: the most of that mix at which each of them holds its limits. Undefined where no latency of any is limited and no
 * demand for this one is known.
 *
 * @param models all that were measured at once
 */
export function capacityBeside(
  name: string,
  models: readonly ModelMeasurement[],
  references: readonly ModelMeasurement[],
  gpus: number,
  settingsFor: (model: string) => Settings,
): ModelCapacity | undefined {
  const index = models.findIndex((model) => model.name === name)
  const own = models[index]
  const constraints = models.map((model) => settingsFor(model.name).constraints)
  const { demandInferPerSec } = settingsFor(name)
  if (own === undefined || (!constraints.some(limitsLatency) && demandInferPerSec === null)) return undefined
  const row = capacityRow(demandInferPerSec, gpus)
  const gated = mixPoints(models.map((model) => gatedScenarios(model).map(pointOf)))
  const steps = gated.map(({ loads }) => loads)

  const rowOf = (of: CapacityResult['of'], configuration: Configuration, found: MixCapacity) => {
    const loadOf = (loads: readonly Load[]): Load | null => {
      const named = loads.flatMap((load, other) => {
        const model = models[other]?.name
        return model === undefined ? [] : [{ model, load }]
      })
      return together(named)[index] ?? null
    }
    const load = found.at === null ? null : loadOf(found.at.loads)
    const at = load === null ? null : { load, metrics: found.at?.metrics[index] ?? {} }
    return row(of, { configuration, at, brokenAt: found.brokenAt === null ? null : loadOf(found.brokenAt) })
  }

  const lists = models.map(({ sweep }) => sweep?.points ?? [])
  const all = mixPoints(lists)
  const configurations = (lists[index] ?? []).map((point) => point.configuration)
  const nameOf = sweptName(own)
  const swept = [...new Map(configurations.map((each) => [configurationKey(each), each]))].map(
    ([key, each]) => {
      const points = all.filter(
        (_, at) => configurations[at] !== undefined && configurationKey(configurations[at]) === key,
      )
      return rowOf(nameOf(each), each, mixCapacity(points, steps, constraints))
    },
  )
  const gatedRow = (of: 'reference' | 'candidate', side: readonly ModelMeasurement[]) => {
    const scenarios = side.map((model) => gatedScenarios(model))
    const configuration = scenarios[index]?.[0]?.configuration
    if (configuration === undefined || side.length < models.length) return []
    const points = mixPoints(scenarios.map((each) => each.map(pointOf)))
    return [rowOf(of, configuration, mixCapacity(points, steps, constraints))]
  }
  const before = models.flatMap((model) => references.find((each) => each.name === model.name) ?? [])
  const rows =
    before.length < models.length && swept.length > 0
      ? swept
      : [...gatedRow('reference', before), ...gatedRow('candidate', models), ...swept]
  return { demandInferPerSec, rows }
}

/** The models' points of one place each, as those of all of them. */
function mixPoints(lists: readonly (readonly SearchPoint[])[]): MixPoint[] {
  return (lists[0] ?? []).flatMap((_, at) => {
    const points = lists.flatMap((list) => list[at] ?? [])
    if (points.length < lists.length) return []
    const measured = points.flatMap(({ metrics }) => (metrics === null ? [] : [metrics]))
    return [
      {
        loads: points.map(({ load }) => ownLoad(load)),
        metrics: measured.length === points.length ? measured : null,
      },
    ]
  })
}
