import { matchBaseline, type OpenedBaseline } from './baseline/find.ts'
import { isCleared, isPromising } from './compare/screen.ts'
import { settingsHash } from './config/conditions.ts'
import type { Config } from './config/config.ts'
import { sentTo } from './domain/conditions.ts'
import { type Environment, unlike } from './domain/environment.ts'
import type { Baseline } from './domain/measurements.ts'
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
        isOf(baseline, reference, config, model.name) &&
        sentTo(model.name, baseline.environment) === sentTo(model.name, environment) &&
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
 * Whether the newest run of the history measured the reference's files, with these settings. Of an older baseline, what the main
 * branch has gained since then could be lost again unseen; with shorter sequences or other server flags, a model that got worse.
 */
function isOf(baseline: Baseline, reference: ModelRepository, config: Config, name: string): boolean {
  const stored = baseline.models.find((model) => model.name === name)
  if (stored === undefined || !reference.models.has(name)) return false
  return (
    stored.contentHash === closureHash(reference, name) && stored.settingsHash === settingsHash(config, name)
  )
}
