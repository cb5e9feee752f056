import { asGateError } from '../domain/error.ts'
import { ownLoad } from '../domain/load.ts'
import type { Measurements } from '../domain/measurements.ts'
import type { SearchSummary } from '../domain/sweep.ts'
import type { ModelPlan, Plan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { type ConcurrentSweepInput, sweepConcurrently } from './concurrent-sweep.ts'
import { interruptIfAsked, type ModelSides, type ProfileContext, withWarnings } from './context.ts'
import { committedOf } from './model-measurement.ts'
import { profileTogether } from './profile.ts'
import { givenUp, sweepBegin, sweepScenarios, withSweep } from './resume.ts'
import type { SweepState } from './sweep-loop.ts'

export interface ConcurrentInput {
  readonly plan: Plan
  readonly candidate: ModelRepository
  readonly reference: { readonly repository: ModelRepository } | null
  readonly isDecided: (models: Measurements, look: number) => boolean
}

/**
 * All models of the plan on one server and under load at once: the gated loads, then the sweep of all of them together with
 * what is left of their time. Neither screening nor attribution takes part: the one would have to clear all of them to save
 * anything, the other knows the files of one model.
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
  const { world } = context
  const startNs = world.nowNs()
  const gated =
    earlier ??
    (await profileTogether(context, input.plan.models, {
      candidate: input.candidate,
      reference: input.reference?.repository ?? null,
      save,
      isDecided: (sides, look) => input.isDecided(asMeasurements(sides), look),
      keep: null,
    }))
  const spentNs = world.nowNs() - startNs
  let states = gated.map(
    ({ candidate }): SweepState => ({
      progress: candidate.sweep ?? sweepBegin(spentNs),
      scenarios: sweepScenarios(candidate),
    }),
  )
  const keep = (now: readonly SweepState[]) => {
    states = [...now]
    const sides = withSweeps(gated, states, null)
    save(sides)
    return sides
  }
  const before = keep(states)
  const wanted = sweepInput(input, gated, states)
  if (wanted === null) return before
  try {
    const sweeps = await sweepConcurrently(context, wanted, states, keep)
    const searches = sweeps.map(({ summary }) => summary)
    return withSweeps(gated, sweeps, searches).map((sides, index) =>
      withWarnings(sides, sweeps[index]?.untried ?? []),
    )
  } catch (error) {
    interruptIfAsked(world)
    // The sweep is a suggestion: what breaks in it must not cost the verdict.
    const warning = `${givenUp}${asGateError(error).message}`
    world.progress(warning)
    return withSweeps(gated, states, null).map((sides) => withWarnings(sides, [warning]))
  }
}

/** Null where nothing is to be searched, or a model gave nothing to begin with. */
function sweepInput(
  { plan, candidate: repository }: ConcurrentInput,
  gated: readonly ModelSides[],
  states: readonly SweepState[],
): ConcurrentSweepInput | null {
  if (plan.models.every(({ searchNs }) => searchNs === 0)) return null
  const models = plan.models.flatMap(({ name }) => repository.models.get(name) ?? [])
  const committed = gated.flatMap(({ candidate }) => committedOf(candidate) ?? [])
  if (committed.length < plan.models.length || models.length < plan.models.length) return null
  const budgetNs = plan.models.reduce((sum, each) => sum + each.budgetNs, 0)
  const timeNs = budgetNs - (states[0]?.progress.spentBeforeNs ?? 0)
  return { repository, models, committed, gated: stepsOf(plan.models), timeNs }
}

function stepsOf(plans: readonly ModelPlan[]) {
  const [first] = plans
  return (first?.loads ?? []).map((_, step) =>
    plans.flatMap(({ loads }) => (loads[step] === undefined ? [] : [ownLoad(loads[step])])),
  )
}

function withSweeps(
  gated: readonly ModelSides[],
  states: readonly SweepState[],
  searches: readonly SearchSummary[] | null,
): ModelSides[] {
  return gated.map((sides, index) => {
    const state = states[index]
    if (state === undefined) return sides
    return { ...sides, candidate: withSweep(sides.candidate, state, searches?.[index] ?? null) }
  })
}
