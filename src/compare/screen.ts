import type { Config } from '../config/config.ts'
import { type Load, loadKey } from '../domain/load.ts'
import type { Baseline } from '../domain/measurements.ts'
import { latencyPercentiles, type MetricName } from '../domain/metric.ts'
import { gatedScenarios, positives, validRepetitions } from '../domain/scenario.ts'
import { canClear } from './against-history.ts'
import { compareModels } from './compare.ts'
import { isSettled } from './constraints.ts'
import type { CompareInput } from './sides.ts'
import { modelProblems } from './validity.ts'

/**
 * Whether it is worth while to measure a model alone before its reference: the baseline has it at every load, and the history of each
 * metric that would be judged is long and quiet enough to show that nothing changed.
 */
export function isPromising(
  baseline: Baseline,
  config: Config,
  model: { readonly name: string; readonly loads: readonly Load[] },
  repetitions: number,
): boolean {
  const stored = baseline.models.find(({ name }) => name === model.name)
  if (stored === undefined || stored.status === 'failed') return false
  const settings = config.settingsFor(model.name)
  return model.loads.every((load) => {
    const scenario = gatedScenarios(stored).find((each) => loadKey(each.load) === loadKey(load))
    if (scenario === undefined) return false
    const repetitionsThere = validRepetitions(scenario)
    const latency = latencyPercentiles.find(({ name }) => positives(repetitionsThere, name) !== null)?.name
    if (latency === undefined) return false
    return ([latency, 'inferPerSec'] satisfies MetricName[]).every((metric) =>
      canClear(settings, model.name, scenario, metric, baseline.history, repetitions),
    )
  })
}

/**
 * Whether a model that was measured alone is shown to be unchanged: all that is compared passes, nothing is wrong with it, and no
 * budget is a close call or could not be judged. Anything else is for the reference to tell.
 */
export function isCleared(input: CompareInput): boolean {
  const { models } = compareModels(input)
  return input.measurements.models.every((model) => {
    const own = models.find(({ name }) => name === model.name)
    const deciding = own?.comparisons.filter(({ status }) => status !== 'info') ?? []
    const primaries = deciding.filter(({ primary, metric }) => primary && metric !== 'gpuMemoryBytes')
    return (
      model.status === 'measured' &&
      modelProblems(model, input).length === 0 &&
      primaries.length === 2 * gatedScenarios(model).length &&
      primaries.length > 0 &&
      deciding.every(({ status }) => status === 'pass') &&
      (own?.constraints ?? []).every(isSettled)
    )
  })
}
