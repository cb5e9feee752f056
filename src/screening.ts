import { matchBaseline, type OpenedBaseline } from './baseline/find.ts'
import { isCleared, isPromising } from './compare/screen.ts'
import { settingsOf } from './config/conditions.ts'
import type { Config } from './config/config.ts'
import { type Measured, matchMeasured } from './domain/conditions.ts'
import { type Environment, unlike } from './domain/environment.ts'
import type { Baseline } from './domain/measurements.ts'
import type { ModelPlan } from './plan/plan.ts'
import type { MeasureInput } from './profile/measure-input.ts'
import { closureHash, type ModelRepository } from './repository/repository.ts'

/**
 * Stage 1: what the baseline's history can tell of a candidate that is measured alone. It only ever saves a reference, and
 * only where it speaks of that very reference.
 */
export function screenBy(
  { config, baseline: opened }: { readonly config: Config; readonly baseline: OpenedBaseline },
  reference: ModelRepository | null,
): MeasureInput['screen'] {
  const stored = (environment: Environment) => matchBaseline(opened, environment)
  return {
    isPromising: (model, environment) => {
      const { status, baseline } = stored(environment)
      if (reference === null || config.gate.screening === 'off' || baseline === null) return false
      return (
        status.status === 'found' &&
        unlike(baseline.environment, environment).length === 0 &&
        isOf(baseline, reference, model.name) &&
        matchMeasured(model.name, baseline, planned(config, model, environment)).kind === 'same' &&
        isPromising(baseline, config, model, model.looks[0] ?? 0)
      )
    },
    isCleared: (measurements) => {
      const { status: baselineStatus, baseline } = stored(measurements.environment)
      return isCleared({ measurements, baseline, baselineStatus, config, mode: 'gate' })
    },
  }
}

/**
 * Whether the newest run of the history measured the reference's files. Of an older baseline, what the main branch has gained since
 * then could be lost again unseen.
 */
function isOf(baseline: Baseline, reference: ModelRepository, name: string): boolean {
  const stored = baseline.models.find((model) => model.name === name)
  if (stored === undefined || !reference.models.has(name)) return false
  return stored.contentHash === closureHash(reference, name)
}

/**
 * How a model is to be measured, and what is under load beside it. With shorter sequences, other server flags or other data of either,
 * a model that got worse would look as before.
 */
function planned(config: Config, { name, loads }: ModelPlan, environment: Environment): Measured {
  const scenarios = loads.map((load) => ({ role: 'gate', configuration: { committed: true }, load }) as const)
  const beside = loads.flatMap((load) => (load.beside ?? []).map(({ model }) => model))
  const models = [...new Set([name, ...beside])].map((each) => ({
    name: each,
    ...settingsOf(config, each),
    scenarios: each === name ? scenarios : [],
  }))
  return { models, environment }
}
