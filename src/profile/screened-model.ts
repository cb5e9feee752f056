import type { ModelMeasurement } from '../domain/scenario.ts'
import type { ModelPlan } from '../plan/plan.ts'
import type { ModelSides, ProfileContext } from './context.ts'
import { type ProfileInput, profileModel } from './profile.ts'

/** Whether a model that was measured alone needs no reference. */
type IsCleared = (alone: ModelSides) => boolean

/**
 * A model's gated loads: alone first where `isCleared` is given, for as many repetitions as the first look has, then beside its
 * reference if that could not show it unchanged. Nothing of the first part enters the second: a measurement that
 * was repeated because of how it came out is no fair sample.
 */
export async function profileScreened(
  context: ProfileContext,
  plan: ModelPlan,
  input: ProfileInput<ModelSides>,
  isCleared: IsCleared | null,
): Promise<ModelSides> {
  const [firstLook] = plan.looks
  if (isCleared === null || firstLook === undefined || input.reference?.models.has(plan.name) !== true)
    return profileModel(context, plan, input)
  const { world } = context
  const startNs = world.nowNs()
  world.progress(`${plan.name}: alone first, since the history of the main branch may show it unchanged`)
  const alonePlan = { ...plan, sides: 1, repetitions: firstLook, looks: [] } as const
  const marking =
    (screening: NonNullable<ModelMeasurement['screening']>) =>
    (sides: ModelSides): ModelSides => ({ ...sides, candidate: { ...sides.candidate, screening } })
  const [cleared, undecided] = [marking('cleared'), marking('undecided')]
  const save = (sides: ModelSides) => input.save(undecided(sides))
  const alone = await profileModel(context, alonePlan, {
    ...input,
    reference: null,
    save,
    isDecided: () => false,
    // Whether it is the last is not known before it has ended.
    keep: null,
  })
  if (isCleared(cleared(alone))) {
    world.progress(`${plan.name}: cleared after ${firstLook} repetitions, its reference is not measured`)
    return cleared(alone)
  }
  world.progress(`${plan.name}: not cleared, measured anew beside its reference`)
  const budgetNs = Math.max(plan.searchNs, plan.budgetNs - (world.nowNs() - startNs))
  const beside = await profileModel(
    context,
    { ...plan, budgetNs },
    { ...input, save, isDecided: (sides, look) => input.isDecided(undecided(sides), look) },
  )
  return undecided(beside)
}
