import type { Config } from '../config/config.ts'
import type { AttributionMeasurement } from '../domain/attribution.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Environment } from '../domain/environment.ts'
import { asGateError } from '../domain/error.ts'
import type { Invocation } from '../domain/invocation.ts'
import type { Load } from '../domain/load.ts'
import { type GitFacts, type Measurements, schemaVersion } from '../domain/measurements.ts'
import type { ModelMeasurement, SearchSummary } from '../domain/scenario.ts'
import { tool } from '../domain/tool.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { type GpuSampler, startGpuSampler } from '../gpu/sampler.ts'
import { openLoadGenerator } from '../load/generator.ts'
import type { InputData } from '../load/read-inputs.ts'
import { removeStaleRegions } from '../load/shared-memory.ts'
import type { ModelPlan, Plan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { createRandom } from '../stats/random.ts'
import { freeMemoryBytes, hasGpuDevice, sharedMemoryRoom } from '../system/host-activity.ts'
import type { Launcher } from '../triton/launcher.ts'
import { attribute } from './attribution.ts'
import { type Claim, claimDevices } from './claim.ts'
import { measureConcurrently } from './concurrent-models.ts'
import { engineName, openEngine } from './engine.ts'
import { describeEnvironment } from './environment.ts'
import { interruptIfAsked, type ModelSides, type ProfileContext } from './profile.ts'
import { givenUp, resumed, settingsHash, sweepBegin, sweepScenarios } from './resume.ts'
import { growthOf, serversThatFit, sweepServers } from './room.ts'
import { profileScreened } from './screened-model.ts'
import { makeShelf, type Shelf } from './shelf.ts'
import { openServer, type SideName } from './side.ts'
import { sweepModel } from './sweep.ts'
import type { SweepState } from './sweep-loop.ts'

export interface MeasureInput {
  readonly config: Config
  readonly plan: Plan
  readonly launcher: Launcher
  /** By model; the same bytes go to both sides. */
  readonly inputs: ReadonlyMap<string, InputData>
  readonly candidate: ModelRepository
  readonly reference: {
    readonly repository: ModelRepository
    readonly description: string
    readonly commit: string | null
  } | null
  /** What an earlier run left, to be gone on with; null = start afresh. */
  readonly resume: Measurements | null
  readonly commit: string | null
  /** What git knew of the configuration, recorded with the measurements. */
  readonly git: GitFacts
  /** The repository's path within git, for patches; null outside git. */
  readonly repositoryPrefix: string | null
  readonly invocation: Invocation
  /** Gets all there is after each load of each repetition, each step of a sweep, and each model. */
  readonly save: (measurements: Measurements) => void
  readonly logServer: (line: string) => void
  /** Whether what was measured so far on both sides, of one model or of those at once, is decided at look number `look`. */
  readonly isDecided: (model: Measurements, look: number) => boolean
  /** What a model that was measured on both sides got worse at; null where nothing is confirmed. */
  readonly regressionOf: (model: Measurements) => Regression | null
  /** Whether a model is worth measuring alone first, and whether that has cleared it. */
  readonly screen: {
    readonly isPromising: (model: ModelPlan, environment: Environment) => boolean
    readonly isCleared: (model: Measurements) => boolean
  }
}

interface Regression {
  /** By latency or throughput, the worst first. */
  readonly loads: readonly Load[]
  /** Whether config.pbtxt is to blame, by what was measured to explain it. */
  readonly blamesConfig: (measured: AttributionMeasurement) => boolean
}

/**
 * Plan → Measurements: every model's gated loads on both sides, then its sweep; or all models at once. The only loop over
 * models.
 */
export async function measureRepository(world: World, input: MeasureInput): Promise<Measurements> {
  const claim = await claimDevices(world, input.launcher, input.config)
  try {
    return await measureClaimed(world, input, claim)
  } finally {
    await claim.release()
  }
}

async function measureClaimed(world: World, input: MeasureInput, claim: Claim): Promise<Measurements> {
  const { config, plan, launcher } = input
  removeStaleRegions()
  const startNs = world.nowNs()
  const createdAt = world.date()
  const generator = await openLoadGenerator(world)
  let gpu: GpuSampler | null = null
  try {
    const engine = await openEngine(world, generator, config)
    const base = {
      world,
      launcher,
      generator,
      engine,
      config,
      inputs: input.inputs,
      random: createRandom(plan.seed),
      loadTimeoutNs: config.triton.loadTimeoutNs,
      requestDeadlineNs: requestDeadlineNs(plan),
      serverLog: (side: SideName) => (line: string) => input.logServer(`[${side}] ${line}`),
    }
    const idle = await describeEnvironmentOf(base, input.candidate.path, claim)
    gpu = idle.gpus.length === 0 ? null : await startGpuSampler(world, config.triton.gpus)
    const gpuMemoryTotalBytes =
      gpu === null ? null : idle.gpus.reduce((sum, { memoryTotalBytes }) => sum + memoryTotalBytes, 0)
    const context: ProfileContext = { ...base, gpu, gpuMemoryTotalBytes }

    const measurements = (sides: readonly ModelSides[], complete: boolean): Measurements => ({
      kind: 'measurements',
      schemaVersion,
      tool,
      createdAt,
      commit: input.commit,
      ...(input.repositoryPrefix === null ? {} : { repositoryPrefix: input.repositoryPrefix }),
      invocation: input.invocation,
      complete,
      seed: plan.seed,
      environment: idle,
      models: sides.map((side) => side.candidate),
      reference:
        input.reference === null
          ? null
          : {
              description: input.reference.description,
              commit: input.reference.commit,
              models: sides.flatMap((side) => (side.reference === null ? [] : [side.reference])),
            },
      git: input.git,
      ...attributionsOf(sides),
      warnings: [...config.warnings, ...claim.warnings],
      wallNs: world.nowNs() - startNs,
    })
    const isCleared = (candidate: ModelMeasurement) => {
      const own = plan.models.find(({ name }) => name === candidate.name)
      if (own === undefined || !input.screen.isPromising(own, idle)) return false
      return input.screen.isCleared(measurements([{ candidate, reference: null }], false))
    }
    const resuming = { ...input, environment: idle, progress: world.progress, isCleared }
    const known = input.resume === null ? new Map<string, ModelSides>() : resumed(input.resume, resuming)
    const all = () => plan.models.flatMap(({ name }) => known.get(name) ?? [])
    const saveAll = (every: readonly ModelSides[]) => {
      for (const sides of every) known.set(sides.candidate.name, sides)
      input.save(measurements(all(), false))
    }
    if (plan.concurrently) {
      const earlier = all()
      const kept = earlier.length === plan.models.length ? earlier : null
      if (kept === null && earlier.length > 0)
        world.progress('all models are measured afresh, since they are measured at once')
      known.clear()
      const asMeasurements = (every: readonly ModelSides[]) => measurements(every, false)
      saveAll(await measureConcurrently(context, input, kept, saveAll, asMeasurements))
    }
    for (const model of plan.concurrently ? [] : plan.models) {
      const save = (sides: ModelSides) => {
        known.set(model.name, sides)
        input.save(measurements(all(), false))
      }
      const promising = input.screen.isPromising(model, idle)
      const alone = (sides: ModelSides) => measurements([sides], false)
      save(await measureModel(context, input, model, known.get(model.name) ?? null, save, alone, promising))
    }
    interruptIfAsked(world)
    const complete = measurements(all(), true)
    input.save(complete)
    return complete
  } finally {
    gpu?.stop()
    await generator.close()
  }
}

/** Only where there are any: a file without them says the same. */
function attributionsOf(sides: readonly ModelSides[]): Pick<Measurements, 'attributions'> {
  const attributions = sides.flatMap(({ attribution }) => attribution ?? [])
  return attributions.length === 0 ? {} : { attributions }
}

/** The gated loads first, then why they are worse if they are, then the sweep with what is left of the model's time. */
async function measureModel(
  context: ProfileContext,
  input: MeasureInput,
  plan: ModelPlan,
  earlier: ModelSides | null,
  save: (sides: ModelSides) => void,
  alone: (sides: ModelSides) => Measurements,
  promising: boolean,
): Promise<ModelSides> {
  const shelf = makeShelf()
  try {
    return await measureOnShelf(context, input, plan, earlier, save, alone, promising, shelf)
  } finally {
    await shelf.clear()
  }
}

async function measureOnShelf(
  context: ProfileContext,
  input: MeasureInput,
  plan: ModelPlan,
  earlier: ModelSides | null,
  save: (sides: ModelSides) => void,
  alone: (sides: ModelSides) => Measurements,
  promising: boolean,
  shelf: Shelf,
): Promise<ModelSides> {
  const { world, config } = context
  const startNs = world.nowNs()
  const gated = earlier ?? (await measureGated(context, input, plan, save, alone, promising, shelf))
  const begun = gated.candidate.sweep ?? sweepBegin(world.nowNs() - startNs)
  const swept = sweepScenarios(gated.candidate)
  const withSweep = ({ progress, scenarios }: SweepState, search: SearchSummary | null): ModelSides => ({
    ...gated,
    candidate: {
      ...gated.candidate,
      settingsHash: settingsHash(config, plan.name),
      sweep: progress,
      scenarios: [...gated.candidate.scenarios.filter(({ role }) => role === 'gate'), ...scenarios],
      search,
    },
  })
  let state: SweepState = { progress: begun, scenarios: swept }
  const sides = withSweep(state, null)
  save(sides)
  const model = input.candidate.models.get(plan.name)
  const committed = committedOf(gated.candidate)
  if (plan.searchNs === 0 || model === undefined || committed === null) return sides
  const timeNs = Math.max(0, plan.budgetNs - begun.spentBeforeNs)
  try {
    const running = shelf.take()
    const keep = (now: SweepState) => {
      state = now
      save(withSweep(now, null))
    }
    const servers = sweepServers(
      context,
      alone(gatedOnly(gated)),
      model.dependencies.length + model.called.length > 0,
      growthOf(config.settingsFor(plan.name).search, committed),
      { freeBytes: freeMemoryBytes(), shared: sharedMemoryRoom(), hasGpuDevice: hasGpuDevice() },
    )
    const sweep = await sweepModel(
      context,
      input.candidate,
      model,
      committed,
      timeNs,
      state,
      keep,
      running,
      servers,
    )
    return withSweep(sweep, sweep.summary)
  } catch (error) {
    interruptIfAsked(world)
    // The sweep is a suggestion: what breaks in it must not cost the verdict.
    const warning = `${givenUp}${asGateError(error).message}`
    world.progress(`${plan.name}: ${warning}`)
    const { candidate } = withSweep(state, null)
    return { ...gated, candidate: { ...candidate, warnings: [...candidate.warnings, warning] } }
  }
}

function gatedOnly({ candidate, ...others }: ModelSides): ModelSides {
  const scenarios = candidate.scenarios.filter(({ role }) => role === 'gate')
  return { ...others, candidate: { ...candidate, scenarios } }
}

async function measureGated(
  context: ProfileContext,
  input: MeasureInput,
  plan: ModelPlan,
  save: (sides: ModelSides) => void,
  alone: (sides: ModelSides) => Measurements,
  promising: boolean,
  shelf: Shelf,
): Promise<ModelSides> {
  const { world } = context
  const startNs = world.nowNs()
  const repositories = { candidate: input.candidate, reference: input.reference?.repository ?? null }
  const sides = await profileScreened(
    context,
    plan,
    repositories,
    save,
    (measured, look) => input.isDecided(alone(measured), look),
    promising ? (measured) => input.screen.isCleared(alone(measured)) : null,
    // On a GPU each configuration's memory is read against that of a server without any.
    plan.searchNs === 0 || context.gpu !== null ? null : shelf.put,
  )
  save(sides)
  const timeNs = startNs + plan.budgetNs - plan.searchNs - world.nowNs()
  return explain(context, input, plan, sides, alone(sides), timeNs, shelf)
}

/** The sides with what explains the regression, if there is one. */
async function explain(
  context: ProfileContext,
  input: MeasureInput,
  plan: ModelPlan,
  sides: ModelSides,
  measurements: Measurements,
  timeNs: number,
  shelf: Shelf,
): Promise<ModelSides> {
  const { candidate } = input
  const reference = input.reference?.repository
  if (reference === undefined || context.config.gate.attribution === 'off') return sides
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
    return { ...sides, candidate: { ...sides.candidate, warnings: [...sides.candidate.warnings, warning] } }
  }
}

/**
 * What never answers ends here. Longer than any request of a model that a latency gate makes sense for, and
 * so short that a model which hangs leaves time to say so.
 */
function requestDeadlineNs(plan: Plan): number {
  const shareNs = plan.budgetNs / Math.max(1, plan.models.length) / 10
  return Math.min(60 * nsPerSecond, Math.max(5 * nsPerSecond, shareNs))
}

/** The configuration that was measured; null where the model did not load. */
function committedOf(measurement: ModelMeasurement): Configuration | null {
  return measurement.status === 'failed' ? null : (measurement.scenarios[0]?.configuration ?? null)
}

/** Starts one server without a model to learn what it is, and what is on the machine while it idles. */
async function describeEnvironmentOf(
  context: Omit<ProfileContext, 'gpu' | 'gpuMemoryTotalBytes'>,
  repository: string,
  { lockedClocks }: Claim,
): Promise<Environment> {
  context.world.progress(`starting ${context.launcher.mode} Triton: ${context.launcher.source}`)
  const live = await openServer(context, 'candidate', repository)
  try {
    const { gate, triton } = context.config
    return await describeEnvironment(context.world, context.launcher, live.server, {
      gpus: triton.gpus,
      runnerClass: gate.runnerClass,
      lockedClocks,
      inputs: context.inputs,
      engine: engineName(context.engine),
    })
  } finally {
    await live.close()
  }
}
