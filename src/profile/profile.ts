import type { Config } from '../config/config.ts'
import type { AttributionMeasurement } from '../domain/attribution.ts'
import { GateError } from '../domain/error.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { InputData } from '../load/read-inputs.ts'
import { type MeasuringTime, type ModelPlan, nextMeasuringTime } from '../plan/plan.ts'
import { closureHash, type ModelRepository, modelClosure } from '../repository/repository.ts'
import type { Random } from '../stats/random.ts'
import { measureSides } from './engine.ts'
import { withNeighbours } from './neighbours.ts'
import {
  closeAll,
  makeRecord,
  openAll,
  type PlannedRecord,
  type Running,
  type SideRecord,
  takeRunning,
} from './records.ts'
import type { RepetitionSettings } from './repetition.ts'
import { isDisturbed, isSilent, type Measured, type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario, withAdvice } from './scenario.ts'
import { type AskSettings, type SideContext, type SideName, serverDeath } from './side.ts'

export interface ProfileContext extends SideContext {
  readonly config: Config
  readonly random: Random
  readonly gpu: GpuSampler | null
  /** Of all GPUs that are read; null where there is none. */
  readonly gpuMemoryTotalBytes: number | null
  /** What is sent to each model, on both sides. */
  readonly inputs: ReadonlyMap<string, InputData>
}

/** What is sent to a model, and how. */
export function askOf({ config, inputs }: ProfileContext, model: string): AskSettings {
  const input = inputs.get(model)
  if (input === undefined) throw new GateError('internal', `no input data were read for model '${model}'`)
  return { input, requests: config.settingsFor(model).requests }
}

/** What was measured of one model: the candidate, and the reference where there is one. */
export interface ModelSides {
  readonly candidate: ModelMeasurement
  readonly reference: ModelMeasurement | null
  /** Why the candidate is worse, where that was confirmed. */
  readonly attribution?: AttributionMeasurement
}

interface Repositories {
  readonly candidate: ModelRepository
  readonly reference: ModelRepository | null
}

/** `profileTogether` of one model. `keep` gets the candidate's last server, if that is well, in place of its being stopped. */
export async function profileModel(
  context: ProfileContext,
  plan: ModelPlan,
  repositories: Repositories,
  save: (sides: ModelSides) => void,
  isDecided: (sides: ModelSides, look: number) => boolean,
  keep: ((running: Running) => void) | null,
): Promise<ModelSides> {
  const only = ([sides]: readonly ModelSides[]): ModelSides => {
    if (sides === undefined) throw new RangeError('a profile of no model')
    return sides
  }
  return only(
    await profileTogether(
      context,
      [plan],
      repositories,
      (all) => save(only(all)),
      (all, look) => isDecided(only(all), look),
      keep,
    ),
  )
}

/**
 * Measures the committed configurations of some models on one server, all under load at once: the first load of each, then
 * the second of each. Every repetition is on fresh servers, the sides alternating. `save` gets all there is after each load of
 * each repetition. Ends at one of the plans' looks if `isDecided` says so of what was measured until then.
 *
 * @param plans with the same number of loads
 * @param keep gets the candidate's last server with its only model, if that is well, in place of its being stopped
 */
export async function profileTogether(
  context: ProfileContext,
  plans: readonly ModelPlan[],
  repositories: Repositories,
  save: (sides: readonly ModelSides[]) => void,
  isDecided: (sides: readonly ModelSides[], look: number) => boolean,
  keep: ((running: Running) => void) | null = null,
): Promise<ModelSides[]> {
  const { world } = context
  const plan = planOfAll(plans)
  const names = plans.map(({ name }) => name).join(' + ')
  const sides = sidesOf(plans, repositories)
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
        candidate: summarize(candidates, index, warnings),
        reference: isKnown ? summarize(references ?? [], index, []) : null,
      }
    })
  const startNs = world.nowNs()
  let measuringNs = 0
  let wanted = plan.repetitions
  let lastLook = -1
  try {
    for (let index = 0; index < wanted; index++) {
      const time = nextMeasuringTime(
        { ...plan, repetitions: wanted },
        index,
        world.nowNs() - startNs,
        measuringNs,
      )
      if (time === null) {
        warnings.push(`the time budget allowed ${index} of ${wanted} repetitions`)
        break
      }
      world.progress(`${names}: repetition ${index + 1} of ${wanted}`)
      measuringNs += await repeat(context, sides, stopping, index, time, () => save(result()))
      if (!isWell(candidates)) break
      const samples = samplesOf(records, index)
      // A model that answers nothing will not answer the next repetition either.
      if (samples.some(isSilent)) break
      const pairs = validPairs(sides)
      const look = plan.looks.indexOf(pairs)
      if (look > lastLook) {
        lastLook = look
        if (look === plan.looks.length - 1) break
        if (index + 1 < wanted && isDecided(result(), look)) {
          world.progress(`${names}: decided after ${pairs} repetitions`)
          break
        }
      }
      if (samples.some(isDisturbed) && wanted < plan.repetitions * maxReplacement) wanted++
      if (index + 1 < wanted) await closeAll(records, stopping, context.gpu !== null)
    }
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
function sidesOf(plans: readonly ModelPlan[], { candidate, reference }: Repositories): PlannedRecord[][] {
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

/** Repetitions that were disturbed are made up for, up to half as many again: a machine that disturbs more says so. */
const maxReplacement = 1.5

/** Throws where a signal asked to stop: what was measured until then has been saved. */
export function interruptIfAsked(world: World): void {
  if (world.signal.aborted) {
    throw new GateError('interrupted', 'interrupted: nothing is judged from half a measurement', {
      hint: 'What was measured until then is in measurements.json, marked as not complete; --resume goes on with it.',
    })
  }
}

/**
 * One repetition: fresh servers, then every load, as long as the first side is well. Returns the time spent in
 * warm-ups and windows, in ns.
 *
 * @param sides with the same models, each on a server of its own
 */
export async function repeat(
  context: ProfileContext,
  sides: readonly (readonly PlannedRecord[])[],
  stopping: readonly Promise<void>[],
  index: number,
  time: MeasuringTime,
  save: () => void,
): Promise<number> {
  const { world, random } = context
  const [first = []] = sides
  // A reference that does not load, or dies, leaves the candidate to be measured alone: a fix must be able to pass.
  await openAll(context, random.shuffle(sides.filter(isWell)))
  // The last repetition's servers stop while these start, but not while these are measured.
  await Promise.all(stopping)
  const counts = first[0] === undefined ? {} : context.config.settingsFor(first[0].plan.name).counts
  let measuringNs = 0
  for (const step of random.shuffle([...(first[0]?.plan.loads.keys() ?? [])])) {
    const live = sides.filter((side) => isWell(side) && side.every(({ record }) => record.model !== null))
    if (!live.includes(first)) break
    const startNs = world.nowNs()
    await measureStep(context, live, step, index, { ...time, ...counts })
    measuringNs += world.nowNs() - startNs
    save()
  }
  return measuringNs
}

function isWell(side: readonly PlannedRecord[]): boolean {
  return side.every(({ record }) => record.failure === null)
}

/** One load of each model in one repetition on all sides. A server that dies of it is data; all else throws. */
async function measureStep(
  context: ProfileContext,
  sides: readonly (readonly PlannedRecord[])[],
  step: number,
  index: number,
  settings: RepetitionSettings,
): Promise<void> {
  const { world, engine, random, gpu } = context
  const loaded = sides.map((side) =>
    side.flatMap(({ plan, record: { model } }) => {
      const load = plan.loads[step]
      return model === null || load === undefined ? [] : [{ model, load }]
    }),
  )
  const noteDeath = async (): Promise<boolean> => {
    interruptIfAsked(world)
    const death = await serverDeath(world, [
      ...new Set(loaded.flatMap((side) => side.map(({ model }) => model.live))),
    ])
    if (death === null) return false
    for (const { record } of sides.flat())
      if (record.server?.server.hasExited() === true) record.failure = death
    const labels = loaded[0]?.map(({ load }) => loadLabel(load)) ?? []
    world.progress(`${labels[0] ?? ''}: ${death.message}`)
    return true
  }
  let samples: readonly (readonly Sample[])[]
  try {
    samples = await measureSides(world, engine, loaded, settings, random, gpu)
  } catch (error) {
    if (await noteDeath()) return
    throw error
  }
  // A dying server may still answer with errors while it writes its last words: it is the death that is to be told.
  if (samples.flat().some(isSilent) && (await noteDeath())) return
  // The sides of one repetition pair by its index.
  const pairedWith = sides.length > 1 ? index : null
  const { maxFailureRatio } = context.config.gate
  for (const [sideIndex, side] of sides.entries()) {
    const ofSide = loaded[sideIndex] ?? []
    const judged = withNeighbours(ofSide, samples[sideIndex] ?? [], maxFailureRatio)
    for (const [modelIndex, { record }] of side.entries()) {
      const [asked, sample] = [ofSide[modelIndex], judged[modelIndex]]
      if (asked === undefined || sample === undefined) continue
      const repetition = toRepetition(sample, asked.load, index, pairedWith, maxFailureRatio)
      const key = loadKey(asked.load)
      const ofLoad = record.measured.get(key) ?? new Map<number, Measured>()
      record.measured.set(key, ofLoad.set(index, { sample, repetition }))
    }
  }
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

/** One model of a side. What keeps another of them from being measured keeps it, too. */
function summarize(
  side: readonly PlannedRecord[],
  index: number,
  warnings: readonly string[],
): ModelMeasurement {
  const planned = side[index]
  if (planned === undefined) throw new RangeError('a side without the model')
  const { plan, record } = planned
  const failure = record.failure ?? neighboursFailure(side)
  return {
    name: plan.name,
    contentHash: closureHash(record.repository, plan.name),
    configText: record.repository.models.get(plan.name)?.configText ?? null,
    ...otherConfigTexts(record.repository, plan.name),
    status: failure === null ? 'measured' : 'failed',
    ...(failure === null ? {} : { error: errorOf(failure) }),
    ...(plan.looks.length === 0 ? {} : { looks: plan.looks }),
    scenarios: scenariosOf(plan, record),
    search: null,
    warnings: [...warnings, ...record.inputWarnings],
  }
}

function neighboursFailure(side: readonly PlannedRecord[]): GateError | null {
  const broken = side.find(({ record }) => record.failure !== null)
  const failure = broken?.record.failure ?? null
  if (broken === undefined || failure === null) return null
  const message = `${broken.plan.name}, which is to be under load at the same time, failed: ${failure.message}`
  return new GateError('model', message, { hint: failure.hint })
}

/** What a patch needs that changes composing models, too. */
function otherConfigTexts(
  repository: ModelRepository,
  name: string,
): Pick<ModelMeasurement, 'otherConfigTexts'> {
  const texts = modelClosure(repository, name).flatMap((each) => {
    const text = repository.models.get(each)?.configText
    return each === name || text == null ? [] : [[each, text] as const]
  })
  return texts.length === 0 ? {} : { otherConfigTexts: Object.fromEntries(texts) }
}

function errorOf(failure: GateError): { message: string; hint?: string } {
  return { message: failure.message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) }
}

/** What a side gave under each of the plan's loads; none where it never loaded. */
export function scenariosOf(plan: ModelPlan, { committed, measured, inputAdvice }: SideRecord): Scenario[] {
  if (committed === null) return []
  return plan.loads.map((load) => {
    const ofLoad = measured.get(loadKey(load))
    return ofLoad === undefined
      ? failedScenario('gate', committed, load, `${loadLabel(load)}: not measured`)
      : withAdvice(
          toScenario({ role: 'gate', configuration: committed, load, measured: [...ofLoad.values()] }),
          inputAdvice,
        )
  })
}
