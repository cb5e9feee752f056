import { variedKey } from './configuration.ts'
import type { Best } from './result.ts'
import { gatedScenarios, type ModelMeasurement } from './scenario.ts'

/** The models whose patches make the answer: of models at once each has its own, if it is not as committed, and all were measured together. */
export function patchedModels(
  { name, scenarios }: Pick<ModelMeasurement, 'name' | 'scenarios'>,
  { load, configuration }: Pick<Best, 'load' | 'configuration'>,
): readonly string[] {
  if (load.beside === undefined) return [name]
  const committed = gatedScenarios({ scenarios })[0]?.configuration
  const isOwn = committed === undefined || variedKey(configuration) !== variedKey(committed)
  return [...(isOwn ? [name] : []), ...Object.keys(configuration.others ?? {})]
}
