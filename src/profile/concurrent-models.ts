import type { Measurements } from '../domain/measurements.ts'
import type { Plan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { type ModelSides, type ProfileContext, profileTogether } from './profile.ts'
import { settingsHash, sweepBegin } from './resume.ts'

export interface ConcurrentInput {
  readonly plan: Plan
  readonly candidate: ModelRepository
  readonly reference: { readonly repository: ModelRepository } | null
  readonly isDecided: (models: Measurements, look: number) => boolean
}

/**
 * All models of the plan on one server and under load at once. Neither screening nor attribution takes part: the one knows
 * the models' histories one by one, the other the files of one model.
 *
 * @param earlier what an interrupted run has of all of them; null where any is missing, since then none can be gone on with
 */
export async function measureConcurrently(
  context: ProfileContext,
  input: ConcurrentInput,
  earlier: readonly ModelSides[] | null,
  save: (sides: readonly ModelSides[]) => void,
  asMeasurements: (sides: readonly ModelSides[]) => Measurements,
): Promise<readonly ModelSides[]> {
  const { world, config } = context
  const startNs = world.nowNs()
  const gated =
    earlier ??
    (await profileTogether(
      context,
      input.plan.models,
      { candidate: input.candidate, reference: input.reference?.repository ?? null },
      save,
      (sides, look) => input.isDecided(asMeasurements(sides), look),
    ))
  const done = gated.map((sides): ModelSides => {
    const { candidate } = sides
    const { mode } = config.settingsFor(candidate.name).search
    const warnings = mode === 'off' ? [] : [notSwept]
    return {
      ...sides,
      candidate: {
        ...candidate,
        settingsHash: settingsHash(config, candidate.name),
        sweep: candidate.sweep ?? sweepBegin(world.nowNs() - startNs),
        warnings: [...new Set([...candidate.warnings, ...warnings])],
      },
    }
  })
  save(done)
  return done
}

const notSwept =
  'not swept: of models that are measured concurrently only the committed configurations are gated (run_config_profile_models_concurrently_enable)'
