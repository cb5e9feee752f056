import { matchSettings, type SettingsMatch } from '../domain/conditions.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'

/** The names of the models of both whose settings then and now lie to each other as `isOther` asks: their series do not go on. */
export function modelsOtherwise(
  before: readonly ModelMeasurement[],
  now: readonly ModelMeasurement[],
  isOther: (match: SettingsMatch, before: ModelMeasurement) => boolean,
): ReadonlySet<string> {
  const known = new Map(before.map((model) => [model.name, model]))
  const others = now.filter((model) => {
    const stored = known.get(model.name)
    return stored !== undefined && isOther(matchSettings(stored, model), stored)
  })
  return new Set(others.map(({ name }) => name))
}
