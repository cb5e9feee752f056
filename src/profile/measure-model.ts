import { asGateError } from '../domain/error.ts'
import type { Measurements } from '../domain/measurements.ts'
import { gatedScenarios } from '../domain/scenario.ts'
import type { SearchSummary } from '../domain/sweep.ts'
import type { ModelPlan } from '../plan/plan.ts'
import { freeMemoryBytes, hasGpuDevice, sharedMemoryRoom } from '../system/host-activity.ts'
import { attribute } from './attribution.ts'
import { interruptIfAsked, type ModelSides, type ProfileContext, withWarnings } from './context.ts'
import type { MeasureInput } from './measure-input.ts'
import { committedOf } from './model-measurement.ts'
import { givenUp, sweepBegin, sweepScenarios, withSweep } from './resume.ts'
import { fullest, gpuRoom, growthOf, type SharedRoom, serversThatFit, sweepServers } from './room.ts'
import { profileScreened } from './screened-model.ts'
import { makeShelf, type Shelf } from './shelf.ts'
import { sweepModel } from './sweep.ts'
import type { SweepState } from './sweep-loop.ts'

/** How one model is measured. */
interface OneModel {
  readonly plan: ModelPlan
  /** What an earlier run left of it, to be gone on with; null = start afresh. */
  readonly earlier: ModelSides | null
  /** Whether measuring it alone first may clear it. */
  readonly promising: boolean
  /** Gets all there is of it after each load of each repetition and each step of the sweep. */
  readonly save: (sides: ModelSides) => void
  /** A file of measurements with this model only. */
  readonly alone: (sides: ModelSides) => Measurements
}

/** The gated loads first, then why they are worse if they are, then the sweep with what is left of the model's time. */
export async function measureModel(
  context: ProfileContext,
  input: MeasureInput,
  model: OneModel,
): Promise<ModelSides> {
  const shelf = makeShelf()
  try {
    return await measureOnShelf(context, input, { ...model, shelf })
  } finally {
    await shelf.clear()
  }
}

/** With the place where its last server waits for the sweep. */
interface ShelvedModel extends OneModel {
  readonly shelf: Shelf
}

async function measureOnShelf(
  context: ProfileContext,
  input: MeasureInput,
  one: ShelvedModel,
): Promise<ModelSides> {
  const { world, config } = context
  const { plan, earlier, save, alone, shelf } = one
  const startNs = world.nowNs()
  const shared: SharedRoom[] = []
  const watched = (sides: ModelSides) => {
    shared.push(sharedMemoryRoom())
    save(sides)
  }
  const gated = earlier ?? (await measureGated(context, input, { ...one, save: watched }))
  const begun = gated.candidate.sweep ?? sweepBegin(world.nowNs() - startNs)
  const swept = sweepScenarios(gated.candidate)
  const sidesWith = (now: SweepState, search: SearchSummary | null): ModelSides => ({
    ...gated,
    candidate: withSweep(gated.candidate, now, search),
  })
  let state: SweepState = { progress: begun, scenarios: swept }
  const sides = sidesWith(state, null)
  save(sides)
  const model = input.candidate.models.get(plan.name)
  const committed = committedOf(gated.candidate)
  if (plan.searchNs === 0 || model === undefined || committed === null) return sides
  const timeNs = plan.budgetNs - begun.spentBeforeNs
  try {
    const running = shelf.take()
    const keep = (now: SweepState) => {
      state = now
      save(sidesWith(now, null))
    }
    const servers = sweepServers(
      context,
      alone(gatedOnly(gated)),
      model.dependencies.length + model.called.length > 0,
      growthOf(config.settingsFor(plan.name).search, committed),
      {
        isOneRunning: running !== null,
        freeBytes: freeMemoryBytes(),
        shared: fullest([sharedMemoryRoom(), ...(running === null ? shared : [])]),
        hasGpuDevice: hasGpuDevice(),
        // Read for this: of a run that is resumed nothing was read so far.
        gpuFreeBytes:
          context.gpu === null ? Number.POSITIVE_INFINITY : gpuRoom(await context.gpu.memoryNow()),
      },
    )
    const wanted = { repository: input.candidate, model, committed, timeNs, running, servers }
    const sweep = await sweepModel(context, wanted, state, keep)
    return withWarnings(sidesWith(sweep, sweep.summary), sweep.untried)
  } catch (error) {
    interruptIfAsked(world)
    // The sweep is a suggestion: what breaks in it must not cost the verdict.
    const warning = `${givenUp}${asGateError(error).message}`
    world.progress(`${plan.name}: ${warning}`)
    return withWarnings(sidesWith(state, null), [warning])
  }
}

function gatedOnly({ candidate, ...others }: ModelSides): ModelSides {
  return { ...others, candidate: { ...candidate, scenarios: gatedScenarios(candidate) } }
}

async function measureGated(
  context: ProfileContext,
  input: MeasureInput,
  one: ShelvedModel,
): Promise<ModelSides> {
  const { world } = context
  const { plan, save, alone, promising, shelf } = one
  const startNs = world.nowNs()
  const wanted = {
    candidate: input.candidate,
    reference: input.reference?.repository ?? null,
    save,
    isDecided: (measured: ModelSides, look: number) => input.isDecided(alone(measured), look),
    // On a GPU each configuration's memory is read against that of a server without any.
    keep: plan.searchNs === 0 || context.gpu !== null ? null : shelf.put,
  }
  const isCleared = (measured: ModelSides) => input.screen.isCleared(alone(measured))
  const sides = await profileScreened(context, plan, wanted, promising ? isCleared : null)
  save(sides)
  return explain(context, input, one, sides, startNs + plan.budgetNs - plan.searchNs - world.nowNs())
}

/** The sides with what explains the regression, if there is one. */
async function explain(
  context: ProfileContext,
  input: MeasureInput,
  { plan, alone, shelf }: ShelvedModel,
  sides: ModelSides,
  timeNs: number,
): Promise<ModelSides> {
  const { candidate } = input
  const reference = input.reference?.repository
  if (reference === undefined || context.config.gate.attribution === 'off') return sides
  const measurements = alone(sides)
  const regression = input.regressionOf(measurements)
  if (regression === null) return sides
  // Nothing else is to run beside what is compared now.
  await shelf.clear()
  try {
    const maxServers = serversThatFit(measurements)
    const wanted = { ...regression, plan, candidate, reference, timeNs, maxServers }
    return { ...sides, attribution: await attribute(context, wanted) }
  } catch (error) {
    interruptIfAsked(context.world)
    // An explanation is not worth the verdict.
    const warning = `the cause was not found: ${asGateError(error).message}`
    context.world.progress(`${plan.name}: ${warning}`)
    return withWarnings(sides, [warning])
  }
}
