import { GateError } from '../domain/error.ts'
import { loadKey } from '../domain/load.ts'
import { cutWords, type ModelPlan, maxReplacement, nextMeasuringTime, overrunWords } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import type { ModelSides, ProfileContext } from './context.ts'
import { modelMeasurement } from './model-measurement.ts'
import { isWell, repeat } from './one-repetition.ts'
import {
  closeAll,
  makeRecord,
  type PlannedRecord,
  type Running,
  type SideRecord,
  takeRunning,
} from './records.ts'
import { isDisturbed, isSilent, type Measured, type Sample } from './sample.ts'
import type { SideName } from './side.ts'

/** What is asked of a profile. `Sides` are those of its model, or those of all models that are measured at once. */
export interface ProfileInput<Sides> {
  readonly candidate: ModelRepository
  readonly reference: ModelRepository | null
  /** Gets all there is after each load of each repetition. */
  readonly save: (sides: Sides) => void
  /** Whether what was measured until look number `look` ends it. */
  readonly isDecided: (sides: Sides, look: number) => boolean
  /** Gets the candidate's last server with its only model, if that is well, in place of its being stopped; null = it is stopped. */
  readonly keep: ((running: Running) => void) | null
}

/** `profileTogether` of one model. */
export async function profileModel(
  context: ProfileContext,
  plan: ModelPlan,
  input: ProfileInput<ModelSides>,
): Promise<ModelSides> {
  const only = ([sides]: readonly ModelSides[]): ModelSides => {
    if (sides === undefined) throw new RangeError('a profile of no model')
    return sides
  }
  const ofAll = {
    ...input,
    save: (all: readonly ModelSides[]) => input.save(only(all)),
    isDecided: (all: readonly ModelSides[], look: number) => input.isDecided(only(all), look),
  }
  return only(await profileTogether(context, [plan], ofAll))
}

/**
 * Measures the committed configurations of some models on one server, all under load at once: the first load of each, then
 * the second of each. Every repetition is on fresh servers, the sides alternating. Ends at one of the plans' looks if all is
 * decided there.
 *
 * @param plans with the same number of loads
 */
export async function profileTogether(
  context: ProfileContext,
  plans: readonly ModelPlan[],
  input: ProfileInput<readonly ModelSides[]>,
): Promise<ModelSides[]> {
  const { save, isDecided, keep } = input
  const { world } = context
  const plan = planOfAll(plans)
  const names = plans.map(({ name }) => name).join(' + ')
  const sides = sidesOf(plans, input)
  const [candidates = [], references = null] = sides
  const records = sides.flatMap((side) => side.map(({ record }) => record))

  const stopping: Promise<void>[] = []
  const warnings: string[] = []
  const result = (): ModelSides[] =>
    plans.map((own, index) => {
      const other = references?.[index]
      // A model that is new in the pull request has no reference: its budgets alone are judged.
      const isKnown = other?.record.repository.models.has(own.name) === true
      return {
        candidate: modelMeasurement(candidates, index, warnings, context.config),
        reference: isKnown ? modelMeasurement(references ?? [], index, [], context.config) : null,
      }
    })
  const startNs = world.nowNs()
  let measuringNs = 0
  let valid = 0
  let wanted = plan.repetitions
  let lastLook = -1
  try {
    for (let index = 0; index < wanted; index++) {
      const extended = { ...plan, repetitions: wanted }
      const made = { done: index, valid, elapsedNs: world.nowNs() - startNs, measuringNs }
      const time = nextMeasuringTime(extended, made)
      if (time === null) {
        warnings.push(cutWords(extended, made))
        break
      }
      world.progress(`${names}: repetition ${index + 1} of ${wanted}`)
      measuringNs += await repeat(context, sides, { index, time, stopping, save: () => save(result()) })
      if (!isWell(candidates)) break
      const samples = samplesOf(records, index)
      // A model that answers nothing will not answer the next repetition either.
      if (samples.some(isSilent)) break
      valid = validPairs(sides)
      const look = plan.looks.indexOf(valid)
      if (look > lastLook) {
        lastLook = look
        if (look === plan.looks.length - 1) break
        if (index + 1 < wanted && isDecided(result(), look)) {
          world.progress(`${names}: decided after ${valid} repetitions`)
          break
        }
      }
      if (samples.some(isDisturbed) && wanted < plan.repetitions * maxReplacement) wanted++
      if (index + 1 < wanted) await closeAll(records, stopping, context.gpu !== null)
    }
    warnings.push(...[overrunWords(plan, world.nowNs() - startNs)].filter((words) => words !== null))
    const [only, another] = candidates
    const running =
      keep === null || only === undefined || another !== undefined ? null : takeRunning(only.record)
    if (running !== null) keep?.(running)
  } finally {
    await closeAll(records, stopping, false)
    await Promise.all(stopping)
  }
  return result()
}

/** The time of models that are measured at once is that of all of them; their loads come at the same time. */
function planOfAll(plans: readonly ModelPlan[]): ModelPlan {
  const [first] = plans
  if (first === undefined) throw new RangeError('a profile of no model')
  const sum = (pick: (plan: ModelPlan) => number) => plans.reduce((total, each) => total + pick(each), 0)
  return { ...first, budgetNs: sum(({ budgetNs }) => budgetNs), searchNs: sum(({ searchNs }) => searchNs) }
}

/** The candidate, and the reference where it has any of the models. */
function sidesOf(
  plans: readonly ModelPlan[],
  { candidate, reference }: Pick<ProfileInput<unknown>, 'candidate' | 'reference'>,
): PlannedRecord[][] {
  const side = (name: SideName, repository: ModelRepository): PlannedRecord[] =>
    plans.map((plan) => ({ plan, record: makeRecord(name, repository) }))
  if (reference === null || !plans.some(({ name }) => reference.models.has(name)))
    return [side('candidate', candidate)]
  const other = side('reference', reference)
  const missing = plans.filter(({ name }) => !reference.models.has(name)).map(({ name }) => `'${name}'`)
  if (missing.length > 0) {
    const failure = new GateError(
      'model',
      `the reference has no ${missing.join(', ')} to put under load beside it`,
    )
    for (const { record } of other) record.failure = failure
  }
  return [side('candidate', candidate), other]
}

/** Repetitions that are valid on every side, for every model, at the load that has the fewest. */
function validPairs(sides: readonly (readonly PlannedRecord[])[]): number {
  const [first = []] = sides
  const counts = [...(first[0]?.plan.loads.keys() ?? [])].map((step) => {
    const measured = sides.flatMap((side) =>
      side.map(({ plan, record }) => {
        const load = plan.loads[step]
        return load === undefined ? undefined : record.measured.get(loadKey(load))
      }),
    )
    const isValid = (index: number) => (ofLoad: Map<number, Measured> | undefined) =>
      ofLoad?.get(index)?.repetition.status === 'valid'
    return [...(measured[0]?.keys() ?? [])].filter((index) => measured.every(isValid(index))).length
  })
  return Math.min(...counts)
}

function samplesOf(records: readonly SideRecord[], index: number): Sample[] {
  return records.flatMap((each) =>
    [...each.measured.values()].flatMap((ofLoad) => ofLoad.get(index)?.sample ?? []),
  )
}
