import type { Config } from '../config/config.ts'
import type { AttributionMeasurement } from '../domain/attribution.ts'
import { GateError } from '../domain/error.ts'
import { type Load, loadKey, loadLabel } from '../domain/load.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { InputData } from '../load/read-inputs.ts'
import { type MeasuringTime, type ModelPlan, nextMeasuringTime } from '../plan/plan.ts'
import { closureHash, type ModelRepository, modelClosure } from '../repository/repository.ts'
import type { Random } from '../stats/random.ts'
import { measureWith } from './engine.ts'
import { closeAll, makeRecord, openAll, type SideRecord } from './records.ts'
import type { RepetitionSettings } from './repetition.ts'
import { isDisturbed, isSilent, type Measured, type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario, withAdvice } from './scenario.ts'
import { type AskSettings, type SideContext, serverDeath } from './side.ts'

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

/**
 * Measures the committed configuration of one model at its loads: every repetition on fresh servers, the
 * sides alternating. `save` gets all there is after each load of each repetition. Ends at one of the plan's looks if
 * `isDecided` says so of what was measured until then.
 */
export async function profileModel(
  context: ProfileContext,
  plan: ModelPlan,
  repositories: { readonly candidate: ModelRepository; readonly reference: ModelRepository | null },
  save: (sides: ModelSides) => void,
  isDecided: (sides: ModelSides, look: number) => boolean,
): Promise<ModelSides> {
  const { world } = context
  const candidate = makeRecord('candidate', repositories.candidate)
  const { reference } = repositories
  // A model that is new in the pull request has no reference: its budgets alone are judged.
  const records =
    reference?.models.has(plan.name) === true ? [candidate, makeRecord('reference', reference)] : [candidate]

  const stopping: Promise<void>[] = []
  const warnings: string[] = []
  const result = (): ModelSides => ({
    candidate: summarize(plan, candidate, warnings),
    reference: records[1] === undefined ? null : summarize(plan, records[1], []),
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
      world.progress(`${plan.name}: repetition ${index + 1} of ${wanted}`)
      measuringNs += await repeat(context, plan, records, stopping, index, time, () => save(result()))
      await closeAll(records, stopping, context.gpu !== null)
      if (candidate.failure !== null) break
      const samples = samplesOf(records, index)
      // A model that answers nothing will not answer the next repetition either.
      if (samples.some(isSilent)) break
      const pairs = validPairs(plan, records)
      const look = plan.looks.indexOf(pairs)
      if (look > lastLook) {
        lastLook = look
        if (look === plan.looks.length - 1) break
        if (index + 1 < wanted && isDecided(result(), look)) {
          world.progress(`${plan.name}: decided after ${pairs} repetitions`)
          break
        }
      }
      if (samples.some(isDisturbed) && wanted < plan.repetitions * maxReplacement) wanted++
    }
  } finally {
    await closeAll(records, stopping, false)
    await Promise.all(stopping)
  }
  return result()
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
 * One repetition: fresh servers, then every load, as long as the first record's side is well. Returns the time spent in
 * warm-ups and windows, in ns.
 */
export async function repeat(
  context: ProfileContext,
  plan: ModelPlan,
  records: readonly SideRecord[],
  stopping: readonly Promise<void>[],
  index: number,
  time: MeasuringTime,
  save: () => void,
): Promise<number> {
  const { world, random } = context
  // A reference that does not load, or dies, leaves the candidate to be measured alone: a fix must be able to pass.
  await openAll(context, plan, random.shuffle(records.filter(isWell)))
  // The last repetition's servers stop while these start, but not while these are measured.
  await Promise.all(stopping)
  const { counts } = context.config.settingsFor(plan.name)
  let measuringNs = 0
  for (const load of random.shuffle(plan.loads)) {
    const sides = records.filter((each) => isWell(each) && each.model !== null)
    if (records[0] === undefined || !sides.includes(records[0])) break
    const startNs = world.nowNs()
    await measureSides(context, sides, load, index, { ...time, ...counts })
    measuringNs += world.nowNs() - startNs
    save()
  }
  return measuringNs
}

function isWell(each: SideRecord): boolean {
  return each.failure === null
}

/** One load of one repetition on all sides. A server that dies of it is data; all else throws. */
async function measureSides(
  context: ProfileContext,
  sides: readonly SideRecord[],
  load: Load,
  index: number,
  settings: RepetitionSettings,
): Promise<void> {
  const { world, engine, random, gpu } = context
  const models = sides.flatMap((each) => (each.model === null ? [] : [each.model]))
  const noteDeath = async (): Promise<boolean> => {
    interruptIfAsked(world)
    const death = await serverDeath(
      world,
      models.map((model) => model.live),
    )
    if (death === null) return false
    for (const each of sides) if (each.server?.server.hasExited() === true) each.failure = death
    world.progress(`${loadLabel(load)}: ${death.message}`)
    return true
  }
  let samples: readonly Sample[]
  try {
    samples = await measureWith(world, engine, models, load, settings, random, gpu)
  } catch (error) {
    if (await noteDeath()) return
    throw error
  }
  // A dying server may still answer with errors while it writes its last words: it is the death that is to be told.
  if (samples.some(isSilent) && (await noteDeath())) return
  // The sides of one repetition pair by its index.
  const pairedWith = sides.length > 1 ? index : null
  for (const [side, each] of sides.entries()) {
    const sample = samples[side]
    if (sample === undefined) continue
    const repetition = toRepetition(sample, load, index, pairedWith, context.config.gate.maxFailureRatio)
    const ofLoad = each.measured.get(loadKey(load)) ?? new Map<number, Measured>()
    each.measured.set(loadKey(load), ofLoad.set(index, { sample, repetition }))
  }
}

/** Repetitions that are valid on every side, at the load that has the fewest. */
function validPairs(plan: ModelPlan, records: readonly SideRecord[]): number {
  const counts = plan.loads.map((load) => {
    const [first, ...others] = records.map((each) => each.measured.get(loadKey(load)))
    const isValid = (index: number) => (ofLoad: Map<number, Measured> | undefined) =>
      ofLoad?.get(index)?.repetition.status === 'valid'
    return [...(first?.keys() ?? [])].filter((index) => [first, ...others].every(isValid(index))).length
  })
  return Math.min(...counts)
}

function samplesOf(records: readonly SideRecord[], index: number): Sample[] {
  return records.flatMap((each) =>
    [...each.measured.values()].flatMap((ofLoad) => ofLoad.get(index)?.sample ?? []),
  )
}

function summarize(plan: ModelPlan, each: SideRecord, warnings: readonly string[]): ModelMeasurement {
  const model = each.repository.models.get(plan.name)
  return {
    name: plan.name,
    contentHash: closureHash(each.repository, plan.name),
    configText: model?.configText ?? null,
    ...otherConfigTexts(each.repository, plan.name),
    status: each.failure === null ? 'measured' : 'failed',
    ...(each.failure === null ? {} : { error: errorOf(each.failure) }),
    ...(plan.looks.length === 0 ? {} : { looks: plan.looks }),
    scenarios: scenariosOf(plan, each),
    search: null,
    warnings: [...warnings, ...each.inputWarnings],
  }
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
