import type { Config } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import { asGateError, GateError } from '../domain/error.ts'
import { type Load, loadKey, loadLabel } from '../domain/load.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { GpuMemory, GpuSampler } from '../gpu/sampler.ts'
import { type ModelPlan, nextMeasuringTime } from '../plan/plan.ts'
import { closureHash, type ModelRepository } from '../repository/repository.ts'
import type { Random } from '../stats/random.ts'
import { measureLoad, type RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import {
  type LiveModel,
  type LiveServer,
  openModel,
  openServer,
  type SideContext,
  type SideName,
  serverDeath,
} from './side.ts'

export interface ProfileContext extends SideContext {
  readonly config: Config
  readonly random: Random
  readonly gpu: GpuSampler | null
}

/** What was measured of one model: the candidate, and the reference where there is one. */
export type ModelSides = { readonly candidate: ModelMeasurement; readonly reference: ModelMeasurement | null }

/** A side while it is measured: everything it gave so far. */
interface SideRecord {
  readonly name: SideName
  readonly repository: ModelRepository
  readonly samples: Map<string, Sample[]>
  server: LiveServer | null
  model: LiveModel | null
  committed: Configuration | null
  /** What a user should know about the inputs that were made up. */
  inputWarnings: readonly string[]
  failure: GateError | null
}

/**
 * Measures the committed configuration of one model at its loads: every repetition on fresh servers, the
 * sides alternating. `save` gets all there is after each load of each repetition.
 */
export async function profileModel(
  context: ProfileContext,
  plan: ModelPlan,
  repositories: { readonly candidate: ModelRepository; readonly reference: ModelRepository | null },
  save: (sides: ModelSides) => void,
): Promise<ModelSides> {
  const { world, random } = context
  const records = [record('candidate', repositories.candidate)]
  const { reference } = repositories
  // A model that is new in the pull request has no reference: its budgets alone are judged.
  if (reference?.models.has(plan.name) === true) records.push(record('reference', reference))

  const stopping: Promise<void>[] = []
  const startNs = world.nowNs()
  const warnings: string[] = []
  const result = (): ModelSides => ({
    candidate: summarize(context, plan, records, 'candidate', warnings),
    reference: records.length === 1 ? null : summarize(context, plan, records, 'reference', []),
  })
  try {
    let measuringNs = 0
    for (let index = 0; index < plan.repetitions; index++) {
      const time = nextMeasuringTime(plan, index, world.nowNs() - startNs, measuringNs)
      if (time === null) {
        warnings.push(`the time budget allowed ${index} of ${plan.repetitions} repetitions`)
        break
      }
      world.progress(`${plan.name}: repetition ${index + 1} of ${plan.repetitions}`)
      await openAll(context, plan, random.shuffle(records))
      for (const load of random.shuffle(plan.loads)) {
        if (hasFailed(records)) break
        const loadStartNs = world.nowNs()
        await repeat(context, { ...time, warmupNs: plan.warmupNs }, records, load)
        measuringNs += world.nowNs() - loadStartNs
        save(result())
      }
      await closeAll(records, stopping, context.gpu !== null)
      if (hasFailed(records)) break
    }
  } finally {
    await closeAll(records, stopping, false)
    await Promise.all(stopping)
  }
  return result()
}

/** Throws where a signal asked to stop: what was measured until then has been saved. */
export function interruptIfAsked(world: World): void {
  if (world.signal.aborted) {
    throw new GateError('interrupted', 'interrupted: nothing is judged from half a measurement', {
      hint: 'What was measured until then is in measurements.json, marked as not complete.',
    })
  }
}

function record(name: SideName, repository: ModelRepository): SideRecord {
  return {
    name,
    repository,
    samples: new Map(),
    server: null,
    model: null,
    committed: null,
    inputWarnings: [],
    failure: null,
  }
}

/**
 * Starts the sides' servers: at once where that takes half the time, one after the other where the GPU memory
 * of each is to be told apart.
 */
async function openAll(
  context: ProfileContext,
  plan: ModelPlan,
  records: readonly SideRecord[],
): Promise<void> {
  if (context.gpu !== null) {
    for (const each of records) await open(context, plan, each, records.length > 1)
    return
  }
  // All settle before one throws: a server that is still starting then could not be stopped.
  const opened = await Promise.allSettled(records.map((each) => open(context, plan, each, false)))
  const broken = opened.find((outcome) => outcome.status === 'rejected')
  if (broken !== undefined) throw asGateError(broken.reason)
}

/** A model that does not load is data; all else throws. */
async function open(
  context: ProfileContext,
  plan: ModelPlan,
  each: SideRecord,
  besideAnother: boolean,
): Promise<void> {
  const { input } = context.config.settingsFor(plan.name)
  const model = each.repository.models.get(plan.name)
  if (model === undefined) return
  const growth = besideAnother ? await context.gpu?.watchGrowth() : undefined
  each.server = await openServer(context, each.name, each.repository.path)
  try {
    each.model = await openModel(context, each.server, model, input)
    if (growth !== undefined) each.model = await withGpuGrowth(context, plan, each.model, growth)
    each.committed = each.model.configuration
    each.inputWarnings = each.model.warnings
  } catch (error) {
    const gateError = asGateError(error)
    if (gateError.code !== 'model') throw gateError
    each.failure = gateError
    context.world.progress(`${plan.name}: ${each.name}: ${gateError.message}`)
  }
}

/**
 * With two servers alive the devices tell nothing of one of them. Where nvidia-smi does not show processes either, what
 * they gain is read here, before the other server starts: after requests, since frameworks allocate when the first come.
 */
async function withGpuGrowth(
  { gpu, generator }: ProfileContext,
  plan: ModelPlan,
  model: LiveModel,
  growth: () => Promise<GpuMemory>,
): Promise<LiveModel> {
  for (const load of plan.loads) {
    if (await gpu?.showsMemoryOf(model.live.server.pids())) return model
    await generator.run(await model.target(load), load, { leadInNs: 0, durationNs: plan.warmupNs })
  }
  return { ...model, gpuGrowth: await growth() }
}

function hasFailed(records: readonly SideRecord[]): boolean {
  return records.some((each) => each.failure !== null)
}

/** One load of one repetition on all sides. A server that dies of it is data; all else throws. */
async function repeat(
  context: ProfileContext,
  settings: RepetitionSettings,
  records: readonly SideRecord[],
  load: Load,
): Promise<void> {
  const { world, generator, random, gpu } = context
  const models = records.flatMap((each) => (each.model === null ? [] : [each.model]))
  let samples: readonly Sample[]
  try {
    samples = await measureLoad(world, generator, models, load, settings, random, gpu)
  } catch (error) {
    interruptIfAsked(world)
    const servers = models.map((model) => model.live)
    const death = await serverDeath(world, servers)
    if (death === null) throw error
    for (const each of records) if (each.server?.server.hasExited() === true) each.failure = death
    world.progress(`${loadLabel(load)}: ${death.message}`)
    return
  }
  for (const [index, each] of records.entries()) {
    const sample = samples[index]
    if (sample === undefined || sample.windows.length === 0) continue
    each.samples.set(loadKey(load), [...(each.samples.get(loadKey(load)) ?? []), sample])
  }
}

/** A server stops while the next one starts, except where GPU memory is measured: that must be free first. */
async function closeAll(
  records: readonly SideRecord[],
  stopping: Promise<void>[],
  wait: boolean,
): Promise<void> {
  for (const each of records) {
    await each.model?.detach()
    if (each.server !== null) stopping.push(each.server.close())
    each.model = null
    each.server = null
  }
  if (wait) await Promise.all(stopping)
}

function summarize(
  context: ProfileContext,
  plan: ModelPlan,
  records: readonly SideRecord[],
  name: SideName,
  warnings: readonly string[],
): ModelMeasurement {
  const each = records.find((candidate) => candidate.name === name)
  if (each === undefined) throw new GateError('internal', `no record of the side '${name}'`)
  const model = each.repository.models.get(plan.name)
  return {
    name: plan.name,
    contentHash: closureHash(each.repository, plan.name),
    configText: model?.configText ?? null,
    status: each.failure === null ? 'measured' : 'failed',
    ...(each.failure === null ? {} : { error: errorOf(each.failure) }),
    scenarios: scenariosOf(context, plan, each, records),
    search: null,
    warnings: [...warnings, ...each.inputWarnings],
  }
}

function errorOf(failure: GateError): { message: string; hint?: string } {
  return { message: failure.message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) }
}

/** Repetitions pair by index: both sides get the same loads in the same repetitions. */
function scenariosOf(
  context: ProfileContext,
  plan: ModelPlan,
  each: SideRecord,
  records: readonly SideRecord[],
): Scenario[] {
  const { committed } = each
  if (committed === null) return []
  const other = records.find((candidate) => candidate !== each)
  return plan.loads.map((load) => {
    const samples = each.samples.get(loadKey(load)) ?? []
    if (samples.length === 0)
      return failedScenario('gate', committed, load, `${loadLabel(load)}: not measured`)
    const partners = other?.samples.get(loadKey(load))?.length ?? 0
    const repetitions = samples.map((sample, index) =>
      toRepetition(sample, load, index, index < partners ? index : null, context.config.gate.maxFailureRatio),
    )
    return toScenario({ role: 'gate', configuration: committed, load, samples, repetitions })
  })
}
